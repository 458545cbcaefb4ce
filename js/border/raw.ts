/**
 * What the wasm exports, typed by hand: the generated declarations know promises of `any` alone.
 * Private. Every argument has been checked before it gets here; see check.ts and border/.
 */
import { reportError } from "../platform/report.js";
import type { ProcessErrorCode } from "../types/errors.js";
import type { Instance } from "./instance.js";
import { afterwards } from "../platform/intrinsics.js";
import type { RawAttachment } from "./attachments.js";
import { entered, type EnteredEngine } from "./entered.js";
import type { RemoteEngine } from "./remote.js";
import type { CompileSchema } from "../schema/validator.js";
import { untilAborted, type Until } from "./stop.js";
import type {
  AppendResult,
  AttachmentInfo,
  DriveReport,
  HandleEntry,
  HandleGrant,
  Json,
  LeaseClaim,
  ProcessAwaitOutput,
  ProcessEvent,
  ProcessEventSink,
  ProcessHandle,
  ProcessLease,
  ProcessRecord,
  ProcessRegistry,
  RunContext,
  SessionDeleteReport,
  StreamChunk,
  StreamInfo,
  WokenWait,
} from "../types/public.js";

/** What the wasm asks of JavaScript. */
export interface Host {
  compileSchema: CompileSchema;
  /** Resolves once schemas can be compiled. */
  loadValidator(): Promise<void>;
  /** Reports an error that no call rejects with. A fault of the wasm's own comes as one does, see {@link Instance.errorOf}. */
  reportError(error: unknown): void;
  /** Warns the page's author. */
  warn(message: string): void;
}

/** What the export of a process begins with, from one moment. */
export interface ExportHead {
  /** The line of the process, which JavaScript passes on as it is. */
  process: { lastSequence: number; life?: number };
  streams: StreamInfo[];
  attachments: AttachmentInfo[];
  /** The sequences of the events whose wakes are not acknowledged, ascending. */
  unacked: number[];
  hasEnded: boolean;
}

/** An event as an export has it. */
export interface ExportedEvent extends Omit<ProcessEvent, "processId"> {
  /** Its wake was acknowledged. */
  acked?: true;
}

/** A row of chunks as an export has it. */
export interface ExportedChunks {
  stream: string;
  first: number;
  attempt: number;
  values: Json[];
}

/** A process as lines have it, each checked by its shape. */
export interface Exported {
  process: Json;
  events: Json[];
  streams: Json[];
  chunks: Json[];
}

/** A driver of the wasm. */
export interface RawDriver {
  start(): void;
  sweep(): Promise<DriveReport>;
  stop(): Promise<void>;
  idle(): Promise<void>;
  /** Looks again at what waits for the network. */
  lookAgain(): void;
}

/** What came of a step, or of an attempt: a value or none, or with `output` a failure. */
export interface StepEnd extends Partial<RunEnd> {
  value?: Json | undefined;
}

/** Runs a process of a kind; resolves with what came of it, or rejects with trouble of longwait itself. */
export type RunProcess = (kind: string, run: RawRun) => Promise<RunEnd>;

/** How a run ends its process; and where its runner threw, what that says of another attempt. */
export interface RunEnd {
  output: ProcessAwaitOutput;
  advice?: "policy" | "again" | "never";
  /** With `"again"`: in how many milliseconds. */
  retryAfterMs?: number;
}

/** What a driver has a runner for: processes of a kind, of any version or of one, which may be none. */
export interface Work {
  kind: string;
  anyVersion: boolean;
  version?: number;
}

/** Waits for a process in another system; resolves with how it ends. */
export type Attach = ((id: string) => Promise<ProcessAwaitOutput>) | undefined;

/** What a registration answers. */
export interface Registered {
  record: ProcessRecord;
  disposition: ProcessHandle["disposition"];
}

