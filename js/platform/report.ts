/** What no promise rejects with goes to the page. */

/** `globalThis.reportError`, or the console where there is none (Node). Never throws. */
export function reportError(error: unknown): void {
  try {
    if (typeof globalThis.reportError === "function") globalThis.reportError(error);
    else console.error(error);
  } catch {
    // A page that replaced it with something that throws has no report.
  }
}

/** `console.warn`. Never throws. */
export function warn(message: string): void {
  try {
    console.warn(message);
  } catch {
    // As above.
  }
}
