/** What waits cost while nothing happens: as many processes as waits, on IndexedDB. */
import { median } from "../harness.js";
import { memoryOfWasm } from "../heap.js";
import { pause, runningTimers } from "../timers.js";

export const needs = ["busySeconds"];

/** How long a sample of idleness is, in milliseconds. */
const SAMPLE = 2_000;

export async function run({ rounds, quick }) {
  const count = quick ? 2_000 : 10_000;
  const timers = runningTimers();
  const memory = memoryOfWasm();
  const { openRegistry } = await import("longwait");
  const registry = await openRegistry({ name: "idle" });
  try {
    const ids = Array.from({ length: count }, (_, n) => `process ${n}`);
    for (let n = 0; n < count; n += 500)
      await Promise.all(ids.slice(n, n + 500).map((id) => registry.registerProcess({ id, input: { type: "external" } })));
    const before = { timers: timers.size, bytes: memory.bytes() };
    const over = new AbortController();
    const waits = ids.map((id) => registry.awaiter.awaitTerminal(id, { signal: over.signal }).catch(() => {}));
    // The back-off is at its longest after two seconds.
    await pause(3 * SAMPLE);
    const running = { timers: timers.size - before.timers, bytes: memory.bytes() - before.bytes };
    const shares = [];
    for (let round = 0; round < rounds; round++) shares.push(await shareOfCore());
    over.abort();
    await Promise.all(waits);
    const waiting = `${count.toLocaleString("en")} idle waits`;
    return [
      { work: waiting, unit: "% of a core", figures: [{ name: "longwait", samples: shares, median: median(shares) }], most: 2 },
      { work: "", unit: "B of wasm memory each", figures: [{ name: "longwait", median: running.bytes / count }], most: 2048 },
      { work: "", unit: "timers", figures: [{ name: "longwait", median: running.timers }], most: 1 },
    ];
  } finally {
    await registry.close();
  }
}

/** Per cent of one core that this page's main thread was busy for. */
async function shareOfCore() {
  const [busy, start] = [await globalThis.busySeconds(), performance.now()];
  await pause(SAMPLE);
  return ((await globalThis.busySeconds()) - busy) * 1000 * (100 / (performance.now() - start));
}
