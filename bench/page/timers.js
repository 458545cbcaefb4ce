/** The timers of this page, counted; and one that is not. */

const real = { setTimeout: setTimeout.bind(globalThis), clearTimeout: clearTimeout.bind(globalThis) };

/** Resolves after so many milliseconds. Its timer is not counted. */
export const pause = (ms) => new Promise((over) => real.setTimeout(over, ms));

/** The timers that are running, from now on. */
export function runningTimers() {
  const running = new Set();
  globalThis.setTimeout = (work, ms, ...rest) => {
    const id = real.setTimeout(() => {
      running.delete(id);
      work(...rest);
    }, ms);
    running.add(id);
    return id;
  };
  globalThis.clearTimeout = (id) => {
    running.delete(id);
    real.clearTimeout(id);
  };
  return running;
}
