/// <reference lib="esnext.disposable" preserve="true" />
import type { DefinedHandle, Definition, Payloads, StartArguments, StartOptions } from "./definitions.js";
import type { ProcessError } from "./errors.js";

/**
 * The public shapes. Times (`…Ms`) are epoch milliseconds and sequences are whole numbers,
 * both plain JavaScript numbers. Every object handed out is a plain copy: changing it changes
 * nothing in the store.
 */

/**
 * A JSON value, as `JSON.parse` makes them. What JSON cannot hold (`undefined`, functions, symbols, BigInt, NaN and the
 * infinities, lone surrogates, cycles, class instances, names on arrays, keys that are symbols, a key `__proto__`) is refused
 * with `invalid_argument` and the path of the offender. Getters are read once; what is not enumerable is left out, as it is by
 * `JSON.stringify`.
 *
 * Limits: 100 levels, and 33,554,432 characters of JSON text, where each object or array counts as 32 and each number that is
 * no 32-bit integer as 24.
 *
 * Names (ids, event types, kinds, names of signals and steps, replay keys, labels, ids of sessions, frames and owners) are
 * no payloads: they have at most 1,024 characters, counted in UTF-16 code units, and ids, event types and kinds must not be
 * blank. Blank is what is empty or white space alone: Unicode's white space, and U+FEFF.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * `T`, where values of it are JSON, whatever it is made of: interfaces, `readonly` arrays and optional fields are, functions, dates
 * and maps are not. What is no JSON becomes `never`, so that a value of `T` does not fit. It is how this package takes payloads;
 * what it gives is `Json`.
 */
export type JsonCompatible<T> = [JsonLike] extends [T]
  ? T
  : T extends Json
    ? T
    : T extends undefined | symbol | bigint | ((...given: never) => unknown)
      ? never
      : T extends object
        ? { [K in keyof T]: K extends symbol ? never : JsonCompatible<T[K]> }
        : never;

/** Refuses a `T` that is no JSON, where `T` is inferred elsewhere. */
type Compatible<T> = NoInfer<JsonCompatible<T>>;

/**
 * What may be JSON, as far as a type can tell that is not inferred: any object, but for functions and what has a `toJSON`, as
 * dates do. The value is checked when it is passed.
 */
export type JsonLike = null | boolean | number | string | FieldsLike;

// `any` takes interfaces, too, which have no index signature.
type FieldsLike = { readonly [key: string]: any } & { readonly toJSON?: never; readonly bind?: never };

type Fields = { [key: string]: Json };

// ── Opening ─────────────────────────────────────────────────────────────────

/** How to open a registry. Every field may be left out. */
export interface OpenOptions {
  /**
   * Where processes live. `"indexeddb"` (the default) survives the page and is shared by all tabs and
   * workers of the origin; `"memory"` ends with this registry. A store of `natsStore()`, from `longwait/nats`, is shared by all who
   * reach its servers; `fallback` and `durability` are for IndexedDB and refused beside it.
   */
  storage?: "indexeddb" | "memory" | RemoteStore;
  /**
   * `"memory"`: use memory where IndexedDB is missing, or where the user or the browser refuses it, in whatever way. Default:
   * reject with `storage_unavailable`. What another version or another program keeps there is no reason for memory.
   */
  fallback?: "memory";
  /** Name of the database, non-blank, of 900 characters at most. Registries of one origin and name share everything. Default `"longwait"`; on a
   * remote store, which has its own name for what is shared, that one. */
  name?: string;
  /**
   * What a resolved write has survived. `"relaxed"` (the default): the page, the tab and the browser process.
   * `"strict"`: it was also flushed to the disk, as far as the browser can tell; slower.
   */
  durability?: "relaxed" | "strict";
  /** Called with each event that `appendEvent` inserts through this registry; see {@link ProcessEventSink}. */
  sink?: ProcessEventSink;
  /** This page's name as a lease owner. Default: random. Its incarnation is always fresh. */
  owner?: { ownerId: string };
  /**
   * The WebAssembly: its address, a response with it, its bytes, or the compiled module. Default:
   * `longwait_bg.wasm` beside the package's own files. The first call that loads it decides for all.
   */
  wasm?: URL | string | Response | BufferSource | WebAssembly.Module;
  /**
   * Called with a `storage_failed` error, which has the `processId`, for each process that a list, a sweep or `changedSince` passes
   * over because its rows cannot be read: once for each process and registry. Without a `processId` where the browser found the whole database damaged and has
   * deleted it, as far as browsers say so: Chromium does. Default: `reportError`.
   */
  onCorruption?: (error: ProcessError) => void;
  /** How long ended processes are kept. Default: for ever, or until `pruneTerminalProcesses` or `deleteProcess`. */
  retention?: Retention;
}

/**
 * How long ended processes are kept, in milliseconds since they were last updated, by how they ended; one that is absent keeps them for
 * ever. A started driver of the registry prunes what was kept for longer, in small batches and only while it has no process to begin: when it
 * is started, and then at most once a minute. Of several tabs one does it at a time.
 */
export interface Retention {
  /** Those that completed. */
  completedMs?: number;
  /** Those that failed. */
  failedMs?: number;
  /** Those that were cancelled. */
  cancelledMs?: number;
}

/**
 * A best-effort feed of fresh events, called after the commit, per process in the order of the log, and awaited:
 * a slow sink slows appends down. One that throws or rejects is reported through `reportError` and fails nothing.
 * Replays and the terminal events of `completeProcess` do not reach it; the log itself is the truth.
 */
export type ProcessEventSink = (event: ProcessEvent) => void | Promise<void>;

/** A store on another machine. */
export interface RemoteStore {
  /** Which kind of store it is. */
  readonly kind: string;
}

// ── Processes ───────────────────────────────────────────────────────────────

/** Names a session, or one agent frame within it. */
export interface SessionScope {
  /** Non-blank. */
  sessionId: string;
  /** A frame of that session; without it the scope is the session itself. */
  agentFrameId?: string;
}

/**
 * What a process is to do. Stored as given; only the kind matters to this package. `D` is the type of the data in it, `R` that of
 * a session's request. A field of another kind of input can be read, too: `input.payload` is `undefined` where the input has none.
 */
export type ProcessInput<D = Json, R = Fields> =
  /** Work done elsewhere: the code that does it completes the process. */
  | { type: "external"; metadata?: D; payload?: never; call?: never }
  /** Work for an engine of yours. `kind` becomes the identity's kind. */
  | { type: "engine"; kind: string; payload?: D; metadata?: never; call?: never }
  /** A tool call of a model. Further fields of `call` are kept. */
  | {
      type: "tool_call";
      call: { callId: string; toolName: string; toolId?: string; args?: D; [key: string]: D | Json | undefined };
      metadata?: never;
      payload?: never;
    }
  /** A turn of an agent session. */
  | { type: "session_turn"; createRequest: R; turnInput: D; metadata?: never; payload?: never; call?: never };

/** Picks a value out of an event's payload. */
export type Selector<V = Json> =
  /** The whole payload. */
  | "payload"
  /** The value at an RFC 6901 pointer; the append is refused (`invalid_payload`) where there is none. */
  | { pointer: string }
  /** Always this value. */
  | { const: V }
  /**
   * A text in which each `{name}` is replaced by that field: strings as they are, others as JSON. One pass. All texts that an
   * event makes of its payload, its message as a failure included, have 33,554,432 characters at most (`invalid_payload`).
   * An event type has at most 1,000 selectors, those in templates included.
   */
  | { template: string; fields: { [name: string]: Selector<V> } }
  /** Whether there is a value at an RFC 6901 pointer: true or false. */
  | { present: string };

/** A kind of event that a process may log. */
export interface ProcessEventType<V = Json> {
  /**
   * Non-blank, unique within the registration, and none of those that the driver writes (`process.step`,
   * `process.attempt_failed`, `process.step_failed`, `process.timer`, `process.paused`, `process.unpaused`), which are
   * there without being declared.
   */
  name: string;
  /**
   * JSON Schema (draft 2020-12) of the payload. Default: anything goes. `invalid_schema` when it cannot be compiled, or is too
   * costly to register: at most 256 schemas in a registration, each of 262,144 characters and 64 levels, 1,048,576 characters
   * in all; regular expressions of at most 2,000 characters, and none that is known to take exponential time, such as `(a+)+`.
   *
   * Checking a payload takes time that grows with the payload and with the schemas that apply to each of its values. Each of those
   * is a look; lists such as `enum`, `required` and `properties` add a sixteenth for each entry. 500,000 looks, and 30 more for each
   * value in the payload, are allowed, about a second's work; more are `invalid_payload`. So is `uniqueItems` on more than
   * some 2,000 items, as each is compared with each. A regular expression may still take time that grows with the square of the
   * text (`\s+$`): give such a text a `maxLength`, or anchor the expression.
   */
  payloadSchema?: V;
  /** What an event of this type means, beyond being a line in the log. */
  semantics?: {
    /**
     * It ends the process, in this state. `awaitOutput` selects the result, and may be left out only for
     * `completed`, where the payload itself is the result.
     */
    terminal?: { state: TerminalState; awaitOutput?: Selector<V> };
    /**
     * It wakes a session. `when` decides whether (null, false, "", [] and {} say no; default: always), `input` is the
     * text for the session, `dedupeKey` makes several wakes count as one (default `"event_identity"`: each event wakes once).
     */
    wake?: { when?: Selector<V>; input: Selector<V>; dedupeKey?: "event_identity" | { selector: Selector<V> } | { const: string } };
  };
}

