/**
 * longwait without its driver: a fifth less to download, for pages that register, await and log processes, and leave running
 * them to others, in another tab or in a worker. It shares databases with `longwait`, and everything else behaves the same.
 *
 * @module
 */
import init, { install, Registry as Opener } from "../build/slim/longwait_slim.js";
import { open } from "./open.js";
import { Registry } from "./registry.js";
import type { OpenOptions, ProcessRegistry } from "./types.js";

export { isProcessError, ProcessError } from "./errors.js";
export type { ProcessErrorCode, ProcessErrorOptions } from "./errors.js";
export type * from "./types.js";

/** A registry without a driver. */
export type SlimRegistry = Omit<ProcessRegistry, "driver">;

const module = { init, install, Registry: Opener, place: () => new URL("longwait_slim_bg.wasm", import.meta.url) };

/**
 * Opens the registry of a database, creating it where there is none, and loads the WebAssembly meanwhile if this is
 * the first call.
 *
 * @throws ProcessError `invalid_argument`; `storage_unavailable` without IndexedDB (see {@link OpenOptions.fallback});
 * `storage_blocked` and `storage_version` when another version holds or wrote the database; `internal` when the WebAssembly
 * cannot be loaded, in which case the next call tries again.
 */
export function openRegistry(options?: OpenOptions): Promise<SlimRegistry> {
  return open(module, Registry, options);
}
