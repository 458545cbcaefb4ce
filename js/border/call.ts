/** Calls of users: what comes back as a fault is a ProcessError, whatever went wrong, or the reason of an abort. */
import { invalidArgument, ProcessError, raise } from "../types/errors.js";
import { givenBack } from "./inside.js";
import { isOf } from "../platform/intrinsics.js";
import { Aborted } from "./stop.js";
import { withValidator } from "../schema/validator.js";

/**
 * Runs `work` and passes its promise on. A bad argument found in `work` rejects, too, so that callers need only one place for faults.
 */
export function call<T>(work: () => Promise<T>): Promise<T> {
  return givenBack(called(work));
}

async function called<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await withValidator(() => callNow(work));
  } catch (error) {
    throw isOf(error, Aborted) ? error.reason : known(error);
  }
}

/** Runs what needs no promise. What it throws that is no ProcessError, an argument threw while it was read. */
export function callNow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isOf(error, ProcessError)) throw error;
    throw invalidArgument(`an argument could not be read: ${words(error)}`, error);
  }
}

/** Anything but our own error is a surprise: a fault of this code. */
function known(error: unknown): ProcessError {
  if (isOf(error, ProcessError)) return error;
  return raise(`longwait failed unexpectedly: ${words(error)}`, { code: "internal", cause: error });
}

/** What was thrown may be anything, and answer anything. */
function words(error: unknown): string {
  try {
    return error instanceof Error ? error.message : typeof error;
  } catch {
    return typeof error;
  }
}
