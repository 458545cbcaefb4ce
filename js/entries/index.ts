/**
 * longwait: durable processes that you can await. Importing this runs nothing and touches no global of the browser;
 * {@link openRegistry} does the first work.
 *
 * @module
 */
import { open } from "../api/open.js";
import type { OpenOptions, ProcessRegistry } from "../types/public.js";

export {
  isProcessError,
  NonRetryableError,
  ProcessCancelledError,
  ProcessError,
  ProcessFailedError,
  RetryableError,
} from "../types/errors.js";
export type { ProcessErrorCode, ProcessErrorOptions, RetryErrorOptions } from "../types/errors.js";
export type * from "../types/public.js";

const place = () => new URL("longwait_bg.wasm", import.meta.url);

/**
 * Opens the registry of a database, creating it where there is none. The first call also loads the WebAssembly.
 *
 * @throws ProcessError `invalid_argument`; `storage_unavailable` without IndexedDB (see {@link OpenOptions.fallback});
 * `storage_blocked` and `storage_version` when another version holds or wrote the database; `internal` when the WebAssembly
 * cannot be loaded, in which case the next call tries again.
 */
export function openRegistry(options?: OpenOptions): Promise<ProcessRegistry> {
  return open(place, options);
}
