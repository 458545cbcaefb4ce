/** Turns of the real event loop, and real time, whatever a test has put in the place of the timers. */
import timers from "node:timers";
import { MessageChannel } from "node:worker_threads";

// As they are now: fake timers of a test come later, and stand still.
const { setImmediate, setTimeout, clearTimeout } = timers;

/** Fake timers that were there first are known by what they carry. */
const areFake = "clock" in setImmediate;

/** Calls `work` in a later turn, when every microtask has run. */
export const inATurn: (work: () => void) => void = areFake ? byMessage() : (work) => void setImmediate(work);

function byMessage(): typeof inATurn {
  return (work) => {
    const { port1, port2 } = new MessageChannel();
    port1.on("message", () => {
      port1.close();
      work();
    });
    port2.postMessage(undefined);
  };
}

/** Calls `work` after so many real milliseconds, unless what is given back was called before; never where the timers were fake already. */
export function afterRealTime(work: () => void, spanMs: number): () => void {
  if (areFake) return () => {};
  const id = setTimeout(work, spanMs);
  return () => clearTimeout(id);
}
