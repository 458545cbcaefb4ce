/** Whether the WebAssembly's memory stays as it is over a million operations. */
import { heapAlong } from "../heap.js";

const [PARTS, OPERATIONS] = [10, 10];

export async function run({ quick }) {
  const lives = quick ? 1_000 : 10_000;
  // Imported when its memory is watched.
  const open = async (options) => (await import("longwait")).openRegistry(options);
  const sizes = await heapAlong(open, { open: { name: "memory" }, parts: PARTS, lives });
  const inAll = (PARTS * lives * OPERATIONS).toLocaleString("en");
  const kB = (name, bytes) => ({ work: name, unit: "kB", figures: [{ name: "longwait", median: bytes / 1024 }] });
  return [
    kB(`wasm memory after ${inAll} operations`, sizes.at(-1)),
    // How much is in flight at the worst shows in the first half.
    { ...kB("what it grew by in the second half", sizes.at(-1) - sizes[PARTS / 2 - 1]), most: 0 },
  ];
}
