/** Waits that an AbortSignal ends. Signals are the user's: nothing of them crosses to the WebAssembly. */
import { invalidArgument } from "../types/errors.js";
import { PromiseClass, then } from "../platform/intrinsics.js";

/** How a wait of the WebAssembly learns that it is to end: it gives what is called then, at most once; or nothing, once it ended by itself. */
export type Until = ((stop?: () => void) => void) | undefined;

/** What a wait rejects with that was aborted: the signal's own reason, whatever that is. */
export class Aborted {
  constructor(readonly reason: unknown) {}
}

/** Runs a wait until `signal` aborts; then it rejects with {@link Aborted}, and the wait is dropped. */
export function untilAborted<T>(signal: AbortSignal | undefined, wait: (until: Until) => Promise<T>): Promise<T> {
  if (signal === undefined) return wait(undefined);
  return new PromiseClass((resolve, reject) => {
    let stop: (() => void) | undefined;
    let aborted = false;

    function abort(): void {
      aborted = true;
      leave(signal as AbortSignal, abort);
      const dropped = stop;
      stop = undefined;
      reject(new Aborted(reasonOf(signal as AbortSignal)));
      dropped?.();
    }

    try {
      if (signal.aborted) return reject(new Aborted(reasonOf(signal)));
      signal.addEventListener("abort", abort);
    } catch (cause) {
      return reject(unreadable(cause));
    }
    then(
      // The wait begins in a later turn, and may have been aborted by then.
      wait((given) => (aborted ? given?.() : (stop = given))),
      (value) => (leave(signal, abort), resolve(value)),
      (fault) => (leave(signal, abort), reject(fault)),
    );
  });
}

/** Throws {@link Aborted} where a signal is aborted already. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  let isAborted: boolean | undefined;
  try {
    isAborted = signal?.aborted;
  } catch (cause) {
    throw unreadable(cause);
  }
  if (isAborted) throw new Aborted(reasonOf(signal as AbortSignal));
}

/** Whether a signal is aborted; one that cannot be read is not. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  try {
    return signal?.aborted === true;
  } catch {
    return false;
  }
}

const unreadable = (cause: unknown) => invalidArgument("options.signal: could not be read", cause);

function leave(signal: AbortSignal, listener: () => void): void {
  try {
    signal.removeEventListener("abort", listener);
  } catch {
    // What it calls later finds the wait over.
  }
}

function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason;
  } catch {
    return new DOMException("the wait was aborted", "AbortError");
  }
}
