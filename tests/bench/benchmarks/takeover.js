/** From the crash of the tab that holds a lease to the lease in this one, beside the bare hand-over of a Web Lock. */
import { openRegistry } from "longwait";
import { anotherTab } from "../another-tab.js";
import { race } from "../harness.js";

export async function run({ rounds }) {
  const registry = await openRegistry({ name: "tabs" });
  let count = 0;
  const contenders = [
    {
      name: "longwait",
      async once(tab, id) {
        await registry.registerProcess({ id, input: { type: "external" } });
        const lease = await tab.ask("lease", id);
        return afterCrash(tab, async () => {
          await registry.ownerGone(lease.owner);
          const claim = await registry.reclaimProcessLease(id, registry.owner, lease, 60_000);
          if (claim.outcome !== "acquired" || claim.lease.fencingToken !== lease.fencingToken + 1) throw new Error("was not taken over");
        });
      },
    },
    {
      name: "bare Web Lock",
      async once(tab, id) {
        await tab.ask("lock", id);
        return afterCrash(tab, () => navigator.locks.request(id, () => {}));
      },
    },
  ];
  try {
    const once = async ({ once }) => {
      const tab = await anotherTab();
      try {
        return await once(tab, `process ${count++}`);
      } finally {
        await tab.close();
      }
    };
    return [{ work: "crash of a tab to its lease here", figures: await race(contenders, rounds, once), atMost: 2, most: 150 }];
  } finally {
    await registry.close();
  }
}

async function afterCrash(tab, taken) {
  const done = taken();
  const start = performance.now();
  await tab.crash();
  await done;
  return performance.now() - start;
}