/** One run of a process. */
export interface RawRun {
  facts(): Pick<RunContext, "process" | "attempt" | "fencingToken">;
  /** Calls `tell` once, when the runner is to stop: without a code where a cancel request is the reason. */
  onAbort(tell: (code?: ProcessErrorCode, message?: string) => void): void;
  append(request: Json): Promise<AppendResult>;
  putAttachment(attachment: RawAttachment): Promise<AttachmentInfo>;
  startChild(registration: Json, attachments: readonly RawAttachment[]): Promise<Registered>;
  setState(state: Json): Promise<void>;
  progress(current: number, total: number | undefined, message: string | undefined): Promise<void>;
  setTraceContext(traceContext: Json): Promise<void>;
  /** Resolves with what came of the step, in this run or in an earlier one. `work` is called for each attempt, and resolves with what came of that. */
  step(key: string, retry: Json | undefined, work: (attempt: number, idempotencyKey: string) => Promise<StepEnd>): Promise<StepEnd>;
  /** Resolves with the index of the next chunk. */
  openStream(name: string, resume: boolean, untilTerminal: boolean): Promise<number>;
  /** Resolves with the index of the chunk, once it is accepted. */
  appendChunk(name: string, chunk: Json): Promise<number>;
  /** Resolves once all that was appended is committed; where it `closes`, also that nothing follows. */
  flushStream(name: string, closes: boolean): Promise<void>;
  sleep(key: string, ms: number): Promise<void>;
  sleepUntil(key: string, epochMs: number): Promise<void>;
  waitForSignal(signal: Signal, timeoutMs: number | undefined, names: string[]): Promise<ProcessEvent<never>>;
  awaitTerminal(signal: Signal, timeoutMs: number | undefined, attach: Attach, id: string): Promise<ProcessAwaitOutput>;
  /** Runs `work` while something else may run in this one's place. It resolves with nothing. */
  rest(work: () => Promise<undefined>): Promise<void>;
  /** Says that the runner was called. */
  began(): void;
  /** Calls `work` once after a span, unless what is given back was called before. */
  timer(work: () => void, spanMs: number): () => void;
  free(): void;
}

/** A run as the wasm has it. */
export interface WasmRun extends Omit<RawRun, "waitForSignal" | "awaitTerminal" | "timer"> {
  waitForSignal(until: Until, timeoutMs: number | undefined, names: string[]): ReturnType<RawRun["waitForSignal"]>;
  awaitTerminal(until: Until, timeoutMs: number | undefined, attach: Attach, id: string): ReturnType<RawRun["awaitTerminal"]>;
}

/** A registry of the wasm: one export for each method, under its name; those on behalf of a scope begin with `session`. */
export interface WasmRegistry extends Pick<RawRegistry, "subscribe" | "notify" | "trackedProcesses" | "close">, WasmMethods, Freed {
  facts(): RawRegistry["facts"];
  readStream(id: string, name: string): WasmChunks;
  /** Calls `listener` from inside the wasm at each change. Gives the handle to take it off by. */
  onChange(listener: (id: string) => void): number;
  offChange(handle: number): void;
  /** As `onChange`, with what woke each wait. */
  onWake(listener: (woken: WokenWait) => void): number;
  offWake(handle: number): void;
  awaitTerminal(hubBacked: boolean, until: Until, timeoutMs: Span, attach: Attach, id: string): ReturnType<RawWaits["awaitTerminal"]>;
  awaitEvent(
    hubBacked: boolean,
    until: Until,
    timeoutMs: Span,
    ...given: Parameters<RawWaits["awaitEvent"]>
  ): ReturnType<RawWaits["awaitEvent"]>;
  awaitEvents(until: Until, ...given: Parameters<RawWaits["awaitEvents"]>): ReturnType<RawWaits["awaitEvents"]>;
  ownerGone(until: Until, timeoutMs: Span, owner: Json): ReturnType<RawWaits["ownerGone"]>;
  sessionAwaitTerminal(scope: Json, until: Until, timeoutMs: Span, id: string): ReturnType<RawWaits["awaitTerminal"]>;
  sessionAwaitEvent(
    scope: Json,
    until: Until,
    timeoutMs: Span,
    ...given: Parameters<RawWaits["awaitEvent"]>
  ): ReturnType<RawWaits["awaitEvent"]>;
  driver(
    works: Work[],
    run: (kind: string, run: WasmRun) => Promise<RunEnd>,
    isOffline: () => boolean,
    leaseTtlMs: number,
    renewEveryMs: number,
    concurrency: number,
  ): RawDriver & Freed;
}

type Span = number | undefined;

/** A reader of a stream as the wasm has it. */
export interface WasmChunks extends Freed {
  next(until: Until, from: number): ReturnType<RawChunks["next"]>;
}

/** The methods of a registry, and those that a scope has, by the names of their exports. */
type WasmMethods = RawMethods & {
  [M in keyof RawView as `session${Capitalize<M>}`]: (scope: Json, ...given: Parameters<RawView[M]>) => ReturnType<RawView[M]>;
};

/** An object of the wasm: what it has there is let go of by `free()`, which is called once, and last. */
interface Freed {
  free(): void;
}

