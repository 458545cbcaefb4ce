/** Delivers hints of changes, and wakes of waits, to a listener of the user's. */
import { reportError } from "../platform/report.js";
import { afterwards } from "../platform/intrinsics.js";

/**
 * Calls `listener` with what `hear` gets, in the next microtask and once for each id.
 *
 * Not at once, because changes are announced from inside the wasm: a listener that makes another change there would stack up
 * calls without end, and an overflow of the stack would leave the wasm in pieces.
 */
export function inTurns<T>(listener: (heard: T) => void): { hear(heard: T): void; stop(): void } {
  let waiting = new Set<T>();
  let stopped = false;

  function tell(): void {
    const all = waiting;
    waiting = new Set();
    for (const heard of all) {
      if (stopped) return;
      try {
        listener(heard);
      } catch (error) {
        reportError(error);
      }
    }
  }

  return {
    hear(heard) {
      if (waiting.size === 0) afterwards(tell);
      waiting.add(heard);
    },
    stop() {
      stopped = true;
    },
  };
}
