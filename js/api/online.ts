/** Whether the host is online: what processes that require the network wait for. */
import { afterwards } from "../platform/intrinsics.js";
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
    const was = isOffline;
    try {
      isOffline = !detector.isOnline();
    } catch (error) {
      isOffline = false;
      reportError(error);
    }
    if (was && !isOffline) changed();
  };
  ask();
  let unsubscribe = () => {};
  try {
    unsubscribe = detector.subscribe(ask);
  } catch (error) {
    reportError(error);
  }
  return {
    /** One that says so is asked again behind the call, as its news may be lost. */
    isOffline() {
      if (isOffline) afterwards(ask);
      return isOffline;
    },
    ask,
    end() {
      changed = () => {};
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