/** What a process is registered with. The same content under the same id may be registered again, and changes nothing. */
export interface ProcessRegistration<D = Json, R = Fields, F = Json, C = Json, V = Json> extends ProcessPolicy {
  /** Your id for it: non-blank, unique in the registry. */
  id: string;
  /** What it is to do. */
  input: ProcessInput<D, R>;
  /** Kind and label for lists. Default: taken from the input. */
  identity?: ProcessIdentity<F>;
  /** Event types beside the core ones, which are always there. */
  eventTypes?: ProcessEventType<V>[];
  /** Who asked for it. Default: the host. */
  provenance?: ProcessProvenance<C>;
  /** Names the environment it runs in; not interpreted. */
  envRef?: string;
  /** The session that its wakes go to. Default: none. */
  wakeTarget?: SessionScope;
  /** What to do with it after a crash of its runner: run it again (the default) or end it as failed. */
  recovery?: "rerun" | "abandon";
  /** What is attached to it, by name, stored in the same transaction; see `putAttachment`. Registering an id again attaches nothing. */
  attachments?: { readonly [name: string]: AttachmentValue };
}

/** What may be attached to a process: a `Blob`, a `File`, an `ArrayBuffer` or a view of one. */
export type AttachmentValue = Blob | ArrayBuffer | ArrayBufferView;

/** What is known of an attachment without its bytes. */
export interface AttachmentInfo {
  name: string;
  /** Its length in bytes. */
  size: number;
  /** Its media type, such as `"image/png"`; empty where that is not known. */
  type: string;
  /** Of a `File`: its name. */
  fileName?: string;
  /** Of a `File`: when it was last modified, in epoch milliseconds. */
  lastModifiedMs?: number;
  /** When it was attached, in epoch milliseconds. */
  updatedAtMs: number;
}

/** When a failed attempt is repeated. */
export interface RetryPolicy {
  /** How many attempts there are at most, the first one included. Default: no limit, so that nothing is lost that was started offline. */
  maxAttempts?: number;
  /** The first wait, in whole milliseconds. Default 1,000. */
  initialIntervalMs?: number;
  /** How many times as long as the one before each wait is: 1 or more. Default 2. */
  backoffCoefficient?: number;
  /** The longest wait, in whole milliseconds. Default 60,000. */
  maxIntervalMs?: number;
  /** Whether each wait is shortened by chance, by half at most, so that many do not try at once. Default true. */
  jitter?: boolean;
}

/**
 * When a process is begun, how often and in which order. It is not part of what is compared when an id is registered again: the same data
 * gives the stored process, with the policy that came first. Times are epoch milliseconds of the store's clock, whole numbers.
 */
export interface ProcessPolicy {
  /** It is not begun before. Default: at once. A time that passes while no page is open takes effect when one is. */
  startAtMs?: number;
  /**
   * When a process that has not ended fails: class `timeout`, code `deadline_exceeded`. A run in progress is aborted, and what it writes is
   * refused. Every started driver of the registry sees to that, for processes of every kind. Default: none.
   */
  deadlineAtMs?: number;
  /** What becomes of a run that throws. Default: the process fails. Later runs are given the recorded steps of earlier ones. */
  retry?: RetryPolicy;
  /**
   * How many runs in a row may be lost to a crash of their tab without having recorded anything: then the process fails, class
   * `internal`, code `crash_loop`. Default 20.
   */
  crashLimit?: number;
  /** The higher one is begun first: a whole number from -1,000,000 to 1,000,000. Default 0. */
  priority?: number;
  /** At most one process of a key is between its first begin and its end, in all tabs; the others wait in order. */
  concurrencyKey?: string;
  /**
   * What becomes of the processes of the key that have not ended. `"queue"` (the default): it is begun after them. `"use_existing"`: nothing
   * is registered, and the newest of them is the answer. `"replace_pending"`: those that have not begun are cancelled, so one runs
   * and the newest waits. `"cancel_running"`: that, and the one that has begun is asked to stop. `"reject"`: `conflict`.
   */
  onConflict?: "queue" | "use_existing" | "replace_pending" | "cancel_running" | "reject";
  /**
   * Begins `delayMs` after the last process was registered under the key, and at most `maxDelayMs` after the first of those that were
   * replaced. Means `onConflict: "replace_pending"`.
   */
  debounce?: { delayMs: number; maxDelayMs?: number };
  /**
   * While the host says that it is offline, it is not begun, and no other attempt is made of it or, in a run in progress, of one of its steps: an attempt
   * that is due waits for the network. See {@link DriverOptions.onlineDetector}.
   */
  requires?: "network";
  /** Which version of an implementation runs it, a whole number. Default: one without a version. Plain `runners` run any. */
  version?: number;
  /** For filters: at most 16. */
  labels?: { [name: string]: string };
  /** The process that it is a child of, which must be there and not have ended. */
  parentId?: string;
  /** What becomes of a child when its parent ends in any way: it is asked to stop (the default), or nothing. */
  onParentEnd?: "cancel" | "abandon";
  /** Where in a distributed trace it was registered. It is kept and not interpreted; a fork has that of its source. */
  traceContext?: TraceContext;
}

/** A place in a distributed trace, as W3C Trace Context writes it in headers. */
export interface TraceContext {
  /** Version, trace, span and flags: `00-<32 digits>-<16 digits>-<2 digits>`, in lower-case hexadecimal. */
  traceparent: string;
  /** What tracing systems add: printable ASCII of 1 to 512 characters. */
  tracestate?: string;
}

/** What a process is, for lists and filters. */
export interface ProcessIdentity<F = Json> {
  /** Non-blank; what runners and filters go by. */
  kind: string;
  /** For people. */
  label?: string;
  /** Which version of which recipe; compared as a whole by `listProcesses`. */
  definition?: F;
}

/** Who asked for a process, and on which occasion. */
export interface ProcessProvenance<C = Json> {
  /** The host application, or a session. */
  originator: { type: "host" } | { type: "session"; scope: SessionScope };
  /** Not interpreted; copied into wake deliveries. */
  causedBy?: C;
}

/** The three ways to end. */
export type TerminalState = "completed" | "failed" | "cancelled";

/** Where a process stands. A waiting process is a running one. */
export type ProcessStatus = { state: "running" } | { state: TerminalState; awaitOutput: ProcessAwaitOutput };

/** What waiting for a process gives. `control` is for your own use and is stored as it is. */
export type ProcessAwaitOutput<V = Json, R = Json, C = Json> =
  | { type: "success"; value: V; control?: C }
  | {
      type: "failure";
      class: FailureClass;
      /** A stable word of yours. */
      code: string;
      /** For people. */
      message: string;
      /** Whatever the failure came with. */
      raw?: R;
      control?: C;
    }
  | { type: "cancelled"; message: string; raw?: R; control?: C };

/** Whose fault a failure is, roughly. */
export type FailureClass =
  "invalid_request" | "unavailable" | "permission_denied" | "timeout" | "execution" | "external" | "resource_limit" | "internal";

/** A process as it is stored, with its policy as that was given. */
export interface ProcessRecord extends ProcessPolicy {
  id: string;
  input: ProcessInput;
  identity: ProcessIdentity;
  /** All of them, the core types included. */
  eventTypes: ProcessEventType[];
  provenance: ProcessProvenance;
  /** SHA-256, lower-case hex, over the registration as canonical JSON (RFC 8785). */
  registrationHash: string;
  envRef?: string;
  wakeTarget?: SessionScope;
  recovery?: "rerun" | "abandon";
  createdAtMs: number;
  /** When the record last changed, in epoch milliseconds. Appending an event changes it, so a late event delays pruning. */
  updatedAtMs: number;
  /** Set once by `setExternalRef`. */
  externalRef?: ProcessExternalRef;
  /** What it is waiting for: of several things, the last. */
  wait?: WaitState | RunWait;
  /** Since when it is paused, in epoch milliseconds, and why. */
  paused?: { sinceMs: number; reason?: string };
  /** What its runner last said of it. */
  state?: Json;
  /** How far its runner last said that it is, in units of its own, and when, in epoch milliseconds. */
  progress?: { current: number; total?: number; message?: string; atMs: number };
  /** Where in a distributed trace the last run is that called `RunContext.setTraceContext`. */
  runTraceContext?: TraceContext;
  /** What is attached to it; absent where nothing is. */
  attachments?: AttachmentInfo[];
  status: ProcessStatus;
}

/** Where the work really runs: a job in another system, say. */
export interface ProcessExternalRef<M = Json> {
  backend: string;
  id: string;
  metadata?: M;
}

