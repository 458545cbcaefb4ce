/** Whether the host is online: what processes that require the network wait for. */
import { reportError } from "../platform/report.js";
import type { DriverOptions } from "../types/public.js";

type Detector = NonNullable<DriverOptions["onlineDetector"]>;

/**
 * What a detector last said. It is asked here and not by the WebAssembly, since it is code of the user's, which may throw; one that throws
 * is taken for online. Calls `changed` when the host is online again. `end` ends that.
 */
export function watchOnline(given: Detector | undefined, changed: () => void) {
  const detector = given ?? BROWSER;
  let isOffline = false;
  const ask = () => {
    try {
      isOffline = !detector.isOnline();
    } catch (error) {
      isOffline = false;
      reportError(error);
    }
  };
  ask();
  let unsubscribe = () => {};
  try {
    unsubscribe = detector.subscribe(() => {
      const was = isOffline;
      ask();
      if (was && !isOffline) changed();
    });
  } catch (error) {
    reportError(error);
  }
  return {
    isOffline: () => isOffline,
    ask,
    end() {
      try {
        unsubscribe();
      } catch (error) {
        reportError(error);
      }
    },
  };
}

/** `navigator.onLine`, of a page or a worker; online where there is no such thing. */
const BROWSER: Detector = {
  isOnline: () => globalThis.navigator?.onLine !== false,
  subscribe(listener) {
    const types = ["online", "offline"];
    types.forEach((type) => globalThis.addEventListener?.(type, listener));
    return () => types.forEach((type) => globalThis.removeEventListener?.(type, listener));
  },
};
