/**
 * What the wasm exports, typed by hand: the generated declarations know promises of `any` alone.
 * Private. Every argument has been checked before it gets here; see check.ts and border/.
 */
import { reportError } from "./call.js";
import { type ProcessErrorCode, raise } from "./errors.js";
import type { Instance } from "./instance.js";
import { afterwards, apply } from "./intrinsics.js";
import { untilAborted, type Until } from "./stop.js";
import type {
  AppendResult, DriveReport, HandleEntry, HandleGrant, Json, LeaseClaim, ProcessAwaitOutput, ProcessEvent,
  ProcessEventSink, ProcessLease, ProcessRecord, ProcessRegistry, RunContext, SessionDeleteReport,
} from "./types.js";

/** What the wasm asks of JavaScript. */
export interface Host {
  /** Throws an Error that says why where it cannot be compiled. The validator names each fault: "<JSON pointer or (root)>: <why>". */
  compileSchema(schema: Json, isNew: boolean): (payload: Json) => string[];
  /** Resolves once schemas can be compiled. */
  loadValidator(): Promise<void>;
  /** Reports an error that no call rejects with. A fault of the wasm's own comes as one does, see {@link Instance.errorOf}. */
  reportError(error: unknown): void;
  /** Warns the page's author. */
  warn(message: string): void;
}

/** A driver of the wasm. */
export interface RawDriver {
  start(): void;
  call(method: "sweep"): Promise<DriveReport>;
  call(method: "stop" | "idle"): Promise<void>;
}

/** Runs a process of a kind; resolves with how it ends, or rejects with trouble of longwait itself. */
export type RunProcess = (kind: string, run: RawRun) => Promise<ProcessAwaitOutput>;

/** Waits for a process in another system; resolves with how it ends. */
export type Attach = ((id: string) => Promise<ProcessAwaitOutput>) | undefined;

/** One run of a process. */
export interface RawRun {
  facts(): Pick<RunContext, "process" | "attempt" | "fencingToken">;
  /** Calls `tell` once, when the runner is to stop: without a code where a cancel request is the reason. */
  onAbort(tell: (code?: ProcessErrorCode, message?: string) => void): void;
  append(request: Json): Promise<AppendResult>;
  /** `work` resolves with a value, or with nothing. */
  step(key: string, work: () => Promise<Json | undefined>): Promise<Json | undefined>;
  waitForSignal(signal: Signal, timeoutMs: number | undefined, names: string[]): Promise<ProcessEvent<never>>;
  awaitTerminal(signal: Signal, timeoutMs: number | undefined, attach: Attach, id: string): Promise<ProcessAwaitOutput>;
  /** Runs `work` while something else may run in this one's place. It resolves with nothing. */
  rest(work: () => Promise<undefined>): Promise<void>;
  /** Says that the runner was called. */
  began(): void;
  free(): void;
}

/** A run as the wasm has it. */
interface WasmRun extends Omit<RawRun, "waitForSignal" | "awaitTerminal"> {
  waitForSignal(until: Until, timeoutMs: number | undefined, names: string[]): Promise<never>;
  awaitTerminal(until: Until, timeoutMs: number | undefined, attach: Attach, id: string): Promise<never>;
}

/** A registry of the wasm: one export for each method, under its name; those on behalf of a scope begin with `session`. */
export interface WasmRegistry extends Pick<RawRegistry, "facts" | "subscribe" | "notify" | "trackedProcesses" | "onChange" | "offChange" | "close">, WasmMethods, Freed {
  awaitTerminal(hubBacked: boolean, until: Until, timeoutMs: Span, attach: Attach, id: string): Promise<never>;
  awaitEvent(hubBacked: boolean, until: Until, timeoutMs: Span, ...given: Parameters<RawWaits["awaitEvent"]>): Promise<never>;
  awaitEvents(until: Until, ...given: Parameters<RawWaits["awaitEvents"]>): Promise<never>;
  ownerGone(until: Until, timeoutMs: Span, owner: Json): Promise<never>;
  sessionAwaitTerminal(scope: Json, until: Until, timeoutMs: Span, id: string): Promise<never>;
  sessionAwaitEvent(scope: Json, until: Until, timeoutMs: Span, ...given: Parameters<RawWaits["awaitEvent"]>): Promise<never>;
  driver(
    kinds: string[], run: (kind: string, run: WasmRun) => Promise<ProcessAwaitOutput>, leaseTtlMs: number, renewEveryMs: number, concurrency: number,
  ): WasmDriver & Freed;
}

