/**
 * A large file that is attached to a process by one page, which closes, and read back by another one, byte for byte. What is asked is whether
 * that works, and how far the page's memory grows. It is done once, not round by round: the figures are single samples.
 */
export const needs = ["inFreshPage"];

const MB = 2 ** 20;

export async function run({ quick }) {
  const megabytes = quick ? 20 : 200;
  const longwait = await life("longwait", megabytes);
  const bare = await life("bare", megabytes);
  const fault = longwait.faults.join("; ");
  const took = (part) =>
    [longwait, bare].map(({ name, [part]: page }) => (page ? { name, samples: [page.milliseconds], median: page.milliseconds } : { name }));
  const grown = (part) => ({ name: "longwait", median: (longwait[part]?.grownBytes ?? NaN) / MB });
  return [
    { work: `a file of ${megabytes} MB is attached`, figures: took("keep"), fault },
    { work: "another page gets it, which reads no byte of it yet", figures: took("read"), fault },
    { work: "memory of the page that attached it", unit: "MB", figures: [grown("keep")], most: 50 },
    { work: "memory of the page that compares each byte", unit: "MB", figures: [grown("read")], most: 50 },
  ];
}

async function life(by, megabytes) {
  const life = { name: by === "bare" ? "bare IndexedDB" : by, faults: [] };
  for (const part of ["keep", "read"]) {
    try {
      life[part] = await globalThis.inFreshPage(`file.html?${new URLSearchParams({ by, part, megabytes })}`);
      life.faults.push(...life[part].faults);
    } catch (fault) {
      // The page itself has ended: it crashed, or could not load what it measures.
      life.faults.push(`${part}: ${fault.message}`);
    }
    if (life.faults.length > 0) break;
  }
  if (life.faults.length > 0) console.log(`${life.name}: ${life.faults.join("; ")}`);
  return life;
}