/** What a driver, or a run, has a process wait for. Times are epoch milliseconds. */
export type RunWait =
  /** The time before which it is not begun. */
  | { kind: "start"; untilMs: number; sinceMs: number }
  /** The next attempt, of which this is the number, from 2: of the run, or of one of its steps. That of a step may wait for the network after its time. */
  | { kind: "retry"; untilMs: number; attempt: number; step?: string; sinceMs: number }
  /** A timer of the run. */
  | { kind: "timer"; key: string; untilMs: number; sinceMs: number }
  /** The end of another process. */
  | { kind: "process"; processId: string; sinceMs: number };

/** A signal that a process says it is waiting for. */
export interface WaitState {
  kind: "signal";
  /** Name of the signal; of several, the first in the order of the alphabet. */
  name: string;
  /** Event type that will carry it. */
  eventType: string;
  /** All names, where a signal of any of several will do. */
  names?: string[];
  /** Names this wait among those of the process. */
  key: string;
  /** Which of the waits of the run for that it is, from 1. */
  ordinal: number;
  sinceMs: number;
}

// ── Events ──────────────────────────────────────────────────────────────────

/** One line of a process's log. */
export interface ProcessEvent<P = Json> {
  processId: string;
  /** 1, 2, 3, … in commit order, without gaps. */
  sequence: number;
  eventType: string;
  /** `null` where none was given. */
  payload: P;
  /** The key it was appended under. */
  replayKey?: string;
  /** What the event type's semantics made of the payload, decided once, at the append. */
  semantics: {
    terminal?: { state: TerminalState; awaitOutput: ProcessAwaitOutput };
    wake?: { input: string; dedupeKey: string };
  };
  occurredAtMs: number;
}

/** An event to append. */
export interface AppendRequest<P = Json> {
  /** One of the types that the process was registered with, or `signal.<name>`, which every process takes. */
  eventType: string;
  /** Default `null`. Checked against the type's schema. */
  payload?: P;
  /**
   * Makes the append happen once. Non-empty: the same key and content again gives the stored event, other content is a
   * `replay_conflict`. Terminal types and `process.cancel_requested` need one.
   *
   * Keys that begin with `step:`, `timer:` or `process.` are the driver's, and refused. Those that begin with `process:` or
   * `signal:` are taken for the events that they belong to: `process:<id>:terminal:<type>` for an event of that terminal
   * type, `process:<id>:cancel_requested:<hash of the payload>` for a cancel request, `signal:<name>:<signalId>` for that signal.
   */
  replayKey?: string;
  /** The session to wake. Default: the record's `wakeTarget`. */
  wakeTargetScope?: SessionScope;
  /** Append only while this lease holds, else `lease_lost`; checked in the same transaction. */
  lease?: ProcessLease;
}

/** What an append did. */
export interface AppendResult {
  event: ProcessEvent;
  /** True when the event was there before, under the same replay key. */
  replayed: boolean;
  /** The wake to hand to its session, where the event makes one and there is a session for it. */
  wakeDelivery?: WakeDelivery;
}

/** A wake on its way to a session. A replayed append gives the same `wakeId`: use it to drop repeats. */
export interface WakeDelivery {
  /** `wake:` and a SHA-256 of target scope and dedupe key. */
  wakeId: string;
  targetSessionId: string;
  /** `session:<sessionId>` or `session:<sessionId>/frame:<frameId>`. */
  targetScopeId: string;
  processId: string;
  sequence: number;
  eventType: string;
  /** The `causedBy` of the process's provenance. */
  processCausedBy?: Json;
  /**
   * Where the event type names none, `<processId>:<sequence>`; `<processId>@<n>:<sequence>` in the nth life of an id that was
   * pruned and registered again.
   */
  dedupeKey: string;
  /** The text for the session. */
  input: string;
  createdAtMs: number;
}

// ── Handles ─────────────────────────────────────────────────────────────────

/** How a session calls a process that it was given. */
export interface HandleDescriptor {
  kind?: string;
  label?: string;
}

/** A session's handle on a process. */
export interface HandleGrant {
  /** `session:<sessionId>` or `session:<sessionId>/frame:<frameId>`. */
  scopeId: string;
  sessionId: string;
  processId: string;
  descriptor: HandleDescriptor;
}

/** A handle, with the process it is for. */
export interface HandleEntry {
  grant: HandleGrant;
  record: ProcessRecord;
}

/** What `deleteSessionProcessState` did. Both lists name running processes and are sorted. */
export interface SessionDeleteReport {
  sessionId: string;
  revokedHandleCount: number;
  /** Always 0: wakes are part of the logs, and those stay. */
  deletedWakeCount: number;
  /** No other session holds a handle on these. */
  orphanedProcessIds: string[];
  /** Other sessions still hold handles on these. */
  preservedProcessIds: string[];
}

// ── Leases ──────────────────────────────────────────────────────────────────

/** Who holds a lease. */
export interface LeaseOwner {
  /** A lasting name, of a page or a worker. */
  ownerId: string;
  /** This one life of that owner; a reload is another. */
  incarnationId: string;
  /**
   * How others may find out that it is dead before its leases expire. `opaque`, or none: not at all. `web_lock`: it is dead
   * when that Web Lock is free, so an owner must hold the lock that it names.
   */
  liveness?: { kind: "opaque" } | { kind: "web_lock"; lockName: string };
}

/** The right to work on a process until `expiresAtMs`. */
export interface ProcessLease {
  processId: string;
  owner: LeaseOwner;
  /** Proves this very lease; random. */
  leaseToken: string;
  /** Rises with each new holder of the process, for ever. Pass it on to systems that should refuse a late old holder. */
  fencingToken: number;
  claimedAtMs: number;
  /** At this very millisecond the lease is over. */
  expiresAtMs: number;
}

/** Whether a claim got the lease. Losing is an answer, not an error. */
export type LeaseClaim = { outcome: "acquired"; lease: ProcessLease } | { outcome: "busy"; holder: ProcessLease };

// ── Queries ─────────────────────────────────────────────────────────────────

/** Which processes to list; all given fields must fit. */
export interface ListFilter<F = Json> {
  /** Default `"running"`. */
  status?: "running" | TerminalState | "any";
  /** Only those that are in a wait, or only those that are not. */
  waiting?: boolean;
  /** Deep-equal to `identity.definition`. */
  definition?: F;
  /** Equal to `identity.kind`. */
  kind?: string;
  /** Those that have all of these labels. */
  labels?: { [name: string]: string };
  /** The children of this process. */
  parentId?: string;
  /** Equal to `version`. A page reads what the other fields leave until it is full: there is no index of versions. */
  version?: number;
  /** Only those that are paused, or only those that are not. Without an index, as `version`. */
  paused?: boolean;
}

/** A piece of a list. */
export interface Page {
  /** At most so many. Default: all. */
  limit?: number;
  /**
   * Only what follows this id in the order: the last id of the page before, whatever has become of that process since. In an order by
   * age the id of a process that never was is `invalid_argument`.
   */
  cursor?: string;
  /**
   * `"id"` (default): by id, by code unit. `"oldest"` and `"newest"`: by `createdAtMs`, then id; reversed in `"newest"`. By age, a list of
   * a label or of children is read whole and sorted; any other page reads from its beginning on until it is full.
   */
  order?: "id" | "oldest" | "newest";
}

/** Which events of a log to read. */
export interface EventQuery {
  /** At most so many. Default: all. */
  limit?: number;
  /** Only these event types. Default: all. */
  types?: string[];
}

/** How a process is forked. */
export interface ForkOptions {
  /** The id of the new process. */
  newId: string;
  /**
   * Before which record of the log it begins: `{ step }`, that of the step of this key; `"failed"`, that of the step whose failure is
   * recorded last (a step with `retry`), or after the whole log where there is none; `"start"`, with nothing of it.
   */
  from: "start" | "failed" | { step: string };
  /** What it is to do instead: of the same type, and for the same runner. Default: the input of the source. */
  input?: ProcessInput;
}

/** What is exported, see `ProcessRegistry.exportProcesses`. */
export interface ExportOptions {
  /** These processes, in this order. Default: all that fit `filter`, by id. */
  ids?: readonly string[];
  /** Those that fit it. Unlike elsewhere its `status` is `"any"` where it is not given. Not together with `ids`. */
  filter?: ListFilter;
}

