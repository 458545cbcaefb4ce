/** How late a timer of a run is in a tab that stays hidden, where chained timers fire once a minute. */
import { openRegistry } from "longwait";
import { anotherTab } from "../another-tab.js";
import { median } from "../harness.js";

export async function run({ quick }) {
  const span = quick ? 65_000 : 180_000;
  const hiddenFor = quick ? 150_000 : 600_000;
  // No divisor of a minute nor of a second: each timer begins elsewhere between two of the times to which a browser delays timers.
  const apart = 23_456;

  const registry = await openRegistry({ name: "tabs" });
  const tab = await anotherTab();
  const gap = await tab.throttled(30_000);
  console.log(`one timer of a chain took ${Math.round(gap)} ms: throttled once a minute`);

  await tab.ask("drive", { kind: "sleep", work: "sleeps" });
  const timers = [];
  for (const until = performance.now() + hiddenFor - span; performance.now() < until; await pause(apart))
    timers.push(sleeper(registry, `process ${timers.length}`, span), tab.ask("timer", span));
  const late = await Promise.all(timers);
  if ((await tab.ask("state")) !== "hidden") throw new Error("the tab is not hidden");
  await tab.close();
  await registry.close();
  const figure = (name, samples, of) => ({ name, samples, median: of(samples) });
  const [slept, fired] = [0, 1].map((rest) => late.filter((_, n) => n % 2 === rest));
  const rows = (work, of, most) => ({ work, figures: [figure("longwait", slept, of), figure("setTimeout", fired, of)], most });
  const words = `a timer of ${span / 1000} s in a tab hidden for ${hiddenFor / 1000} s`;
  return [rows(`${words}: late by`, median), rows("at the most", (samples) => Math.max(...samples), 1_000)];
}

/** How many milliseconds behind its due time a run continues. */
async function sleeper(registry, id, ms) {
  await registry.registerProcess({ id, input: { type: "engine", kind: "sleep", payload: { ms } } });
  const { value } = await registry.awaiter.awaitTerminal(id);
  const [timer] = (await registry.eventsAfter(id, 0)).filter(({ eventType }) => eventType === "process.timer");
  return value - timer.payload.dueAtMs;
}

const pause = (ms) => new Promise((over) => setTimeout(over, ms));
