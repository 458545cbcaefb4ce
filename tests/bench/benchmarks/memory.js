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
    { ...kB("what it grew by since a tenth of them", sizes.at(-1) - sizes[0]), most: 0 },
  ];
}
