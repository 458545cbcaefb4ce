/** What runs cost while they sleep: as many as the driver may run, on IndexedDB. Their leases are renewed. */
import { inFlight, median } from "../harness.js";
import { memoryOfWasm } from "../heap.js";
import { pause, runningTimers } from "../timers.js";

export const needs = ["busySeconds"];

/** How long the page is watched, in milliseconds: as long as a lease lasts. */
const SAMPLE = 30_000;

/** Longer than the benchmark takes. */
const SLEEP = 3_600_000;

export async function run({ quick }) {
  const count = quick ? 2_000 : 10_000;
  const timers = runningTimers();
  const memory = memoryOfWasm();
  const { openRegistry } = await import("longwait");
  const registry = await openRegistry({ name: "sleepers" });
  let asleep = 0;
  const job = async ({ sleep }) => {
    const over = sleep("timer", SLEEP);
    asleep += 1;
    await over;
  };
  const driver = registry.driver({ concurrency: 16, runners: { job } });
  try {
    await inFlight(count, 500, (n) => registry.registerProcess({ id: `process ${n}`, input: { type: "engine", kind: "job" } }));
    const before = { timers: timers.size, bytes: memory.bytes() };
    driver.start();
    while (asleep < count) await pause(1_000);
    await pause(5_000);
    const bytes = memory.bytes() - before.bytes;
    const samples = [];
    let most = 0;
    const [busy, start] = [await globalThis.busySeconds(), performance.now()];
    while (performance.now() < start + SAMPLE) {
      await pause(100);
      samples.push(timers.size);
      most = Math.max(most, timers.size);
    }
    const share = ((await globalThis.busySeconds()) - busy) * 1000 * (100 / (performance.now() - start));
    const figure = (median) => [{ name: "longwait", median }];
    return [
      { work: `${count.toLocaleString("en")} runs that sleep`, unit: "% of a core", figures: figure(share), most: 2 },
      { work: "", unit: "B of wasm memory each", figures: figure(bytes / count), most: 2048 },
      { work: "", unit: "timers of the host", figures: [{ name: "longwait", samples, median: median(samples) }] },
      { work: "", unit: "at the most", figures: figure(most) },
    ];
  } finally {
    await driver.stop();
    await registry.close();
  }
}
