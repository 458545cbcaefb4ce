/** What wakes and drives in a hidden tab, beside the same in one that is looked at. */
import { openRegistry } from "longwait";
import { anotherTab } from "../another-tab.js";
import { median, race } from "../harness.js";

export async function run({ rounds, quick }) {
  const times = quick ? 5 : 20;
  const registry = await openRegistry({ name: "tabs" });
  const contenders = [];
  for (const state of ["hidden", "visible"]) {
    const tab = await anotherTab({ visible: state === "visible" });
    const kind = `in the ${state} tab`;
    for (const work of ["nothing", "steps"]) await tab.ask("drive", { kind: `${work} ${kind}`, work });
    contenders.push({ name: `${state} tab`, state, tab, kind, offset: await tab.clockOffset() });
  }
  // Throttling sets in a while after a page is hidden.
  while (median(await contenders[0].tab.ask("timers", 3)) < 500);

  let count = 0;
  const register = (id, kind) => registry.registerProcess({ id, input: { type: "engine", kind } });
  const mean = (once) => async (contender) => {
    let sum = 0;
    for (let n = 0; n < times; n++) sum += await once(contender, `process ${count++}`);
    return sum / times;
  };
  const raced = (once, some = rounds) => race(contenders, some, once);

  const rows = [
    {
      work: "end here to its promise there",
      figures: await raced(
        mean(async ({ tab, offset }, id) => {
          await registry.registerProcess({ id, input: { type: "external" } });
          return tab.woken("awaitTerminal", id, () => registry.completeProcess(id, { type: "success", value: null }), offset);
        }),
      ),
      atMost: 1.5,
    },
    {
      work: "registration here to the runner there",
      figures: await raced(
        mean(async ({ tab, kind, offset }, id) => {
          const taken = await tab.woken("began", id, () => register(id, `nothing ${kind}`), offset);
          // What it ends with is not to be in the way of the next one.
          await registry.awaiter.awaitTerminal(id);
          return taken;
        }),
      ),
      atMost: 1.5,
    },
    {
      work: "5 steps there, from registration to end",
      figures: await raced(
        mean(async ({ kind }, id) => {
          const start = performance.now();
          await register(id, `steps ${kind}`);
          await registry.awaiter.awaitTerminal(id);
          return performance.now() - start;
        }),
      ),
      atMost: 1.5,
    },
    {
      work: "crash of the tab that runs it to the runner there",
      figures: await raced(async ({ tab, offset }) => {
        const id = `process ${count++}`;
        const victim = await anotherTab();
        await victim.ask("drive", { kind: id, work: "forever" });
        const runs = victim.waits(id);
        const ran = victim.ask("began", id);
        await runs;
        await register(id, id);
        await ran;
        await tab.ask("drive", { kind: id, work: "nothing" });
        const taken = await tab.woken("began", id, () => victim.crash(), offset);
        await registry.awaiter.awaitTerminal(id);
        await tab.ask("stop", id);
        await victim.close();
        return taken;
      }),
      atMost: 1.5,
    },
    {
      work: "setTimeout(0) there to the next one in its chain",
      figures: await raced(async ({ tab }) => median(await tab.ask("timers", 5)), quick ? 1 : 3),
    },
  ];
  for (const { tab, state } of contenders) {
    const really = await tab.ask("state");
    if (really !== state) throw new Error(`the ${state} tab is ${really}`);
    await tab.close();
  }
  await registry.close();
  return rows;
}
