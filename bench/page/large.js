/**
 * A page in the life of processes with inputs of 10 MB. `sample` resolves with what its part of that life took: the `milliseconds`
 * and the `faults` of it, and how many bytes of WebAssembly memory the page had in the end.
 *
 * `by` is longwait, or bare IndexedDB with the least code that does the same: it puts rows with the inputs one by one, lists them by
 * `getAll`, gets each again to run it, puts a row with its result, and gets that.
 */
import { answer, complete } from "./contenders/bare.js";
import { memoryOfWasm } from "./heap.js";

const { by, part, count, limitMs } = Object.fromEntries(new URLSearchParams(location.search));
const wasm = memoryOfWasm();

const TEXTS = 1_000;
const LENGTH = 10_000;
const large = (n) => Array.from({ length: TEXTS }, (_, text) => `${n}/${text} `.padEnd(LENGTH, "longwait "));
const weight = (payload) => payload.reduce((sum, text) => sum + text.length, 0);
const ids = Array.from({ length: Number(count) }, (_, n) => `process ${String(n).padStart(3, "0")}`);
const input = (n) => ({ type: "engine", kind: "large", payload: large(n) });

/** Each opens the database and resolves with the parts, of which `live` has steps. */
const contenders = {
  async longwait() {
    // Imported late: its memory is watched from the beginning.
    const { openRegistry } = await import("longwait");
    const registry = await openRegistry({ name: "large" });
    return {
      put: (id, n) => registry.registerProcess({ id, input: input(n) }),
      list: () => registry.listProcesses(),
      drive: () => registry.driver({ runners: { large: ({ process }) => weight(process.input.payload) } }).start(),
      result: async (id) => (await registry.awaiter.awaitTerminal(id)).value,
    };
  },
  async bare() {
    const request = indexedDB.open("large bare", 1);
    request.onupgradeneeded = () => ["processes", "ends"].forEach((store) => request.result.createObjectStore(store, { keyPath: "id" }));
    const db = await answer(request);
    const put = (store, row) => {
      const transaction = db.transaction(store, "readwrite", { durability: "relaxed" });
      transaction.objectStore(store).put(row);
      return complete(transaction);
    };
    const store = (name) => db.transaction(name).objectStore(name);
    const run = async (id) => put("ends", { id, value: weight((await answer(store("processes").get(id))).input.payload) });
    return {
      put: (id, n) => put("processes", { id, input: input(n) }),
      list: () => answer(store("processes").getAll()),
      drive: () => Promise.all(ids.map(run)),
      result: async (id) => (await answer(store("ends").get(id))).value,
    };
  },
};

const parts = {
  fill: (opened) =>
    step("register", async () => {
      for (const [n, id] of ids.entries()) await opened.put(id, n);
    }),
  /** A step that fails keeps none of the next from being tried. */
  async live(opened) {
    await step("list", async () => {
      const weights = (await opened.list()).map((record) => weight(record.input.payload));
      if (weights.length !== ids.length || weights.some((each) => each !== TEXTS * LENGTH)) throw new Error(`${weights.length} records`);
    });
    await step("drive", () => opened.drive());
    let ended = 0;
    await step(
      "await all",
      async () => {
        const values = await Promise.all(ids.map((id) => opened.result(id).finally(() => ended++)));
        if (values.some((value) => value !== TEXTS * LENGTH)) throw new Error(`results ${values}`);
      },
      () => `${ended} of ${ids.length} ended`,
    );
  },
};

const faults = [];

/** Resolves with what the step gives, or notes its fault, also where it is not over within the limit; `soFar` says how far it came. */
async function step(name, work, soFar = () => "no answer") {
  const late = Promise.withResolvers();
  const timer = setTimeout(() => late.reject(new Error(`${soFar()} after ${limitMs / 1000} s`)), limitMs);
  try {
    return await Promise.race([work(), late.promise]);
  } catch (fault) {
    faults.push(`${name}: ${fault.message}`);
  } finally {
    clearTimeout(timer);
  }
}

globalThis.sample = (async () => {
  const start = performance.now();
  const opened = await step("open", contenders[by]);
  if (opened) await parts[part](opened);
  return { milliseconds: performance.now() - start, faults, wasmBytes: by === "longwait" ? wasm.bytes() : 0 };
})();