type Span = number | undefined;

/** The methods of a registry, and those that a scope has, by the names of their exports. */
type WasmMethods = RawMethods & {
  [M in keyof RawView as `session${Capitalize<M>}`]: (scope: Json, ...given: Parameters<RawView[M]>) => ReturnType<RawView[M]>;
};

/** A driver as the wasm has it. */
interface WasmDriver {
  start(): void;
  sweep(): Promise<DriveReport>;
  stop(): Promise<void>;
  idle(): Promise<void>;
}

/** An object of the wasm: what it has there is let go of by `free()`, which is called once, and last. */
interface Freed {
  free(): void;
}

/** What the wasm exports to open registries. */
export interface RawOpener {
  /** `memory`: not on IndexedDB; `orMemory`: nor where there is none. */
  open(
    memory: boolean, orMemory: boolean, name: string, strict: boolean, ownerId: string | undefined, sink: ProcessEventSink | undefined,
    onCorruption: (error: unknown) => void,
  ): Promise<WasmRegistry>;
}

/** Opens a registry of an instance, which keeps it until it is closed, whether or not anything refers to it. */
export async function openRaw(instance: Instance, ...[memory, orMemory, name, strict, ownerId, sink, onCorruption]: Parameters<RawOpener["open"]>): Promise<RawRegistry> {
  const { Registry } = instance;
  const tell = outside((given: unknown) => onCorruption(instance.errorOf(given)));
  const wasm: WasmRegistry = await instance.owed(() =>
    Registry.open(memory, orMemory, name, strict, ownerId, sink && outside(sink), (given: unknown) => void tell(given).catch(reportError)),
  );
  return raw(instance, wasm);
}

/** `call`, but later, where no frame of the wasm lies below: what code of the user's throws, or lists as its stack, would lead into it. */
function outside<G extends unknown[], A>(call: (...given: G) => A | Promise<A>): (...given: G) => Promise<A> {
  return async (...given) => {
    await undefined;
    return call(...given);
  };
}

const outsideIfAny = (attach: Attach): Attach => attach && outside(attach);

/**
 * The registry behind it, with arguments as they are, and with what it owes on the instance's register. What the WebAssembly
 * has of it is kept until it is closed, and freed then: neither is left to the collector.
 */
