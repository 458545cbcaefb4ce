/** Which errors are trouble of longwait itself: storage, a lost lease, code that does not load. No process ends with one. */
import { isRaised, type ProcessError, type ProcessErrorCode } from "../types/errors.js";

/** Storage, its connection, and longwait itself. */
const TROUBLE: ReadonlySet<ProcessErrorCode> = new Set<ProcessErrorCode>([
  "quota_exceeded",
  "storage_unavailable",
  "storage_blocked",
  "storage_version",
  "storage_failed",
  "disconnected",
  "closed",
  "internal",
]);
/** Where they are about the process that runs: about another one they are an answer. */
const OWN_TROUBLE: ReadonlySet<ProcessErrorCode> = new Set<ProcessErrorCode>([
  "lease_lost",
  "conflict",
  "unknown_process",
  "already_terminal",
]);

/** How many causes, and errors of an AggregateError, are looked at. */
const MOST = 1_000;

/**
 * The trouble that a run of this process ended with, where what its runner threw is such, or is because of such.
 * Only errors that longwait raised itself count; one that is made by others with such a code is the process's own failure.
 */
export function troubleIn(error: unknown, processId: string, seen = new Set<object>()): ProcessError | undefined {
  if (typeof error !== "object" || error === null || seen.has(error) || seen.size === MOST) return undefined;
  seen.add(error);
  if (isRaised(error) && (TROUBLE.has(error.code) || (OWN_TROUBLE.has(error.code) && error.processId === processId))) return error;
  try {
    const { cause, errors } = error as { cause?: unknown; errors?: unknown };
    for (const inner of Array.isArray(errors) ? [cause, ...errors] : [cause]) {
      const found = troubleIn(inner, processId, seen);
      if (found !== undefined) return found;
    }
  } catch {
    // What cannot be read was not made here.
  }
  return undefined;
}
