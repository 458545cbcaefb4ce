/**
 * A page that keeps a large file, or one that reads it back and compares each byte. `sample` resolves with the `milliseconds` that this took,
 * by how many bytes the page's memory grew while it did (`grownBytes`, the most that was seen), and the `faults`.
 *
 * `by` is longwait, or bare IndexedDB, which puts the same file in a row.
 */
import { answer, complete } from "./contenders/bare.js";

const { by, part, megabytes } = Object.fromEntries(new URLSearchParams(location.search));
const MB = 2 ** 20;

/** A megabyte of bytes that no other one of the file is equal to. */
function block(number) {
  const words = new Uint32Array(MB / 4);
  let state = (number + 1) * 2_654_435_761;
  for (let n = 0; n < words.length; n++) {
    state = Math.imul(state ^ (state >>> 15), 2_246_822_519) + n;
    words[n] = state;
  }
  return new Uint8Array(words.buffer);
}

/** The file, made of blocks that the browser takes one by one, so that the page does not hold all of it. */
function file() {
  const parts = Array.from({ length: Number(megabytes) }, (_, number) => new Blob([block(number)]));
  return new File(parts, "large.bin", { type: "application/octet-stream", lastModified: 0 });
}

async function compare(blob, grown) {
  if (!(blob instanceof File) || blob.name !== "large.bin" || blob.size !== megabytes * MB)
    throw new Error(`read back ${blob?.size} bytes`);
  const reader = blob.stream().getReader();
  let [number, at, expected] = [0, 0, block(0)];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    for (let n = 0; n < value.length; n++) {
      if (value[n] !== expected[at++]) throw new Error(`byte ${number * MB + at - 1} is another one`);
      if (at === MB) {
        [number, at] = [number + 1, 0];
        if (number < megabytes) expected = block(number);
        if (number % 50 === 0) await grown();
      }
    }
  }
  if (number !== Number(megabytes)) throw new Error(`${number} of ${megabytes} MB were read`);
}

const contenders = {
  async longwait() {
    const { openRegistry } = await import("longwait");
    const registry = await openRegistry({ name: "file" });
    return {
      put: (given) => registry.registerProcess({ id: "upload", input: { type: "external" }, attachments: { file: given } }),
      get: () => registry.getAttachment("upload", "file"),
    };
  },
  async bare() {
    const request = indexedDB.open("file bare", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files", { keyPath: "id" });
    const db = await answer(request);
    return {
      put(given) {
        const transaction = db.transaction("files", "readwrite", { durability: "relaxed" });
        transaction.objectStore("files").put({ id: "upload", file: given });
        return complete(transaction);
      },
      get: async () => (await answer(db.transaction("files").objectStore("files").get("upload"))).file,
    };
  },
};

/** How many bytes the page has; of Chromium alone, and only where it is isolated. A collection comes first. */
const pageBytes = async () => (await performance.measureUserAgentSpecificMemory()).bytes;

globalThis.sample = (async () => {
  const faults = [];
  const opened = await contenders[by]();
  const before = await pageBytes();
  let most = before;
  const grown = async () => (most = Math.max(most, await pageBytes()));
  let milliseconds = 0;
  try {
    if (part === "keep") {
      const given = file();
      const start = performance.now();
      await opened.put(given);
      milliseconds = performance.now() - start;
    } else {
      const start = performance.now();
      const read = await opened.get();
      milliseconds = performance.now() - start;
      await compare(read, grown);
    }
    await grown();
  } catch (fault) {
    faults.push(`${part}: ${fault.message}`);
  }
  return { milliseconds, grownBytes: most - before, faults };
})();
