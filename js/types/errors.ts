import type { PayloadIssue } from "./definitions.js";
import { withHelp } from "./help.js";
import type { FailureClass, ImportReport, Json, ProcessAwaitOutput } from "./public.js";

/**
 * What went wrong, as a stable word to branch on.
 *
 * Messages are for people and may change between versions; codes do not. The message of an error that longwait raised ends with the address of the
 * page of its code, which says why it happens and what to do.
 */
export type ProcessErrorCode =
  /** An argument has the wrong type, shape or range. The message names its path; nothing was written. */
  | "invalid_argument"
  /** No process of that id is registered, or it was pruned. */
  | "unknown_process"
  /** The id is taken by a registration with other content. */
  | "registration_conflict"
  /** The process already points at a different external reference. */
  | "external_ref_conflict"
  /** The event type was not declared when the process was registered. */
  | "undeclared_event_type"
  /** A `payloadSchema` cannot be compiled. */
  | "invalid_schema"
  /**
   * The payload does not fit the schema of its event type or of its definition, or a selector found nothing in it. The message names the
   * places.
   */
  | "invalid_payload"
  /** This event type may only be appended under a replay key. */
  | "missing_replay_key"
  /** The replay key was used before, with other content. */
  | "replay_conflict"
  /** The process has ended; this would end it a second time or start work on it. */
  | "already_terminal"
  /** A wait with `untilTerminal` saw the process end before its event came. */
  | "process_terminal"
  /** The process has not ended; `force` deletes it in any state. */
  | "not_terminal"
  /** The scope holds no handle on that process. */
  | "not_granted"
  /** The lease expired, was released or was taken over; nothing was written. */
  | "lease_lost"
  /** `timeoutMs` passed. The process itself goes on. */
  | "timeout"
  /** The browser's storage quota is used up; what was stored before is intact. */
  | "quota_exceeded"
  /** There is no usable storage here: no IndexedDB, or one that the user or the browser refuses. `cause` says how. */
  | "storage_unavailable"
  /** Another tab was seen to hold the database open against an upgrade or deletion for 5 seconds. */
  | "storage_blocked"
  /** The database was written by a newer version of this package; it was left untouched. */
  | "storage_version"
  /** The store failed, or another program's database has the name; `cause` is its own error. */
  | "storage_failed"
  /** The concurrency key is taken, and `onConflict` is `"reject"`. Or a remote store gave up after losing too many races for one row. */
  | "conflict"
  /** A remote store cannot be reached. */
  | "disconnected"
  /** The registry, or the receiver, was closed. */
  | "closed"
  /**
   * A fault of this package or of its loading; `cause` says more. Or its WebAssembly trapped, as when its memory is used up: then
   * writes that were under way reject so, as it is not known whether they were committed. Registries on IndexedDB are opened again, and
   * all else continues. Registries in memory, and those whose WebAssembly traps four times within a minute, reject every call so.
   */
  | "internal";

/**
 * Names a class of errors. On the prototype, like the built-in errors, so that it is not listed with each instance; on the class, too,
 * since consoles print that one, and a minifier may have renamed it.
 */
function named(errors: { readonly prototype: Error }, name: string): void {
  for (const one of [errors, errors.prototype]) Object.freeze(Object.defineProperty(one, "name", { value: name }));
}

/** What a {@link ProcessError} can be made with, beside its message. */
export interface ProcessErrorOptions extends ErrorOptions {
  /** Default `"internal"`. */
  code?: ProcessErrorCode | undefined;
  /** The process that the failed call was about. */
  processId?: string | undefined;
  /** What is wrong with the payload. */
  issues?: readonly PayloadIssue[] | undefined;
  /** What was imported before it. */
  report?: ImportReport | undefined;
}

/**
 * The one error type of this package: every rejection and every throw is one of
 * these, apart from an aborted wait, which rejects with the signal's own reason.
 */
export class ProcessError extends Error {
  declare readonly name: "ProcessError";
  /** What went wrong. */
  readonly code: ProcessErrorCode;
  /** The process that the failed call was about, where there was one. */
  declare readonly processId?: string;
  /** The fault underneath (a DOMException, say), as it was thrown. */
  declare readonly cause?: unknown;
  /** With `invalid_payload`, where a schema of a definition refused the payload: what it said. */
  declare readonly issues?: readonly PayloadIssue[];

  /** Where an import failed: what it had imported by then, which stays. */
  declare readonly report?: ImportReport;

  constructor(message?: string, options: ProcessErrorOptions = {}) {
    // An absent cause stays absent: `"cause" in error` should mean something.
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? "internal";
    if (options.processId !== undefined) this.processId = options.processId;
    if (options.issues !== undefined) this.issues = options.issues;
    if (options.report !== undefined) this.report = options.report;
  }