/** An export on its way, see `ProcessRegistry.exportProcesses`. */
export interface ProcessesExport extends AsyncIterable<string> {
  /** The export as UTF-8. Cancelling it frees everything. */
  toReadableStream(): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** How processes are imported, see `ProcessRegistry.importProcesses`. */
export interface ImportOptions {
  /**
   * `"keep"` (the default): under their own ids. A function is given each id that a process names, its own, that of its parent, of the processes that its
   * runs waited for and of what it is a fork of, and answers what stands there instead: always the same for one id, and two for two.
   */
  ids?: "keep" | ((id: string) => string);
  /** Aborts the import: it rejects with the signal's reason. What was imported by then stays. */
  signal?: AbortSignal;
}

/** What became of the processes of an import, by the ids that they have here. */
export interface ImportReport {
  /** They were not here, and are now. */
  imported: string[];
  /** They were here, alike, and stay as they are. */
  existing: string[];
}

/** How long to wait. Either way the wait ends and its resources are freed at once; the process never notices. */
export interface WaitOptions {
  /** Aborts the wait, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Milliseconds until the wait rejects with `timeout`. Default, and `Infinity`: no limit. */
  timeoutMs?: number;
}

/** Where and how to follow a log. */
export interface EventsOptions {
  /** Begin after this sequence. Default 0: from the first event. */
  after?: number;
  /** Only these event types. Default: all. */
  types?: string[];
  /** End after the event that ends the process. Default false: late events still come. */
  untilTerminal?: boolean;
  /** Aborts the iteration: `next()` rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** What of a stream to read. */
export interface ReadStreamOptions {
  /** The index of the first chunk. Default 0. */
  startIndex?: number;
  /** Aborts the iteration: `next()` rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A stream to be read, see `ProcessRegistry.readStream`. */
export interface StreamReader<C = Json> extends AsyncIterable<StreamChunk<C>> {
  /** An iteration as a `ReadableStream`. Cancelling it frees everything. */
  toReadableStream(): ReadableStream<StreamChunk<C>>;
}

/** A chunk of a stream. */
export interface StreamChunk<C = Json> {
  /** Its place: 0, 1, 2, … without gaps, over all attempts. */
  index: number;
  /** The attempt that it is of. Where it is another one than that of the chunk before, what the stream says begins anew. */
  attempt: number;
  value: C;
}

/** A stream of a process, see `ProcessRegistry.listStreams`. */
export interface StreamInfo {
  name: string;
  /** How many chunks were committed to it, over all attempts. Those that are removed at the end of the process (`keep`) are counted. */
  chunks: number;
  /** The attempt that the next chunk carries. */
  attempt: number;
  /** Whether it was closed, so that nothing follows. */
  closed: boolean;
  /** How long its chunks are kept, see `StreamOptions.keep`. */
  keep: "process" | "untilTerminal";
}

/** A wait that was woken and got its answer, see `ProcessRegistry.onWake`. */
export interface WokenWait {
  /** The process that it waits for. */
  processId: string;
  /**
   * What it waits for. `"terminal"` and `"event"`: of `awaitTerminal` and `awaitEvent`, of a runner's or a session's, too. `"events"`: the next events of an
   * `events()` loop. `"signal"`: a signal, in a run. `"stream"`: the next chunks of `readStream`.
   */
  wait: "terminal" | "event" | "events" | "signal" | "stream";
  /**
   * What woke it, the last time before its answer. `"tick"`: a commit of this registry, or its `hub.notify`. `"hint"`: the notification of another
   * registry on the database, as a rule in another tab. `"poll"`: no notification; the change poller found the change, or the
   * wait looked again by itself, as it does when its page comes back from the back-forward cache.
   */
  by: "tick" | "hint" | "poll";
  /**
   * Whole milliseconds from that wake to the answer, by the monotonic clock of this tab. A wake of a tick is the end of its commit; that of a hint is when
   * its message arrives, which as a rule is before the commit it announces is over; and that of a poll is when the poller has found the change, which says nothing of how long that
   * was there.
   */
  afterMs: number;
}

/** How a run opens a stream. */
export interface StreamOptions {
  /**
   * Default false: what the stream says begins anew with this attempt, which its chunks carry. True: it continues where the attempts before
   * left off, and its chunks carry the attempt of those; `nextIndex` says from where.
   */
  resume?: boolean;
  /** How long the chunks are kept. `"process"` (the default): as long as the process. `"untilTerminal"`: until it ends. The last opening decides. */
  keep?: "process" | "untilTerminal";
}

/** A stream that a run writes, see `RunContext.stream`. */
export interface StreamWriter<C = Json> {
  readonly name: string;
  /** The index of the next chunk. */
  readonly nextIndex: number;
  /**
   * Adds a chunk. Resolves once it is accepted, in the order of the calls; waits while more than 1 MB is not committed. Chunks are
   * committed together: those of 50 ms, or 16 kB. A crash loses what is not committed; a runner that returns or throws does not.
   * @throws `invalid_argument` for what is not JSON or is too large, with its path, and once the stream is closed; what kept a chunk before it
   * from being committed: `lease_lost`, `quota_exceeded` or another fault of the storage. From then on this stream takes no more.
   */
  append(chunk: C & Compatible<C>): Promise<void>;
  /** Appends what is written to it, and closes the stream when it is closed. Aborting it leaves the stream open. */
  readonly writable: WritableStream<C>;
  /** Resolves once all that was appended is committed. @throws As `append`. */
  flush(): Promise<void>;
  /** Says that nothing follows, so that readers end. Resolves once that is committed, and all before it. @throws As `append`. */
  close(): Promise<void>;
}

// ── Registry ────────────────────────────────────────────────────────────────

/**
 * The processes of one database.
 *
 * Methods that return a promise never throw by themselves; they reject, with a `ProcessError` whose `code` says why.
 * Any of them may reject with `invalid_argument`, `closed`, `storage_failed`, `storage_blocked`, `storage_unavailable`,
 * `quota_exceeded` (writes only) or `internal`; each lists what else it may reject with. A write resolves when it is
 * committed, and a refused one leaves no trace.
 */
export interface ProcessRegistry extends AsyncDisposable {
  /** The database's name. */
  readonly name: string;
  /**
   * What storage this really is: kept until the user deletes it, kept until the browser needs the room,
   * memory alone (asked for, or as the fallback), or kept by the servers of a remote store.
   */
  readonly durability: "persistent" | "evictable" | "memory" | "remote";
  /** Calls the listener when `durability` changes; gives the function that takes it off. What it throws goes to `reportError`. */
  onDurabilityChange(listener: (durability: ProcessRegistry["durability"]) => void): () => void;
  /**
   * Asks the browser to keep this origin's data until the user or the app deletes it (`navigator.storage.persist()`), and answers
   * what `durability` is then. Some browsers ask the user; call it where that makes sense to them. Memory stays memory.
   */
  requestPersistence(): Promise<ProcessRegistry["durability"]>;
  /**
   * This registry's identity as a lease owner. Where the browser has Web Locks, the registry holds the exclusive lock
   * `longwait:<name>:owner:<incarnationId>` until it is closed, as a proof that it is alive.
   */
  readonly owner: LeaseOwner;

