/**
 * longwait: durable processes that you can await. Importing this runs nothing and touches no global of the browser;
 * {@link openRegistry} does the first work.
 *
 * @module
 */
import { define } from "../api/define.js";
import { deleteRegistry as removeDatabase, open } from "../api/open.js";
import { all, first } from "../api/together.js";
import type { DefineProcess, First, Handles, Results } from "../types/definitions.js";
import type { OpenOptions, ProcessRegistry, WaitOptions } from "../types/public.js";

export {
  isProcessError,
  NonRetryableError,
  ProcessCancelledError,
  ProcessError,
  ProcessFailedError,
  RetryableError,
} from "../types/errors.js";
export type { ProcessErrorCode, ProcessErrorOptions, RetryErrorOptions } from "../types/errors.js";
export type * from "../types/definitions.js";
export type * from "../types/public.js";

const place = () => new URL(__WASM__, import.meta.url);

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

/**
 * Describes the processes of a kind: the schemas of their input, output, events and signals, and their policy. See {@link DefineProcess}.
 *
 * @throws ProcessError `invalid_argument`, with the path, for a field that is unknown or wrong. A JSON Schema that cannot be compiled is
 * `invalid_schema` when it is first needed.
 */
export const defineProcess: DefineProcess = define as never;

/**
 * The values of some processes, in the order of the handles. Rejects with the first failure, whichever that is, and lets the other waits end;
 * no process is touched.
 *
 * @throws As `ProcessHandle.result`; ProcessError `invalid_argument`.
 */
export function waitAll<const H extends Handles>(handles: H, options?: WaitOptions): Promise<Results<H>> {
  return all(handles, options) as never;
}

/**
 * The first of some processes that ends, in whatever way, and how. The others keep running; only these waits for them end.
 *
 * @throws As `ProcessAwaiter.awaitTerminal`; ProcessError `invalid_argument`, also for no handles.
 */
export function waitFirst<const H extends Handles>(handles: H, options?: WaitOptions): Promise<First<H>> {
  return first(handles, options) as never;
}

/**
 * Deletes the database of a registry, by default `"longwait"`, with all that is in it, in all tabs. Registries that are open on it end as by
 * `close()`: their calls and waits reject with `closed` from then on. So do they where other code deletes the database; only where the
 * browser clears the storage they work on in a new one. Deleting what is not there is fine. Loads no WebAssembly.
 *
 * @throws ProcessError `invalid_argument`; `storage_unavailable` without IndexedDB; `storage_blocked` where a page of another program or
 * a frozen one has held the database open for 5 s: it is deleted once that page lets go of it; `storage_failed` where another
 * program made the database, which is left as it is.
 */
export function deleteRegistry(name?: string): Promise<void> {
  return removeDatabase(name);
}
