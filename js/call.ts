/** Calls across the border to wasm: what comes back as a fault is a ProcessError, whatever went wrong. */
import { ProcessError } from "./errors.js";
import { withValidator } from "./validator.js";

/**
 * Runs `work` and passes its promise on. A bad argument found in `work` rejects, too, so that callers
 * need only one place for faults. An aborted `signal` may reject with its own reason.
 */
export async function call<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await withValidator(work);
  } catch (error) {
    throw signal?.aborted && Object.is(error, signal.reason) ? error : known(error);
  }
}

/** The same for what needs no promise. */
export function callNow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw known(error);
  }
}

/** `globalThis.reportError`, or the console where there is none (Node). Never throws. */
export function reportError(error: unknown): void {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error(error);
}

/** Anything but our own error is a surprise: a trap in the wasm, or a fault of this code. */
function known(error: unknown): ProcessError {
  if (error instanceof ProcessError) return error;
  const why = error instanceof Error ? error.message : typeof error;
  return new ProcessError(`longwait failed unexpectedly: ${why}`, { code: "internal", cause: error });
}