  static {
    named(this, "ProcessError");
  }
}

/**
 * Whether `error` is a {@link ProcessError}, of that `code` where one is given.
 *
 * Goes by its `name` and `code`, not by its class: it also holds for an error of another copy of the package, of a frame, of a
 * Jest or vm realm, and for a copy that kept the two. Never throws.
 */
export function isProcessError<C extends ProcessErrorCode = ProcessErrorCode>(
  error: unknown,
  code?: C,
): error is ProcessError & { readonly code: C } {
  try {
    if (typeof error !== "object" || error === null) return false;
    const known = error as Partial<ProcessError>;
    return known.name === "ProcessError" && typeof known.code === "string" && (code === undefined || known.code === code);
  } catch {
    return false; // A revoked proxy, or a getter that throws.
  }
}

/** What an error for a retry policy can be made with, beside its message. */
export interface RetryErrorOptions extends ErrorOptions {
  /** A stable word of yours: the `code` of the failure, should it end the process. Default `"process_failed"`. */
  code?: string | undefined;
  /** JSON: the `raw` of that failure. Default: what the error carries. */
  raw?: Json | undefined;
}

/** What both kinds have. */
class RetryError extends Error {
  /** The `code` of the failure that this ends a process with. */
  declare readonly code?: string;
  /** The `raw` of that failure. */
  declare readonly raw?: Json;

  constructor(message: string, { code, raw, cause }: RetryErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    if (code !== undefined) this.code = code;
    if (raw !== undefined) this.raw = raw;
  }
}

/** Thrown by a runner or a step, it ends the retrying at once: another attempt would fail as well. */
export class NonRetryableError extends RetryError {
  declare readonly name: "NonRetryableError";

  static {
    named(this, "NonRetryableError");
  }
}

/**
 * Thrown by a runner or a step, it asks for another attempt: by the retry policy, or by the default one where a process has none. Not after
 * the last attempt of the policy, nor after a cancel request.
 */
export class RetryableError extends RetryError {
  declare readonly name: "RetryableError";
  /** How long to wait before the next attempt, in milliseconds, 0 or more. Default: as the policy has it. */
  declare readonly retryAfterMs?: number;

  constructor(message: string, { retryAfterMs, ...options }: RetryErrorOptions & { retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    if (retryAfterMs === undefined) return;
    if (!(Number.isFinite(retryAfterMs) && retryAfterMs >= 0)) throw invalidArgument("retryAfterMs: must be a number from 0 on");
    this.retryAfterMs = retryAfterMs;
  }

  static {
    named(this, "RetryableError");
  }
}

/** What `ProcessHandle.result` rejects with where the process failed. */
export class ProcessFailedError extends Error {
  declare readonly name: "ProcessFailedError";
  /** The process. */
  readonly processId: string;
  /** Whose fault it was, roughly. */
  readonly class: FailureClass;
  /** The stable word that the failure came with. */
  readonly code: string;
  /** Whatever else the failure came with. */
  declare readonly raw?: Json;

  constructor(processId: string, output: Extract<ProcessAwaitOutput, { type: "failure" }>) {
    super(output.message);
    this.processId = processId;
    this.class = output.class;
    this.code = output.code;
    if (output.raw !== undefined) this.raw = output.raw;
  }

  static {
    named(this, "ProcessFailedError");
  }
}

/** What `ProcessHandle.result` rejects with where the process was cancelled. */
export class ProcessCancelledError extends Error {
  declare readonly name: "ProcessCancelledError";
  /** The process. */
  readonly processId: string;
  /** Whatever the end came with. */
  declare readonly raw?: Json;

  constructor(processId: string, output: Extract<ProcessAwaitOutput, { type: "cancelled" }>) {
    super(output.message);
    this.processId = processId;
    if (output.raw !== undefined) this.raw = output.raw;
  }

  static {
    named(this, "ProcessCancelledError");
  }
}

const raised = new WeakSet<object>();

/** An error of longwait itself. It is known by that from here on, see {@link isRaised}; its message ends with the address of its page. */
export function raise(message: string | undefined, options: ProcessErrorOptions): ProcessError {
  const error = new ProcessError(withHelp(message, options.code ?? "internal"), options);
  raised.add(error);
  return error;
}

/** Whether longwait itself made this very error. */
export function isRaised(error: object): error is ProcessError {
  return raised.has(error);
}

/** What a caller's mistake is thrown as. */
export function invalidArgument(message: string, cause?: unknown): ProcessError {
  return new ProcessError(withHelp(message, "invalid_argument"), { code: "invalid_argument", cause });
}