  /**
   * Stores a new process. The same registration again gives the stored record unchanged.
   * @throws `conflict` where its concurrency key is taken and `onConflict` is `"reject"`; `unknown_process` and `process_terminal` for its
   * `parentId`; `registration_conflict` when the id is taken by another registration, saying where the two first differ;
   * `invalid_schema`.
   */
  registerProcess<D extends JsonLike = Json, R extends FieldsLike = Fields, F extends JsonLike = Json, C extends JsonLike = Json>(
    registration: ProcessRegistration<D, R, F, C, JsonLike> &
      ProcessRegistration<Compatible<D>, Compatible<R>, Compatible<F>, Compatible<C>, JsonLike>,
  ): Promise<ProcessRecord>;
  /**
   * Registers several processes, all or none, in one transaction; the records are in their order. Each is registered as if those before it
   * were there, so of two alike the second finds the first.
   * @throws as `registerProcess`; the message begins with the place, as in `registrations[2]`.
   */
  registerProcesses(
    registrations: readonly ProcessRegistration<JsonLike, FieldsLike, JsonLike, JsonLike, JsonLike>[],
  ): Promise<ProcessRecord[]>;
  /**
   * Starts a process of a definition: checks the input, stores it as its schema gives it, and gives a handle. The options are its id and what of
   * the policy is not, or otherwise, in the definition. In a run it starts another one each time: use `RunContext.startChild` there.
   * @throws As `registerProcess`; `invalid_payload` for the input, and then nothing is written.
   */
  start<I, O, E, S, G extends Payloads>(
    definition: Definition<I, O, E, S, G>,
    ...given: StartArguments<G["input"]>
  ): Promise<DefinedHandle<O, E, S, G["signals"]>>;
  /**
   * Starts a process and gives what it gave. `signal` and `timeoutMs` end the wait, and never the process; a signal that is aborted already
   * starts none.
   * @throws As `start` and `ProcessHandle.result`.
   */
  execute<I, O, E, S, G extends Payloads>(
    definition: Definition<I, O, E, S, G>,
    ...given: StartArguments<G["input"], StartOptions & WaitOptions>
  ): Promise<O>;
  /** A handle on a process of a definition that was started before. Reads nothing. Throws `invalid_argument` and `closed` at once. */
  handle<I, O, E, S, G extends Payloads>(definition: Definition<I, O, E, S, G>, processId: string): DefinedHandle<O, E, S, G["signals"]>;
  /** The record, or `undefined` when there is no such process. A store that fails rejects instead. */
  getProcess(processId: string): Promise<ProcessRecord | undefined>;
  /** The processes that fit, in id order (by UTF-16 code unit). Default: all that run. */
  listProcesses<F extends JsonLike = Json>(filter?: ListFilter<F> & ListFilter<Compatible<F>>, page?: Page): Promise<ProcessRecord[]>;
  /**
   * How many processes the list of `filter` holds. No record is read: the browser counts the entries of an index where the filter is of
   * one field besides `status` and `waiting`, or of `definition` and `kind`; of several fields the ids are compared, and with
   * `version` or `paused` the smaller halves of the processes are looked through.
   */
  countProcesses<F extends JsonLike = Json>(filter?: ListFilter<F> & ListFilter<Compatible<F>>): Promise<number>;
  /** Every process that has not ended, in the order of the page; by id without one. */
  listNonTerminal(page?: Page): Promise<ProcessRecord[]>;
  /**
   * What changed in any tab since `cursor` (default: since the beginning): the records in the order of their last change,
   * each once, and the ids that were pruned or deleted. Pass the returned `cursor`, an opaque string, next time and nothing is missed.
   * `limit` bounds how much one call returns; default: all. `reset` is true where `cursor` is of another database, since this one
   * was deleted and made anew (or of version 0.1): then the changes are those since the beginning.
   */
  changedSince(cursor?: string, limit?: number): Promise<{ records: ProcessRecord[]; removed: string[]; cursor: string; reset?: boolean }>;
  /**
   * Says, once, where the work really runs. The same again changes nothing.
   * @throws `unknown_process`; `external_ref_conflict` when it points elsewhere already.
   */
  setExternalRef<M extends JsonLike = Json>(
    processId: string,
    ref: ProcessExternalRef<M> & ProcessExternalRef<Compatible<M>>,
  ): Promise<ProcessRecord>;
  /**
   * Marks the process as waiting. Reaching a terminal state clears the mark.
   * @throws `unknown_process`; `already_terminal`.
   */
  setProcessWait(processId: string, wait: WaitState): Promise<ProcessRecord>;
  /**
   * Removes the mark; without one it changes nothing.
   * @throws `unknown_process`.
   */
  clearProcessWait(processId: string): Promise<ProcessRecord>;
  /**
   * Ends the process with this result. The same result again is a replay and gives the record.
   * @throws `unknown_process`; `already_terminal` or `replay_conflict` when it ended otherwise.
   */
  completeProcess<V extends JsonLike = Json, R extends JsonLike = Json, C extends JsonLike = Json>(
    processId: string,
    output: ProcessAwaitOutput<V, R, C> & ProcessAwaitOutput<Compatible<V>, Compatible<R>, Compatible<C>>,
  ): Promise<ProcessRecord>;
  /**
   * Ends the process only while `lease` holds and releases it, in one transaction.
   * @throws as `completeProcess`, and `lease_lost`.
   */
  completeProcessWithLease<V extends JsonLike = Json, R extends JsonLike = Json, C extends JsonLike = Json>(
    lease: ProcessLease,
    output: ProcessAwaitOutput<V, R, C> & ProcessAwaitOutput<Compatible<V>, Compatible<R>, Compatible<C>>,
  ): Promise<ProcessRecord>;
  /**
   * Asks for the end of the process, durably, by an event `process.cancel_requested`. Its runner decides; where it was never
   * begun, a driver with a runner for its kind ends it as cancelled instead of running it. A process with an `external` input
   * is only asked: its host ends it. Asking twice for one reason records it once.
   * @throws `unknown_process`.
   */
  requestCancel(processId: string, reason?: string): Promise<AppendResult>;
  /**
   * Stops a run of the process, as `ProcessWorkDriver.stop` does, and keeps every driver from beginning it until `resumeProcess`. Signals
   * are kept, and a time that passes takes effect then; the deadline still applies. One that is paused already stays as it is.
   * @throws `unknown_process`; `already_terminal`.
   */
  pauseProcess(processId: string, reason?: string): Promise<ProcessRecord>;
  /**
   * Lets drivers begin a paused process again. One that is not paused stays as it is.
   * @throws `unknown_process`; `already_terminal`.
   */
  resumeProcess(processId: string): Promise<ProcessRecord>;
  /**
   * Registers a new process that begins where another one was: it is registered alike but for its id, has the events of that log before
   * `from`, numbered anew, and a run of it gets their steps and waits as a later run of the source would. An ended process is never opened
   * again; this is the way to try one that failed once more, or to let another input take another way. Children are begun anew, under
   * the id of the fork; what a run awaited under another id is awaited again.
   *
   * Left out are cancel requests, pauses, failed attempts and ends, wakes, grants, `state` and `progress`, and of the policy `startAtMs`,
   * `deadlineAtMs`, `onConflict`, `debounce`, `parentId` and `onParentEnd`. `provenance.causedBy` is `{ forkOf: processId }`. Everything is written in one
   * transaction, which takes as long as the log. Forking again under the same id, with the same input, gives the stored record.
   * @throws `unknown_process`; `invalid_argument` for a step without a record, and for an input of another type, kind or tool;
   * `registration_conflict` where `newId` is taken otherwise.
   */
  forkProcess(processId: string, options: ForkOptions): Promise<ProcessRecord>;
  /**
   * Deletes one process that has ended, with all that belongs to it. With `force`, one that has not ended, too: a run of it is
   * aborted with `unknown_process`; and one whose rows cannot be read.
   * @throws `unknown_process`; `not_terminal` without `force`.
   */
  deleteProcess(processId: string, options?: { force?: boolean }): Promise<void>;
  /**
   * Deletes processes that have ended and were last changed before `cutoffMs`, with all that belongs to them.
   * Running ones are never touched.
   */
  pruneTerminalProcesses(cutoffMs: number): Promise<{ prunedProcesses: number; prunedEvents: number }>;

  /**
   * Attaches a value to a process that has not ended, in place of one of its name: at most 1,000 names, each of at most 1,024 characters.
   * It is a row of its own, of any size that the browser's quota allows, and no part of the registration's hash. A `File` keeps its
   * name and `lastModified`; of bytes a copy is made at the call. With `lease`, only while that is held.
   * @throws `unknown_process`; `process_terminal`; `lease_lost`; `quota_exceeded`, and then nothing is stored.
   */
  putAttachment(processId: string, name: string, value: AttachmentValue, options?: { lease?: ProcessLease }): Promise<AttachmentInfo>;
  /**
   * The attachment of that name, or `undefined` where the process has none. Its bytes are read when it is used, from the disk, and also
   * once the registry is closed.
   * @throws `unknown_process`; `storage_failed` where its row is missing.
   */
  getAttachment(processId: string, name: string): Promise<Blob | undefined>;
  /**
   * What is attached to a process, in the order in which the names came. No bytes are read; a record lists it, too.
   * @throws `unknown_process`.
   */
  listAttachments(processId: string): Promise<AttachmentInfo[]>;
  /**
   * Removes the attachment of that name, of an ended process, too; where there is none, nothing changes.
   * @throws `unknown_process`.
   */
  deleteAttachment(processId: string, name: string): Promise<void>;

  /**
   * The streams that runs of the process opened, by name, by code unit. No chunk is read: `readStream` reads those.
   * @throws `unknown_process`.
   */
  listStreams(processId: string): Promise<StreamInfo[]>;

  /**
   * Adds an event to the log.
   * @throws `unknown_process`, `undeclared_event_type`, `missing_replay_key`, `replay_conflict`, `invalid_payload`,
   * `already_terminal` (a second end), `lease_lost`.
   */
  appendEvent<P extends JsonLike = Json>(
    processId: string,
    request: AppendRequest<P> & AppendRequest<Compatible<P>>,
  ): Promise<AppendResult>;
  /**
   * Adds several events to the log, all or none, in one transaction; the results are in their order.
   * @throws as `appendEvent`; the message begins with the place, as in `requests[2]`.
   */
  appendEvents(processId: string, requests: readonly AppendRequest<JsonLike>[]): Promise<AppendResult[]>;
  /**
   * Events with a higher sequence than `afterSequence` (0: from the first), ascending.
   * @throws `unknown_process`.
   */
  eventsAfter(processId: string, afterSequence: number, query?: EventQuery): Promise<ProcessEvent[]>;
  /**
   * The last `limit` events, ascending.
   * @throws `unknown_process`.
   */
  recentEvents(processId: string, limit: number): Promise<ProcessEvent[]>;
  /**
   * How many events of a type there are up to and with `upToSequence`.
   * @throws `unknown_process`.
   */
  countEventsThrough(processId: string, eventType: string, upToSequence: number): Promise<number>;
  /**
   * Events after `afterSequence` that made a wake that is not acknowledged, ascending.
   * @throws `unknown_process`.
   */
  wakeEventsAfter(processId: string, afterSequence: number): Promise<ProcessEvent[]>;
  /**
   * Acknowledges the wake of one event. Repeating it is fine.
   * @throws `unknown_process`.
   */
  ackWake(processId: string, sequence: number): Promise<void>;

  /**
   * Processes as lines of JSON (NDJSON), each with its line break: with their registrations and policies, all that their records say, their whole
   * logs, streams and attachments. Not with leases, grants, or what drivers, sessions and other tabs have of them. Each process is as it was at one
   * moment; two may be of two moments. It is read in pages, as the lines are asked for, and each iteration begins anew. Throws `invalid_argument` at once for bad
   * options, `closed` after `close()`; the iteration rejects with `unknown_process` for one of `ids`, `closed`, `conflict` for a process that was changed in each of
   * several attempts to read it, and faults of the storage, such as `storage_failed` for rows that cannot be read.
   */
  exportProcesses(options?: ExportOptions): ProcessesExport;
  /**
   * Imports what `exportProcesses` gave, of whatever database: bytes, or texts that make the file when joined. Each process in a transaction of its own: wholly or not at
   * all. It continues where it stood: a driver begins it, recorded steps are replayed, timers and retries keep their times. A process whose id is here with equal
   * content stays as it is. The file is read as it comes, and may be of any size; one process may have 268,435,456 characters, its attachments aside.
   * Everything is checked as if a caller had registered and appended it.
   * @throws `invalid_argument` with the line and the path of what is wrong, also where the file is cut off; `registration_conflict` where an id is here with other content;
   * `quota_exceeded`, `closed`, faults of the storage; or the signal's reason, or what reading the source fails with. `report` of a `ProcessError` says what was imported before.
   */
  importProcesses(
    source: ReadableStream<Uint8Array | string> | AsyncIterable<Uint8Array | string> | Blob,
    options?: ImportOptions,
  ): Promise<ImportReport>;

