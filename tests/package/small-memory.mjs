/** The WebAssembly of the package with less memory than it may have: small enough to be used up in a test. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./bundled.mjs";
import { eventTypes, external } from "./registry.mjs";

let compiled;
let copies = 0;

/** A copy of the package of the test's own, whose instance has little memory. What it reports is in `reported`. */
export async function small(t) {
  const reported = [];
  t.mock.method(console, "error", (error) => reported.push(error));
  const wasm = await (compiled ??= wasmLimitedTo(24).then((bytes) => WebAssembly.compile(bytes)));
  const { openRegistry } = await import(`${import.meta.resolve("longwait")}?copy=${++copies}`);
  const open = (options) => openRegistry({ storage: "memory", wasm, ...options });
  return { open, reported };
}

/**
 * Asks for the end of a process until the memory is used up; resolves with what the calls came to. Payloads never enter the memory
 * of the WebAssembly, but a reason does.
 */
export async function useUp(registry, id = "full") {
  await registry.registerProcess(external(id, { eventTypes }));
  const reason = "x".repeat(6 * 1_048_576);
  return Promise.allSettled(Array.from({ length: 6 }, (_, n) => registry.requestCancel(id, reason + n)));
}

const MEMORY = 5; // The section's number in the binary format.
const PAGE_BYTES = 65_536;

/** Its bytes, with a limit to its memory. */
export async function wasmLimitedTo(megabytes) {
  const bytes = await readFile(join(root, "dist", "longwait_bg.wasm"));
  let at = 8; // Behind the magic number and the version.
  while (bytes[at] !== MEMORY) at = number(bytes, at + 1).end + number(bytes, at + 1).value;
  const size = number(bytes, at + 1);
  const limits = size.end + 1; // Behind the count of memories, which is one.
  const least = number(bytes, limits + 1);
  const [flag] = bytes.subarray(limits, limits + 1);
  if (flag !== 0) throw new Error("the memory has a limit already");
  const content = [1, 1, ...written(least.value), ...written((megabytes * 1_048_576) / PAGE_BYTES)];
  return Buffer.concat([
    bytes.subarray(0, at),
    Buffer.from([MEMORY, ...written(content.length), ...content]),
    bytes.subarray(size.end + size.value),
  ]);
}

/** A LEB128 number. */
function number(bytes, at) {
  let [value, shift, end] = [0, 0, at];
  for (;;) {
    const byte = bytes[end++];
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, end };
    shift += 7;
  }
}

function written(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}