function raw(instance: Instance, wasm: WasmRegistry): RawRegistry {
  const letGo = instance.enter(() => {}, wasm);
  const drivers: Freed[] = [];
  const ends: (() => void)[] = [];
  let closing: Promise<void> | undefined;
  let isFree = false;

  /** The one of the WebAssembly, while there is one. */
  function live(): WasmRegistry {
    if (isFree) throw raise("the registry is closed", { code: "closed" });
    return wasm;
  }

  /** A wait, which begins unless `signal` is aborted, and is dropped when that is. */
  function wait<T>(signal: Signal, begin: (until: Until) => Promise<T>): Promise<T> {
    return untilAborted(signal, (until) => instance.owed(() => begin(until)));
  }

  const waits: Waits = {
    awaitTerminal: (hubBacked, timeoutMs, until, id) => live().awaitTerminal(hubBacked, until, timeoutMs, undefined, id),
    awaitEvent: (hubBacked, timeoutMs, until, ...given) => live().awaitEvent(hubBacked, until, timeoutMs, ...given),
    awaitEvents: (_, __, until, ...given) => live().awaitEvents(until, ...given),
    ownerGone: (_, timeoutMs, until, owner) => live().ownerGone(until, timeoutMs, owner),
  };

  function free(): void {
    isFree = true;
    letGo();
    if (instance.isDead()) return;
    for (let index = 0; index < drivers.length; index++) drivers[index]?.free();
    wasm.free();
  }

  return {
    call: (method, ...given) => instance.owed(() => apply(live()[method] as never, live(), given) as Promise<never>) as never,
    viewedCall: (scope, method, ...given) =>
      instance.owed(() => apply(live()[`session${capitalized(method)}`] as never, live(), [scope, ...given]) as Promise<never>) as never,
    wait: (hubBacked, signal, timeoutMs, method, ...given) =>
      wait(signal, (until) => apply(waits[method] as never, undefined, [hubBacked, timeoutMs, until, ...given]) as Promise<never>) as never,
    viewedWait: (scope, signal, timeoutMs, method, ...given) =>
      wait(signal, (until) => apply(live()[`session${capitalized(method)}`] as never, live(), [scope, until, timeoutMs, ...given]) as Promise<never>) as never,
    attachedWait: (signal, timeoutMs, attach, id) =>
      wait(signal, (until) => live().awaitTerminal(true, until, timeoutMs, outsideIfAny(attach), id)),
    facts: () => instance.now(() => live().facts()),
    subscribe(id) {
      const receiver = instance.now(() => live().subscribe(id));
      return {
        changed: () => instance.owed(() => receiver.changed(), receiver),
        close: () => instance.isDead() || receiver.close(),
      };
    },
    notify: (id) => instance.now(() => live().notify(id)),
    get trackedProcesses() {
      return instance.now(() => live().trackedProcesses);
    },
    onChange: (listener) => instance.now(() => live().onChange(listener)),
    offChange: (handle) => isFree || instance.isDead() || wasm.offChange(handle),
    driver(kinds, run, leaseTtlMs, renewEveryMs, concurrency) {
      const driver = instance.now(() => live().driver(kinds, runs(instance, run), leaseTtlMs, renewEveryMs, concurrency));
      drivers.push(driver);
      return {
        start: () => instance.now(() => (live(), driver.start())),
        call: ((method: "sweep" | "stop" | "idle") => {
          if (isFree && method !== "sweep") return Promise.resolve(); // A registry that is closed has stopped its drivers.
          return instance.owed<unknown>(() => (live(), driver[method]()));
        }) as RawDriver["call"],
      };
    },
    beforeClose: (end) => void ends.push(end),
    close() {
      for (let end = ends.pop(); end !== undefined; end = ends.pop()) end();
      return (closing ??= instance.owed(() => wasm.close()).finally(free));
    },
  };
}

/** Each wait, with whether it hears of changes, its limit, and what ends it. */
type Waits = {
  [M in keyof RawWaits]: (hubBacked: boolean, timeoutMs: Span, until: Until, ...given: Parameters<RawWaits[M]>) => Promise<never>;
};

const capitalized = <M extends string>(name: M) => (name[0]!.toUpperCase() + name.slice(1)) as Capitalize<M>;

function runs(instance: Instance, run: RunProcess) {
  return outside((kind: string, of: WasmRun) => run(kind, rawRun(instance, of)));
}