/** What the wasm exports to open registries. */
export interface RawOpener {
  /** `memory`: not on IndexedDB; `orMemory`: nor where there is none. */
  open(
    memory: boolean,
    orMemory: boolean,
    name: string,
    strict: boolean,
    ownerId: string | undefined,
    incarnationId: string | undefined,
    sink: ProcessEventSink | undefined,
    onCorruption: (error: unknown) => void,
    onDeleted: () => void,
    retention: Json,
  ): Promise<WasmRegistry>;
  openRemote(
    engine: EnteredEngine,
    name: string,
    ownerId: string | undefined,
    incarnationId: string | undefined,
    sink: ProcessEventSink | undefined,
    onCorruption: (error: unknown) => void,
    retention: Json,
  ): WasmRegistry;
}

/** A registry that is open on an instance, with its drivers. */
export interface Opened {
  readonly instance: Instance;
  readonly wasm: WasmRegistry;
  readonly drivers: Freed[];
  /** How long leases last at least, where the store asks for that. */
  readonly minLeaseMs?: number;
}

/** Opens a registry on an instance. */
export async function openRaw(
  instance: Instance,
  ...[memory, orMemory, name, strict, ownerId, incarnationId, sink, onCorruption, onDeleted, retention]: Parameters<RawOpener["open"]>
): Promise<Opened> {
  const { Registry } = instance.glue;
  const deleted = outside(onDeleted);
  const wasm: WasmRegistry = await instance.owed(() =>
    Registry.open(
      memory,
      orMemory,
      name,
      strict,
      ownerId,
      incarnationId,
      sink && outside(sink),
      telling(instance, onCorruption),
      () => void deleted().catch(reportError),
      retention,
    ),
  );
  return { instance, wasm, drivers: [] };
}

/** Opens a registry on a remote store, on an instance. */
export function openRawRemote(
  instance: Instance,
  engine: RemoteEngine,
  ...[name, ownerId, incarnationId, sink, onCorruption, retention]: Tail<Parameters<RawOpener["openRemote"]>>
): Opened {
  const { Registry } = instance.glue;
  const wasm = instance.now(() =>
    Registry.openRemote(
      entered(engine, instance),
      name,
      ownerId,
      incarnationId,
      sink && outside(sink),
      telling(instance, onCorruption),
      retention,
    ),
  );
  return { instance, wasm, drivers: [], minLeaseMs: engine.minLeaseMs ?? 0 };
}

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

/** What the wasm calls with what cannot be read. */
function telling(instance: Instance, onCorruption: (error: unknown) => void): (given: unknown) => void {
  const tell = outside((given: unknown) => onCorruption(instance.errorOf(given)));
  return (given) => void tell(given).catch(reportError);
}

/** Frees what the WebAssembly has of a registry that is closed: it is not left to the collector. */
export function freed({ instance, wasm, drivers }: Opened): void {
  if (instance.isDead()) return;
  for (let index = 0; index < drivers.length; index++) drivers[index]?.free();
  wasm.free();
}

/** `call`, but later, where no frame of the wasm lies below: what code of the user's throws, or lists as its stack, would lead into it. */
export function outside<G extends unknown[], A>(call: (...given: G) => A | Promise<A>): (...given: G) => Promise<A> {
  return async (...given) => {
    await undefined;
    return call(...given);
  };
}

/** `outside` of a function that may be absent. */
export const outsideIfAny = (attach: Attach): Attach => attach && outside(attach);

/** What runs processes, as the WebAssembly calls it. */
export function runs(instance: Instance, run: RunProcess) {
  return outside((kind: string, of: WasmRun) => run(kind, rawRun(instance, of)));
}

