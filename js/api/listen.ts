/** Delivers hints of changes to a listener of the user's. */
import { reportError } from "../platform/report.js";
import { afterwards } from "../platform/intrinsics.js";

/**
 * Calls `listener` with the ids that `hear` gets, in the next microtask and once for each id.
 *
 * Not at once, because changes are announced from inside the wasm: a listener that makes another change there would stack up
 * calls without end, and an overflow of the stack would leave the wasm in pieces.
 */
export function inTurns(listener: (id: string) => void): { hear(id: string): void; stop(): void } {
  let waiting = new Set<string>();
  let stopped = false;

  function tell(): void {
    const ids = waiting;
    waiting = new Set();
    for (const id of ids) {
      if (stopped) return;
      try {
        listener(id);
      } catch (error) {
        reportError(error);
      }
    }
  }

  return {
    hear(id) {
      if (waiting.size === 0) afterwards(tell);
      waiting.add(id);
    },
    stop() {
      stopped = true;
    },
  };
}
