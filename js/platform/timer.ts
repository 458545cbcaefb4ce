/** Timers that throw nothing, whatever the page made of `setTimeout`. */

const { setTimeout: setOriginal, clearTimeout: clearOriginal } = globalThis;

/**
 * Calls `work` once after a span, in a later task, unless what is given back was called before: not even where the timer could not be cleared. By
 * the page's `setTimeout` as it is now, which a test may have replaced; where that throws or is gone, by the one that was there first.
 * `holdsUp`: in Node, the process waits for it.
 */
export function timer(work: () => void, spanMs: number, holdsUp = true): () => void {
  let isSet = true;
  const fire = () => {
    if (!isSet) return;
    isSet = false;
    work();
  };
  const clear = set(fire, spanMs, holdsUp);
  return () => {
    isSet = false;
    try {
      clear();
    } catch {
      // It does nothing when it goes off.
    }
  };
}

function set(fire: () => void, spanMs: number, holdsUp: boolean): () => void {
  const { setTimeout: now, clearTimeout: clearNow } = globalThis;
  const begun = (start: typeof setOriginal) => {
    const id: unknown = start(fire, spanMs);
    if (!holdsUp && typeof id === "object") (id as { unref?: () => void }).unref?.();
    return id as ReturnType<typeof setOriginal>;
  };
  try {
    const id = begun(now);
    return () => clearNow(id);
  } catch {
    const id = begun(setOriginal);
    return () => clearOriginal(id);
  }
}