function rawRun(instance: Instance, wasm: WasmRun): RawRun {
  let letGo = () => {};
  return {
    facts: () => instance.now(() => wasm.facts()),
    onAbort(tell) {
      letGo = instance.enter(({ message }) => tell("lease_lost", message), wasm);
      instance.now(() => wasm.onAbort((code, message) => afterwards(() => tell(code, message))));
    },
    append: (request) => instance.owed(() => wasm.append(request)),
    putAttachment: (attachment) => instance.owed(() => wasm.putAttachment(attachment)),
    startChild: (registration, attachments) => instance.owed(() => wasm.startChild(registration, attachments)),
    setState: (state) => instance.owed(() => wasm.setState(state)),
    progress: (current, total, message) => instance.owed(() => wasm.progress(current, total, message)),
    setTraceContext: (traceContext) => instance.owed(() => wasm.setTraceContext(traceContext)),
    step: (key, retry, work) => instance.owed(() => wasm.step(key, retry, outside(work))),
    openStream: (name, resume, untilTerminal) => instance.owed(() => wasm.openStream(name, resume, untilTerminal)),
    appendChunk: (name, chunk) => instance.owed(() => wasm.appendChunk(name, chunk)),
    flushStream: (name, closes) => instance.owed(() => wasm.flushStream(name, closes)),
    sleep: (key, ms) => instance.owed(() => wasm.sleep(key, ms)),
    sleepUntil: (key, epochMs) => instance.owed(() => wasm.sleepUntil(key, epochMs)),
    waitForSignal: (signal, timeoutMs, names) =>
      untilAborted(signal, (until) => instance.owed(() => wasm.waitForSignal(until, timeoutMs, names))),
    awaitTerminal: (signal, timeoutMs, attach, id) =>
      untilAborted(signal, (until) => instance.owed(() => wasm.awaitTerminal(until, timeoutMs, outsideIfAny(attach), id))),
    rest: (work) => instance.owed(() => wasm.rest(outside(work))),
    began: () => instance.isDead() || wasm.began(),
    timer: (work, spanMs) => instance.timer(work, spanMs),
    free() {
      letGo();
      if (!instance.isDead()) wasm.free();
    },
  };
}

export interface RawReceiver {
  changed(): Promise<void>;
  close(): void;
}

/** A reader of a stream, whatever instance its registry is open on. */
export interface RawChunks {
  /** The chunks from an index on: at least one, or none and `done`. One call at a time. */
  next(from: number, signal: Signal): Promise<{ chunks: StreamChunk<Json>[]; done: boolean }>;
  close(): void;
}

type Signal = AbortSignal | undefined;

/** The methods of a registry. */
export interface RawMethods {
  registerProcess(registration: Json, attachments: readonly RawAttachment[]): Promise<Registered>;
  registerProcesses(processes: readonly [registration: Json, attachments: readonly RawAttachment[]][]): Promise<ProcessRecord[]>;
  getProcess(id: string): Promise<ProcessRecord | undefined>;
  listProcesses(filter: Json, page: Json): Promise<ProcessRecord[]>;
  countProcesses(filter: Json): Promise<number>;
  listNonTerminal(page: Json): Promise<ProcessRecord[]>;
  changedSince(cursor?: string, limit?: number): ReturnType<ProcessRegistry["changedSince"]>;
  setExternalRef(id: string, ref: Json): Promise<ProcessRecord>;
  setProcessWait(id: string, wait: Json): Promise<ProcessRecord>;
  clearProcessWait(id: string): Promise<ProcessRecord>;
  completeProcess(id: string, output: Json): Promise<ProcessRecord>;
  completeProcessWithLease(lease: Json, output: Json): Promise<ProcessRecord>;
  requestCancel(id: string, reason?: string): Promise<AppendResult>;
  pauseProcess(id: string, reason?: string): Promise<ProcessRecord>;
  resumeProcess(id: string): Promise<ProcessRecord>;
  deleteProcess(id: string, force: boolean): Promise<void>;
  forkProcess(id: string, options: Json): Promise<ProcessRecord>;
  pruneTerminalProcesses(cutoffMs: number): ReturnType<ProcessRegistry["pruneTerminalProcesses"]>;

  putAttachment(id: string, attachment: RawAttachment, lease: Json | undefined): Promise<AttachmentInfo>;
  getAttachment(id: string, name: string): Promise<RawAttachment | undefined>;
  listAttachments(id: string): Promise<AttachmentInfo[]>;
  deleteAttachment(id: string, name: string): Promise<void>;

  listStreams(id: string): Promise<StreamInfo[]>;

  /** What the export of a process begins with; nothing where it is unknown. */
  exportHead(id: string): Promise<ExportHead | undefined>;
  /** The next events; nothing where that life of the id is over. */
  exportEvents(id: string, life: number | undefined, after: number): Promise<ExportedEvent[] | undefined>;
  /** The next rows of chunks; nothing where that life of the id is over. */
  exportChunks(id: string, life: number | undefined, name: string, from: number): Promise<ExportedChunks[] | undefined>;
  importProcess(
    exported: Exported,
    attachments: readonly RawAttachment[],
    renames: readonly (readonly [from: string, to: string])[],
  ): Promise<"imported" | "existing">;
  /** The ids that an exported process names, its own first. */
  exportedIds(exported: Exported): Promise<string[]>;