  /**
   * Gives a session a handle on a process. Granting again replaces the descriptor (default `{}`).
   * @throws `unknown_process`.
   */
  grantHandle(scope: SessionScope, processId: string, descriptor?: HandleDescriptor): Promise<HandleGrant>;
  /** Takes the handle back. Fine where there is none. */
  revokeHandle(scope: SessionScope, processId: string): Promise<void>;
  /**
   * Moves handles from one scope to another: all of the named ones, or none.
   * @throws `not_granted` when `from` lacks one of them.
   */
  transferHandleGrants(from: SessionScope, to: SessionScope, processIds: readonly string[]): Promise<void>;
  /** All handles of a scope with their processes, in id order. */
  listHandleGrants(scope: SessionScope): Promise<HandleEntry[]>;
  /** Those whose process has not ended. */
  listLiveHandleGrants(scope: SessionScope): Promise<HandleEntry[]>;
  /** Whether this very scope holds a handle on the process. */
  hasHandleGrant(scope: SessionScope, processId: string): Promise<boolean>;
  /**
   * All handles on the process, by session id.
   * @throws `unknown_process`.
   */
  handleGrantsForProcess(processId: string): Promise<HandleGrant[]>;
  /** Revokes every handle of a session, in all frames, and stops wakes to it. Processes are left as they are. */
  deleteSessionProcessState(sessionId: string): Promise<SessionDeleteReport>;

  /**
   * Asks for the right to work on the process for `ttlMs` milliseconds (at least 1). An owner that holds it already
   * gets it extended.
   * @throws `unknown_process`; `already_terminal`.
   */
  claimProcessLease(processId: string, owner: LeaseOwner, ttlMs: number): Promise<LeaseClaim>;
  /**
   * Takes over from the holder that was `observed`, before its lease expires, if that holder is proven dead: if its
   * `web_lock` is one of this database's owner locks, and free. Otherwise it answers as `claimProcessLease` does.
   * @throws `unknown_process`; `already_terminal`.
   */
  reclaimProcessLease(processId: string, owner: LeaseOwner, observed: ProcessLease, ttlMs: number): Promise<LeaseClaim>;
  /**
   * Extends a lease to `ttlMs` milliseconds (at least 1) from now.
   * @throws `lease_lost`.
   */
  renewProcessLease(lease: ProcessLease, ttlMs: number): Promise<ProcessLease>;
  /** Gives a lease back. One that is no longer held changes nothing. */
  completeProcessLease(lease: Pick<ProcessLease, "processId" | "leaseToken">): Promise<void>;
  /** The lease that is held, expired or not; `undefined` when none is. */
  getProcessLease(processId: string): Promise<ProcessLease | undefined>;
  /**
   * Resolves once the owner of a lease is dead: its registry was closed, its page or worker ended or crashed, or its page was
   * put into the back-forward cache. Then `reclaimProcessLease` takes its leases over at once.
   * @throws `invalid_argument` for an owner whose death cannot be known: one that is `opaque`, or that names a lock which is not
   * an owner lock of this database, and any owner in a registry without Web Locks; `timeout`; `closed`; or the signal's reason.
   */
  ownerGone(owner: LeaseOwner, options?: WaitOptions): Promise<void>;

