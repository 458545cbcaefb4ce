/**
 * Processes with inputs of 10 MB: a page registers them, one after another, and closes; a page that is opened then lists them, drives
 * them and awaits the results. What is asked is whether that works, and how far the WebAssembly's memory grows. It is done
 * once, not round by round: the figures are single samples.
 */
export const needs = ["inFreshPage"];

const MB = 2 ** 20;

export async function run({ quick }) {
  const count = quick ? 6 : 60;
  const longwait = await life("longwait", count);
  const bare = await life("bare", count);
  const work = `${count} processes with inputs of 10 MB: reload, list, drive, await all`;
  const took = ({ name, milliseconds, faults }) =>
    faults.length === 0 ? { name, samples: [milliseconds], median: milliseconds } : { name };
  return [
    { work, figures: [longwait, bare].map(took), fault: longwait.faults.join("; ") },
    { work: "their WebAssembly memory", unit: "MB", figures: [{ name: "longwait", median: longwait.wasmBytes / MB }], most: 32 },
  ];
}

/** Both pages of a contender: how long the second took, what failed, and the most WebAssembly memory that either had. */
async function life(by, count) {
  const life = { name: by === "bare" ? "bare IndexedDB" : by, milliseconds: 0, faults: [], wasmBytes: 0 };
  for (const part of ["fill", "live"]) {
    const limitMs = 30_000 + count * 1_000;
    try {
      const page = await globalThis.inFreshPage(`large.html?${new URLSearchParams({ by, part, count, limitMs })}`);
      life.milliseconds = page.milliseconds;
      life.faults.push(...page.faults);
      life.wasmBytes = Math.max(life.wasmBytes, page.wasmBytes);
    } catch (fault) {
      // The page itself has ended: it crashed, or could not load what it measures.
      life.faults.push(`${part}: ${fault.message}`);
    }
    if (life.faults.length > 0) break;
  }
  if (life.faults.length > 0) console.log(`${life.name}: ${life.faults.join("; ")}`);
  return life;
}