  appendEvent(id: string, request: Json): Promise<AppendResult>;
  appendEvents(id: string, requests: Json): Promise<AppendResult[]>;
  eventsAfter(id: string, after: number, query: Json): Promise<ProcessEvent[]>;
  recentEvents(id: string, limit: number): Promise<ProcessEvent[]>;
  countEventsThrough(id: string, eventType: string, upTo: number): Promise<number>;
  wakeEventsAfter(id: string, after: number): Promise<ProcessEvent[]>;
  ackWake(id: string, sequence: number): Promise<void>;
  signal(id: string, name: string, payload: Json, signalId?: string): Promise<AppendResult>;

  grantHandle(scope: Json, id: string, descriptor: Json): Promise<HandleGrant>;
  revokeHandle(scope: Json, id: string): Promise<void>;
  transferHandleGrants(from: Json, to: Json, ids: string[]): Promise<void>;
  listHandleGrants(scope: Json): Promise<HandleEntry[]>;
  listLiveHandleGrants(scope: Json): Promise<HandleEntry[]>;
  hasHandleGrant(scope: Json, id: string): Promise<boolean>;
  handleGrantsForProcess(id: string): Promise<HandleGrant[]>;
  deleteSessionProcessState(sessionId: string): Promise<SessionDeleteReport>;

  claimProcessLease(id: string, owner: Json, ttlMs: number): Promise<LeaseClaim>;
  reclaimProcessLease(id: string, owner: Json, observed: Json, ttlMs: number): Promise<LeaseClaim>;
  renewProcessLease(lease: Json, ttlMs: number): Promise<ProcessLease>;
  completeProcessLease(id: string, leaseToken: string): Promise<void>;
  getProcessLease(id: string): Promise<ProcessLease | undefined>;
}

/** What a scope may call. */
export interface RawView extends Pick<RawMethods, "getProcess" | "eventsAfter" | "requestCancel" | "signal"> {
  listProcesses(filter: Json): Promise<HandleEntry[]>;
}

export interface RawWaits {
  awaitTerminal(id: string): Promise<ProcessAwaitOutput>;
  awaitEvent(id: string, eventType: string, after: number, untilTerminal: boolean): Promise<ProcessEvent>;
  /** The next batch after the cursor: some events, or none and `done`. */
  awaitEvents(
    id: string,
    after: number,
    types: string[] | undefined,
    untilTerminal: boolean,
  ): Promise<{ events: ProcessEvent[]; done: boolean }>;
  ownerGone(owner: Json): Promise<void>;
}

/** A registry, whatever instance it is open on; see reopen.ts. */
export interface RawRegistry {
  /** What was settled when it was opened. */
  readonly facts: Pick<ProcessRegistry, "name" | "durability" | "owner">;
  /** How long leases last at least. */
  readonly minLeaseMs: number;
  /** Throws where every call rejects. */
  refuseUnlessOpen(): void;

  call<M extends keyof RawMethods>(method: M, ...given: Parameters<RawMethods[M]>): ReturnType<RawMethods[M]>;
  /** A method on behalf of a scope. */
  viewedCall<M extends keyof RawView>(scope: Json, method: M, ...given: Parameters<RawView[M]>): ReturnType<RawView[M]>;
  /** `hubBacked` false: by polling alone. */
  wait<M extends keyof RawWaits>(
    hubBacked: boolean,
    signal: Signal,
    timeoutMs: number | undefined,
    method: M,
    ...given: Parameters<RawWaits[M]>
  ): ReturnType<RawWaits[M]>;
  /** A wait on behalf of a scope. */
  viewedWait<M extends "awaitTerminal" | "awaitEvent">(
    scope: Json,
    signal: Signal,
    timeoutMs: number | undefined,
    method: M,
    ...given: Parameters<RawWaits[M]>
  ): ReturnType<RawWaits[M]>;

  /** Waits for the end of a process; of one that has not ended, as `attach` says. */
  attachedWait(signal: Signal, timeoutMs: number | undefined, attach: Attach, id: string): Promise<ProcessAwaitOutput>;

  subscribe(id: string): RawReceiver;
  readStream(id: string, name: string): RawChunks;
  notify(id: string): void;
  readonly trackedProcesses: number;
  /** Calls `listener` from inside the wasm at each change. Gives what takes it off. */
  onChange(listener: (id: string) => void): () => void;
  /** As `onChange`, with what woke each wait. */
  onWake(listener: (woken: WokenWait) => void): () => void;
  /** `isOffline` is called from inside the wasm. */
  driver(
    works: Work[],
    run: RunProcess,
    isOffline: () => boolean,
    leaseTtlMs: number,
    renewEveryMs: number,
    concurrency: number,
  ): RawDriver;
  /** Has `end` called when the registry is closed. */
  beforeClose(end: () => void): void;
  close(): Promise<void>;
}