  /** Waits that wake on each change. All of them share one look at what changed, every second at least, as the floor. */
  readonly awaiter: ProcessAwaiter;
  /** As on `awaiter`: the short way. */
  awaitTerminal: ProcessAwaiter["awaitTerminal"];
  /** As on `awaiter`: the short way. */
  awaitEvent: ProcessAwaiter["awaitEvent"];
  /**
   * Appends an event `signal.<name>`; see `SessionView.signal`. A process takes signals of 256 names that it does not declare.
   * @throws `unknown_process`, `replay_conflict`, `invalid_payload`; `invalid_argument`, also for one name too many.
   */
  signal: SendSignal;
  /** Waits by polling alone: 25 ms, doubling up to 1 s. For a host whose changes do not reach the hub. */
  pollingAwaiter(): ProcessAwaiter;
  /** Hints that something changed. */
  readonly hub: ProcessChangeHub;
  /**
   * Follows a log: every event once, in order, without gaps, those to come included. Leaving the loop frees everything.
   * Throws `invalid_argument` at once for bad arguments, `closed` after `close()`; `next()` rejects with `unknown_process` or `closed`.
   */
  events(processId: string, options?: EventsOptions): AsyncIterableIterator<ProcessEvent>;
  /**
   * Reads a stream that a run opens with `RunContext.stream`, in any tab: from `startIndex` on, what is there and what is to come. It may
   * be asked for before the stream is opened, and before the process begins. It ends when the stream is closed, or when the process has ended and all was
   * read. Each iteration begins at `startIndex`; leaving the loop frees everything.
   * Throws `invalid_argument` at once for bad arguments, `closed` after `close()`; `next()` rejects with `unknown_process`, also where the process is
   * removed in the meantime, `closed`, faults of the storage, such as `storage_failed` for a row that cannot be read, or the signal's reason.
   */
  readStream<C extends JsonLike = Json>(processId: string, name: string, options?: ReadStreamOptions): StreamReader<C>;
  /**
   * Calls `listener` with the id of each process that changes, as a hint to look again: soon after the change, and once for
   * several changes made together. Returns the function that ends it. A listener that throws is reported through `reportError`.
   * Changes that other tabs make in the moment of a trap (see the code `internal`) may go unheard.
   */
  onChange(listener: (processId: string) => void): () => void;
  /**
   * Calls `listener` with each wait of this registry that was woken and then got its answer, which may be that it rejects. Not with one that finds its answer at its first look, that
   * ends by its limit or its signal, or that hears no hub (`pollingAwaiter`). Returns the function that ends it. For tools: while there is no
   * listener, it costs nothing. A listener that throws is reported through `reportError`.
   */
  onWake(listener: (woken: WokenWait) => void): () => void;
  /**
   * What a scope sees, for code that is not to be trusted with more: the processes that are granted to it, and nothing of
   * any other. Throws `invalid_argument` at once for a bad scope, `closed` after `close()`.
   */
  session(scope: SessionScope): SessionView;
  /**
   * A driver, which is idle until `start()` or a sweep: where one that could run a process registered here is neither started nor
   * sweeps, and no driver holds that process after 5 s, `console.warn` says so once. Throws `invalid_argument` at once for bad options, `closed` after `close()`.
   */
  driver(options: DriverOptions<JsonLike>): ProcessWorkDriver;
  /**
   * Stops every driver, ends every wait with `closed` and lets go of the database. Repeating it is fine. Everything after it rejects with `closed`.
   * `await using` calls it. Until then the registry is open, whether or not anything refers to it.
   */
  close(): Promise<void>;
}

/** What runs the processes of a kind, in one version of it: what `Definition.implement` gives, or an object of your own. `R` is what it gives. */
export interface Implementation<R = Json> {
  readonly kind: string;
  /** A whole number. */
  readonly version?: number;
  /** As in {@link DriverOptions.runners}. */
  readonly run: (context: RunContext) => Promise<R | void> | R | void;
}

/** How a driver works, and what it runs processes with. `R` is what runners give. */
export interface DriverOptions<R = Json> {
  /**
   * A plain object, by kind (`identity.kind`): what runs a process of it. What it returns is the result (`undefined` counts as
   * `null`); what it throws is the failure, with the `class`, `code` and `message` of the error where it has them (a number as
   * `code` becomes text; class `timeout` for a `TimeoutError`). Its `raw` keeps the error's `name`, `message`, `code`, `stack`,
   * `cause`, `errors` and own fields as far as they are JSON, 64 thousand characters at most. After a crash it is run again
   * unless the registration says `recovery: "abandon"`, so what it does outside of its steps may be done more than once.
   *
   * Trouble of longwait itself never ends a process: where a runner throws an error that longwait raised (`quota_exceeded`,
   * `storage_…`, `disconnected`, `closed`, `internal`, or `lease_lost` and `conflict` about its own process), as it is or as a
   * `cause` or one of `errors`, only the attempt ends. The fault is reported, and the process is begun again elsewhere, or here
   * after a pause: 1 s, doubling up to a minute.
   *
   * A started driver that sees a process of a kind without a runner wait for 5 s, held by no driver, says so with
   * `console.warn`, once for each kind.
   */
  runners?: { [kind: string]: (context: RunContext) => Promise<R | void> | R | void };
  /** Implementations, by kind and version: each begins processes of its version, and one without a version those without. */
  processes?: Implementation<R>[];
  /**
   * Says whether the host is online, for processes that require the network. `subscribe` is given what to call when that changes; where something waits
   * for the network, `isOnline` is also called now and then. One that throws counts as online. Default: `navigator.onLine` and its events.
   */
  onlineDetector?: { isOnline(): boolean; subscribe(listener: () => void): () => void };
  /** A host that runs the work itself. Sweeps call it, and no runners; what it throws then is passed on as it is. */
  runHandle?: { claimAndRunPending(reason: string): Promise<void> };
  /** An engine that owns the waits for processes that have not ended. Its errors are the answer: nothing falls back to polling. */
  attach?: { awaitTerminal(processId: string, options: WaitOptions): Promise<ProcessAwaitOutput> };
  /**
   * How long a lease lasts without a renewal, in milliseconds. Default 30,000; at least three times `renewEveryMs`. Where more than 512
   * processes run at once, waits and sleeps included, longer in proportion, and renewed as much less often.
   */
  leaseTtlMs?: number;
  /** How often leases are renewed, in milliseconds. Default 10,000. */
  renewEveryMs?: number;
  /** How many processes run at once. Those that wait for another one or for a signal do not count. Default 64. */
  concurrency?: number;
  /**
   * Is called with what a runner threw, or with a ProcessError for what it returned and is not JSON, before the process is
   * ended with it. Not for what ends it as cancelled, nor for trouble of longwait itself, which goes to `reportError`.
   * Default: `console.error`, with the stack.
   */
  onRunError?: (error: unknown, process: ProcessRecord) => void;
}

/**
 * What a runner is given. All that it writes is written under the lease of its run: once that is lost, it is refused with
 * `lease_lost`, and so is everything after the runner has returned.
 */
export interface RunContext {
  /** The process as it was when it was claimed. */
  readonly process: ProcessRecord;
  /**
   * Aborted when the end of the process is asked for (the reason is an `AbortError` with what was given as its message), and
   * when the run is over before the runner is: `lease_lost`, also when the driver is stopped; `already_terminal`,
   * `unknown_process`, `closed`. Hand it on to whatever can be aborted. After a cancel request the run still holds its lease:
   * a runner that throws the `AbortError` ends as cancelled, and a runner may also ignore the signal. Where the request came before this
   * run, the signal is aborted in a later turn: after the runner was called and the steps and waits that it repeats from
   * earlier runs have been given, so that it may listen by then. It is never aborted once the runner has returned.
   */
  readonly signal: AbortSignal;
  /** 1 for the first run of the process, higher after a crash or a hand-over. */
  readonly attempt: number;
  /**
   * Rises with every run of the process: for systems outside that can refuse a caller with a lower one. Always there;
   * optional only so that a context of your own making, for a test, need not have it.
   */
  readonly fencingToken?: number;
  /** An attachment of the process, as by `ProcessRegistry.getAttachment`. */
  attachment(name: string): Promise<Blob | undefined>;
  /**
   * Attaches a value to the process, only while the run holds its lease; see `ProcessRegistry.putAttachment`.
   * @throws `lease_lost`, and as there.
   */
  putAttachment(name: string, value: AttachmentValue): Promise<AttachmentInfo>;
  /**
   * Starts a child: a process that ends with this one, unless `onParentEnd` is `"abandon"`. Its id is `<id of this process>/<key>` where
   * the registration has none, so a later run finds what an earlier one started. While the run awaits the handle's `result()`, it has
   * given up its permit.
   * @throws As `ProcessRegistry.registerProcess`; `lease_lost`.
   */
  startChild(registration: ChildRegistration, options: ChildOptions): Promise<ProcessHandle>;
  /**
   * Appends an event to the process.
   * @throws As `ProcessRegistry.appendEvent`; `lease_lost`.
   */
  append<P extends JsonLike = Json>(request: AppendRequest<P> & AppendRequest<Compatible<P>>): Promise<AppendResult>;
  /**
   * Replaces `state` in the record of the process: what pages that show the process need, as JSON. It is no event, and a later run
   * does not get it. It is part of a row that every append writes, so keep it small. Calls made while one is being written are
   * merged: the last one is written, and all of them resolve with that. What was set is written before the end of the process.
   * @throws `invalid_argument` for what is not JSON, with its path; `lease_lost`; `quota_exceeded` and other faults of the storage.
   */
  setState<S extends JsonLike = Json>(state: S & Compatible<S>): Promise<void>;
  /**
   * Replaces `progress` in the record of the process: `current` of `total`, in units of your own, with a message for people. Merged and
   * written like a state, apart from it.
   * @throws As `setState`; `invalid_argument` for a number that is not finite.
   */
  progress(current: number, total?: number, message?: string): Promise<void>;
  /**
   * Replaces `runTraceContext` in the record of the process: where in a distributed trace this run is, so that a later run can link to it.
   * Merged and written like a state, apart from it.
   * @throws As `setState`; `invalid_argument` for what is no trace context, with the path.
   */
  setTraceContext(traceContext: TraceContext): Promise<void>;
  /**
   * Runs `run` once for each process and key, and keeps its value: another run gets the value instead of calling it. The value
   * is JSON, or `undefined`; it comes back as a plain copy. A crash between the work and its record on disk
   * repeats the work. A step that throws is not recorded, and may be tried again under its key; any other second use of a
   * key in one run is refused, also inside of the step itself, as it could only give the value of the first.
   * @throws What `run` throws; `invalid_argument` for a blank key, one that is used a second time, or a value that is not
   * JSON; `lease_lost`.
   *
   * With `retry`, a failed attempt is an event `process.step_failed` `{ key, attempt, error, retryAtMs? }`, and another one is made when the
   * policy says so, and where the process requires the network not without that. The count and the time outlast the run. Between attempts the run has given up its permit, and the record's `wait` is
   * `{ kind: "retry", step: key, untilMs, attempt, sinceMs }`. What the last attempt throws is recorded as how the step came out: it is
   * thrown here, and by every later run an error of that name, message, code and fields. What is thrown once `signal` of the run is
   * aborted is neither retried nor recorded, nor is trouble of longwait itself, such as a full disk.
   * With `timeoutMs`, an attempt that takes longer fails with a `TimeoutError`, and its signal is aborted with that.
   * @throws What `run` throws; `invalid_argument` for options that make no sense, before anything runs, and for a call that the function
   * of another step makes before it has returned.
   */
  step<T extends JsonLike | void>(key: string, run: (step: StepContext) => Promise<T> | T, options?: StepOptions): Promise<T>;
  /**
   * Opens a stream for output that is too fine for the log: tokens, lines, samples. Its chunks are no events, and no change of the
   * process: they cost its waiters nothing. `ProcessRegistry.readStream` reads them in any tab, while they are written. Indexes go
   * on over all attempts. The chunks are removed with the process; a fork has none of them.
   * @throws `invalid_argument` for a blank name, one that this run has opened before, or options that make no sense; `lease_lost`; faults of the
   * storage.
   */
  stream<C extends JsonLike = Json>(name: string, options?: StreamOptions): Promise<StreamWriter<C>>;
  /**
   * Waits for `ms` milliseconds, counted from when a run of this process first called it under this key: the time at which it is over is
   * recorded once, in an event `process.timer` `{ key, dueAtMs }`, and a later run waits for what is left. Of any length. While it is
   * pending, the record's `wait` is `{ kind: "timer", key, untilMs, sinceMs }`, and the run has given up its permit. It takes part in
   * races like a wait for a signal: the winner is the same in every run. Timers have keys of their own, apart from those of steps.
   * @throws `invalid_argument` for a blank key, one that is used a second time in a run, or a time that is negative or not finite; the
   * reason of the run's `signal`; `lease_lost`.
   */
  sleep(key: string, ms: number): Promise<void>;
  /** Like `sleep`, until a `Date` or a time in epoch milliseconds. The first run decides which; one that has passed is no wait. */
  sleepUntil(key: string, time: number | Date): Promise<void>;
  /**
   * The next signal of that name: the nth wait gets the nth signal in the log, whether it came before or after. Of several
   * names, the first signal of any of them in the order of the log. What a wait took is recorded, and every later run gives
   * it the same signal. Waits of one run resolve one at a time, each in an event loop turn of its own:
   * so waits that lose a race can be aborted, and a wait that is aborted or times out has taken nothing, in this run and
   * in every later one. While a wait is pending, the record's `wait` names it, and the run has given up its permit.
   * @throws `invalid_argument` for no name, more than 256, or one that is not of ASCII letters, digits, `_` and `-`; `timeout`, then in
   * every later run too: `timeoutMs` counts from when this wait first began, in whatever run that was; the reason of either signal;
   * `lease_lost`.
   */
  waitForSignal<P extends JsonLike = Json>(name: string | readonly string[], options?: WaitOptions): Promise<ProcessEvent<P>>;
  /**
   * The result of another process. While the wait is pending, the run has given up its permit, and the record's `wait` is
   * `{ kind: "process", processId, sinceMs }`: of several such waits, one of them. `timeoutMs` counts from when this wait first began, in
   * whatever run that was. In a race with signals the
   * winner is recorded, and later runs repeat it; which of several processes ended first is not recorded: do that in a step.
   * @throws As `ProcessAwaiter.awaitTerminal`; `timeout`, then in every later run too; the reason of `signal`;
   * `invalid_argument` for the process of this run itself, and, as far as the driver of this run knows, where every
   * process would wait for the other.
   */
  awaitTerminal(processId: string, options?: WaitOptions): Promise<ProcessAwaitOutput>;
}

/** One attempt of a step. */
export interface StepContext {
  /** Aborted with that of the run, and when `timeoutMs` of the step passes: with a `TimeoutError` then. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt; counted over all runs of the process. */
  readonly attempt: number;
  /** `<id of the process>/<key of the step>`: the same for every attempt in every run. For systems outside that do a thing once. */
  readonly idempotencyKey: string;
}

/** How a step is tried. */
export interface StepOptions {
  /**
   * Has what throws be tried again. Where the error is neither a `NonRetryableError` nor a `RetryableError`, `shouldRetry` says
   * whether; default: it is.
   */
  retry?: RetryPolicy & { shouldRetry?: (error: unknown) => boolean };
  /** The longest that one attempt may take, in milliseconds. Default: without limit. */
  timeoutMs?: number;
}

/** What a child is registered with. */
export type ChildRegistration = Omit<ProcessRegistration, "id" | "parentId" | "onParentEnd"> & { id?: string };

/** How a child is started. */
export interface ChildOptions {
  /** Non-blank; tells the child from others of the same parent. */
  key: string;
  /** What becomes of it when its parent ends in any way: it is asked to stop (the default), or nothing. */
  onParentEnd?: "cancel" | "abandon";
}

/** One process, without its id at each call. */
export interface ProcessHandle<O = Json> {
  readonly id: string;
  /** Whether it was made by the call that gave this handle, was there, or was made and waits for others of its concurrency key. */
  readonly disposition: "created" | "existing" | "queued";
  /**
   * What the process gave, once it has ended.
   * @throws ProcessFailedError; ProcessCancelledError; ProcessError as `ProcessAwaiter.awaitTerminal`.
   */
  result(options?: WaitOptions): Promise<O>;
  /** As `ProcessRegistry.signal`. */
  signal(name: string, payload?: unknown, options?: { signalId?: string }): Promise<AppendResult>;
  /** Asks for its end, as `ProcessRegistry.requestCancel`. */
  cancel(reason?: string): Promise<void>;
  /** The process as it is now. @throws ProcessError `unknown_process`. */
  record(): Promise<ProcessRecord>;
  /** Its log, as `ProcessRegistry.events`. */
  events(options?: EventsOptions): AsyncIterableIterator<ProcessEvent>;
}

/**
 * What a sweep did. Each process stands in one list, by its id and in id order; one that it ended without a run (cancelled before
 * its first, or `recovery: "abandon"`) in none.
 */
export interface DriveReport {
  /** What it began to run. */
  started: string[];
  /** What is being run already, here or elsewhere. */
  busy: string[];
  /** What there is no runner for. Processes with an `external` input are in no list: no driver runs them. */
  unhandled: string[];
  /** What could not be claimed, and what failed to be written at the end of a run since the last sweep. It is tried again. */
  failed: { processId: string; code: string; message: string }[];
}

/** Runs processes. Several of them, in any tabs and workers, share the work: each process is run by one at a time. */
export interface ProcessWorkDriver extends AsyncDisposable {
  readonly registry: ProcessRegistry;
  /**
   * One sweep: begins to run each process that can be run here and is not being run. Resolves once each is claimed or known to be
   * another's; `idle()` says when they have ended. With as many running as may at once, it waits for one to end.
   * `reason` is for `runHandle` alone; default `"manual"`. With that, the report is empty.
   * @throws `closed`, or what kept the processes from being listed; with `runHandle`, what that throws, as it is.
   */
  claimAndRunPending(reason?: string): Promise<DriveReport>;
  /**
   * Keeps driving until `stop()` or the registry's `close()`, whether or not anything refers to the driver: what is registered in any
   * tab, what a tab that dies or stops leaves behind, what a lease that ends sets free.
   * Failures of single drives are reported through `reportError`, and in the next report. Repeating it is fine.
   */
  start(): void;
  /**
   * Hands back all that it runs, and begins nothing more. Runners are aborted with `lease_lost`; another driver goes on
   * with their processes at once. Ends neither processes nor waits. `await using` and `registry.close()` call it.
   */
  stop(): Promise<void>;
  /**
   * Resolves when nothing is running that this driver claimed.
   * @throws `invalid_argument` inside a run of this driver, as it would wait for that run. This is known while the runner or a step is
   * on the stack, and right behind the promises that longwait gave it; elsewhere in a run it waits for ever.
   */
  idle(): Promise<void>;
  /** Appends an event `signal.<name>`; see `SessionView.signal`. */
  signal: SendSignal;
  /** As `ProcessAwaiter.awaitTerminal`; with `attach`, that waits for what has not ended. */
  awaitTerminal(processId: string, options?: WaitOptions): Promise<ProcessAwaitOutput>;
  /** As `ProcessAwaiter.awaitEvent`. */
  awaitEvent(processId: string, eventType: string, afterSequence?: number, options?: WaitOptions): Promise<ProcessEvent>;
}

/**
 * A registry as a scope sees it. A process that is not granted to this very scope reads as unknown, as if it did not exist;
 * whether it is granted is looked up in the same transaction as the read or the append. A scope with a frame sees what is
 * granted to that frame alone, one without what is granted to the session itself.
 */
export interface SessionView {
  readonly scope: SessionScope;
  /** The handles of the scope whose processes fit, in id order. Default: all that run. */
  list<F extends JsonLike = Json>(filter?: ListFilter<F> & ListFilter<Compatible<F>>): Promise<HandleEntry[]>;
  /** The record, or `undefined` when the process is unknown to the scope. */
  get(processId: string): Promise<ProcessRecord | undefined>;
  /** As `ProcessAwaiter.awaitTerminal`. A handle that is revoked ends the wait with `unknown_process` when it looks next. */
  awaitTerminal: ProcessAwaiter["awaitTerminal"];
  /** As `ProcessAwaiter.awaitEvent`. A handle that is revoked ends the wait with `unknown_process` when it looks next. */
  awaitEvent: ProcessAwaiter["awaitEvent"];
  /**
   * Events with a higher sequence than `afterSequence` (0: from the first), ascending.
   * @throws `unknown_process`.
   */
  eventsAfter(processId: string, afterSequence: number, query?: EventQuery): Promise<ProcessEvent[]>;
  /**
   * Appends an event `signal.<name>`, which every process takes without declaring it; one that is declared is held to its
   * schema. `name` is of ASCII letters, digits, `_` and `-`; the payload defaults to `null`. Under a `signalId` the
   * same signal again is the same event. A process takes signals of 256 names that it does not declare.
   * @throws `unknown_process`, `replay_conflict`, `invalid_payload`.
   */
  signal: SendSignal;
  /**
   * Asks for the end of the process, as `ProcessRegistry.requestCancel`.
   * @throws `unknown_process`.
   */
  requestCancel(processId: string, reason?: string): Promise<AppendResult>;
}

/** Sends a signal; the payload defaults to `null`. */
export interface SendSignal {
  (processId: string, name: string, payload?: Json, options?: { signalId?: string }): Promise<AppendResult>;
  <P extends JsonLike>(processId: string, name: string, payload: P & Compatible<P>, options?: { signalId?: string }): Promise<AppendResult>;
}

/** Waits for processes. Many waits are cheap, and ending one never touches the process. */
export interface ProcessAwaiter {
  /**
   * The result of the process, when it has one.
   * @throws `unknown_process` (also when it is pruned during the wait), `timeout`, `closed`, or the signal's reason.
   */
  awaitTerminal(processId: string, options?: WaitOptions): Promise<ProcessAwaitOutput>;
  /**
   * The first event of that type after `afterSequence` (default 0). With `untilTerminal` it gives up with
   * `process_terminal` when the process ends first; without, it goes on, since late events are allowed.
   * @throws `unknown_process`, `process_terminal`, `timeout`, `closed`, or the signal's reason.
   */
  awaitEvent(
    processId: string,
    eventType: string,
    afterSequence?: number,
    options?: WaitOptions & { untilTerminal?: boolean },
  ): Promise<ProcessEvent>;
}

/** Tells waiters to look again. It carries no state: subscribe, then read, then wait. */
export interface ProcessChangeHub {
  /** Starts to listen for changes of one process; no such process need exist. */
  subscribe(processId: string): ChangeReceiver;
  /** Wakes the waiters for this process in this registry, as a change would. */
  notify(processId: string): void;
  /** The number of processes with a receiver; 0 after `close()`. */
  readonly trackedProcesses: number;
}

/** Hears of the changes of one process. A change before `changed()` is called is not lost; several may count as one. */
export interface ChangeReceiver extends Disposable {
  /**
   * Resolves at the next change, or at once when one was not yet seen.
   * @throws `closed`.
   */
  changed(): Promise<void>;
  /** Stops listening; a pending `changed()` rejects with `closed`. `using` calls it. */
  close(): void;
}