function rawRun(instance: Instance, wasm: WasmRun): RawRun {
  let letGo = () => {};
  return {
    facts: () => instance.now(() => wasm.facts()),
    onAbort(tell) {
      letGo = instance.enter(({ code, message }) => tell(code, message), wasm);
      instance.now(() => wasm.onAbort((code, message) => afterwards(() => tell(code, message))));
    },
    append: (request) => instance.owed(() => wasm.append(request)),
    step: (key, work) => instance.owed(() => wasm.step(key, outside(work))),
    waitForSignal: (signal, timeoutMs, names) =>
      untilAborted(signal, (until) => instance.owed(() => wasm.waitForSignal(until, timeoutMs, names))),
    awaitTerminal: (signal, timeoutMs, attach, id) =>
      untilAborted(signal, (until) => instance.owed(() => wasm.awaitTerminal(until, timeoutMs, outsideIfAny(attach), id))),
    rest: (work) => instance.owed(() => wasm.rest(outside(work))),
    began: () => instance.isDead() || wasm.began(),
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

type Signal = AbortSignal | undefined;

/** The methods of a registry. */
interface RawMethods {
  registerProcess(registration: Json): Promise<ProcessRecord>;
  getProcess(id: string): Promise<ProcessRecord | undefined>;
  listProcesses(filter: Json, page: Json): Promise<ProcessRecord[]>;
  listNonTerminal(page: Json): Promise<ProcessRecord[]>;
  changedSince(cursor?: string, limit?: number): ReturnType<ProcessRegistry["changedSince"]>;
  setExternalRef(id: string, ref: Json): Promise<ProcessRecord>;
  setProcessWait(id: string, wait: Json): Promise<ProcessRecord>;
  clearProcessWait(id: string): Promise<ProcessRecord>;
  completeProcess(id: string, output: Json): Promise<ProcessRecord>;
  completeProcessWithLease(lease: Json, output: Json): Promise<ProcessRecord>;
  requestCancel(id: string, reason?: string): Promise<AppendResult>;
  deleteProcess(id: string, force: boolean): Promise<void>;
  pruneTerminalProcesses(cutoffMs: number): ReturnType<ProcessRegistry["pruneTerminalProcesses"]>;

  appendEvent(id: string, request: Json): Promise<AppendResult>;
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
    id: string, after: number, types: string[] | undefined, untilTerminal: boolean,
  ): Promise<{ events: ProcessEvent[]; done: boolean }>;
  ownerGone(owner: Json): Promise<void>;
}

export interface RawRegistry {
  /** A copy of what was settled when it was opened. */
  facts(): Pick<ProcessRegistry, "name" | "durability" | "owner">;

  call<M extends keyof RawMethods>(method: M, ...given: Parameters<RawMethods[M]>): ReturnType<RawMethods[M]>;
  /** A method on behalf of a scope. */
  viewedCall<M extends keyof RawView>(scope: Json, method: M, ...given: Parameters<RawView[M]>): ReturnType<RawView[M]>;
  /** `hubBacked` false: by polling alone. */
  wait<M extends keyof RawWaits>(
    hubBacked: boolean, signal: Signal, timeoutMs: number | undefined, method: M, ...given: Parameters<RawWaits[M]>
  ): ReturnType<RawWaits[M]>;
  /** A wait on behalf of a scope. */
  viewedWait<M extends "awaitTerminal" | "awaitEvent">(
    scope: Json, signal: Signal, timeoutMs: number | undefined, method: M, ...given: Parameters<RawWaits[M]>
  ): ReturnType<RawWaits[M]>;

  /** Waits for the end of a process; of one that has not ended, as `attach` says. */
  attachedWait(signal: Signal, timeoutMs: number | undefined, attach: Attach, id: string): Promise<ProcessAwaitOutput>;

  subscribe(id: string): RawReceiver;
  notify(id: string): void;
  readonly trackedProcesses: number;
  /** Calls `listener` from inside the wasm at each change. Gives the handle to take it off by. */
  onChange(listener: (id: string) => void): number;
  offChange(handle: number): void;
  driver(kinds: string[], run: RunProcess, leaseTtlMs: number, renewEveryMs: number, concurrency: number): RawDriver;
  /** Has `end` called when the registry is closed. */
  beforeClose(end: () => void): void;
  close(): Promise<void>;
}
