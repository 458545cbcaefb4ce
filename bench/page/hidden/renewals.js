/** Whether a run in a hidden tab keeps its lease where chained timers fire once a minute. */
import { openRegistry } from "longwait";
import { anotherTab } from "../another-tab.js";
import { median } from "../harness.js";

export async function run({ quick }) {
  const registry = await openRegistry({ name: "tabs" });
  const tab = await anotherTab();
  const gap = await tab.throttled(30_000);
  console.log(`one timer of a chain took ${Math.round(gap)} ms: throttled once a minute`);

  const id = "long";
  await tab.ask("drive", { kind: id, work: "untilSignal" });
  const runs = tab.waits(id);
  const ran = tab.ask("began", id);
  await runs;
  await registry.registerProcess({ id, input: { type: "engine", kind: id } });
  await ran;
  // Would take it, were it to be had.
  const rival = registry.driver({ runners: { [id]: () => "taken over" } });
  rival.start();

  const chain = tab.ask("timers", 1);
  const lease = await registry.getProcessLease(id);
  const renewals = [];
  let left = Infinity;
  let last = lease;
  const until = performance.now() + (quick ? 90_000 : 300_000);
  while (performance.now() < until) {
    await new Promise((look) => setTimeout(look, 100));
    const now = await registry.getProcessLease(id);
    left = Math.min(left, now.expiresAtMs - Date.now());
    if (now.expiresAtMs !== last.expiresAtMs) renewals.push(now.expiresAtMs - last.expiresAtMs);
    last = now;
  }
  const hops = await chain;
  await rival.signal(id, "end");
  const { value } = await registry.awaiter.awaitTerminal(id);
  await rival.stop();
  if (value !== null || last.fencingToken !== lease.fencingToken) throw new Error("the lease was lost");
  if ((await tab.ask("state")) !== "hidden") throw new Error("the tab is not hidden");
  await tab.close();
  await registry.close();
  const figure = (name, samples) => ({ name, samples, median: median(samples) });
  return [
    {
      work: "renewals of a lease, of which it needs one in 30 s",
      figures: [figure("every", renewals), figure("timers of a chain in that time", hops)],
    },
    { work: "the slowest of them", figures: [figure("renewal", [Math.max(...renewals)])], most: 15_000 },
    { work: "what was left of the lease at the least", figures: [figure("lease", [left])] },
  ];
}
