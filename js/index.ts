/**
 * longwait: durable processes that you can await. Importing this runs nothing and touches no global of the browser;
 * {@link openRegistry} does the first work.
 *
 * @module
 */
import { openAhead } from "../src/store/indexed_db/engine.js";
import { call } from "./call.js";
import { callback, id, optional, options } from "./check.js";
import { invalidArgument } from "./errors.js";
import { load, source } from "./load.js";
import { asGiven } from "./raw.js";
import { Registry } from "./registry.js";
import type { OpenOptions, ProcessEventSink, ProcessRegistry } from "./types.js";

export { isProcessError, ProcessError } from "./errors.js";
export type { ProcessErrorCode, ProcessErrorOptions } from "./errors.js";
export type * from "./types.js";

/**
 * Opens the registry of a database, creating it where there is none, and loads the WebAssembly meanwhile if this is
 * the first call.
 *
 * @throws ProcessError `invalid_argument`; `storage_unavailable` without IndexedDB (see {@link OpenOptions.fallback});
 * `storage_blocked` and `storage_version` when another version holds or wrote the database; `internal` when the WebAssembly
 * cannot be loaded, in which case the next call tries again.
 */
export function openRegistry(given?: OpenOptions): Promise<ProcessRegistry> {
  return call(async () => {
    const { storage = "indexeddb", fallback, name = "longwait", durability = "relaxed", sink, owner, wasm } =
      options<OpenOptions>(given, "options", OPEN);
    // `storage` is no remote store: its check refuses those.
    const inMemory = storage === "memory";
    const closeUntaken = inMemory ? undefined : openAhead(name);
    try {
      const raw = await load(wasm);
      const opening = raw.Registry.open(inMemory, fallback !== undefined, name, durability === "strict", owner?.ownerId, sink);
      return new Registry(asGiven(await opening));
    } finally {
      closeUntaken?.();
    }
  });
}

const OPEN = {
  storage: optional((value: unknown, name: string) => {
    if (typeof value === "object" && value !== null) throw invalidArgument(`${name}: remote stores need a later version of longwait`);
    return oneOf("indexeddb", "memory")(value, name);
  }),
  fallback: optional(oneOf("memory")),
  name: optional(id),
  durability: optional(oneOf("relaxed", "strict")),
  sink: optional((value: unknown, name: string) => callback(value, name) as ProcessEventSink),
  owner: optional((value: unknown, name: string) => options<{ ownerId: string }>(value, name, { ownerId: id })),
  wasm: optional(source),
};

function oneOf<T extends string>(...words: T[]): (value: unknown, name: string) => T {
  return (value, name) => {
    const word = words.find((known) => known === value);
    if (word === undefined) throw invalidArgument(`${name}: must be ${words.map((known) => `"${known}"`).join(" or ")}`);
    return word;
  };
}
