/** From the crash of the tab that holds a lease to the lease in this one, beside the bare hand-over of a Web Lock. */
import { openRegistry } from "longwait";
import { raceAfterCrash } from "../crash.js";

export const needs = ["crashTab"];

export async function run({ rounds }) {
  const registry = await openRegistry({ name: "tabs" });
  try {
    const figures = await raceAfterCrash(rounds, async (tab, id) => {
      await registry.registerProcess({ id, input: { type: "external" } });
      const lease = await tab.ask("lease", id);
      return async () => {
        await registry.ownerGone(lease.owner);
        const claim = await registry.reclaimProcessLease(id, registry.owner, lease, 60_000);
        if (claim.outcome !== "acquired" || claim.lease.fencingToken !== lease.fencingToken + 1) throw new Error("was not taken over");
      };
    });
    return [{ work: "crash of a tab to its lease here", figures, atMost: 2, most: 150 }];
  } finally {
    await registry.close();
  }
}
