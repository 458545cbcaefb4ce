/**
 * A registry that outlasts the instance of the WebAssembly which it is open on: after a trap it is opened again, on the next one.
 *
 * What becomes of an operation that was under way stands in `carried`. Listeners and drivers are set up again by `arm`, and the
 * runs of a driver begin again as after a crash. Where the rows died with the instance, in memory, or where one trap follows the other, the
 * registry ends instead.
 */
import { reportError } from "../platform/report.js";
import { type ProcessError, raise } from "../types/errors.js";
import { withoutHelp } from "../types/help.js";
import { monotonic } from "../platform/globals.js";
import { isTrap } from "./instance.js";
import { apply, PromiseClass, then } from "../platform/intrinsics.js";
import { outlastTraps } from "../platform/imports.js";
import {
  freed,
  type Opened,
  outsideIfAny,
  type RawChunks,
  type RawDriver,
  type RawMethods,
  type RawReceiver,
  type RawRegistry,
  type RawWaits,
  runs,
  type WasmChunks,
} from "./raw.js";
import { type Until, untilAborted } from "./stop.js";
import { timer } from "../platform/timer.js";
import type { LeaseOwner } from "../types/public.js";

/** Opens the registry; with an owner, for that one again. */
export type Open = (onDeleted: () => void, owner?: LeaseOwner) => Promise<Opened>;

/** How often it is opened again within a minute. */
const MOST_TRAPS = 3;
const MINUTE_MS = 60_000;

/** How long after a fault the registry is opened again without a call that asks for it, in milliseconds: doubling, up to a minute. */
const FIRST_PAUSE_MS = 1_000;

/** Opens a registry, and keeps it open. */
export async function lasting(open: Open): Promise<RawRegistry> {
  // What was deleted is not made anew by a registry that had it open.
  const onDeleted = () => void close().catch(reportError);
  const first = await open(onDeleted);
  const facts = first.instance.now(() => first.wasm.facts());
  const { liveness } = facts.owner;
  const releaseLock = liveness?.kind === "web_lock" ? outlastTraps(liveness.lockName) : () => {};

  /** Where it is open; see `alive`. */
  let on: Opened | undefined;
  let letGo = () => {};
  let reopening: Promise<void> | undefined;
  /** When the last instances trapped. */
  let traps: number[] = [];
  /** Why it is not opened again. */
  let end: ProcessError | undefined;
  let isClosing = false;
  let closing: Promise<void> | undefined;
  /** Rejects once it is closed. */
  const closed = deferred<never>();
  /** What is set up whenever it is opened. */
  const armed = new Set<(at: Opened) => void>();
  const ends: (() => void)[] = [];

  // ── Open, and open again ──────────────────────────────────────────────────

  /** Where it is open, if it is: not while it is opened again. */
  function alive(): Opened | undefined {
    if (on?.instance.isDead()) lost(on);
    return on;
  }

  /** Like `alive`; throws where it has ended, or is closed. */
  function ready(): Opened | undefined {
    const at = alive();
    if (end !== undefined) throw end;
    if (isClosing) throw closedError();
    return at;
  }

  /** The instance trapped. */
  function lost(at: Opened): void {
    if (on !== at) return;
    on = undefined;
    if (isClosing) return;
    noteTrap(at.instance.fault());
    if (end === undefined) void reopened();
  }

  function noteTrap({ message }: ProcessError): void {
    const now = monotonic();
    traps = [...traps.filter((then) => now - then < MINUTE_MS), now];
    let why: string | undefined;
    if (facts.durability === "memory") why = "the processes of this registry were in memory and are gone with it: open another one";
    else if (traps.length > MOST_TRAPS) why = `for the ${traps.length}th time within a minute: this registry is not opened again`;
    if (why === undefined) return;
    end = raise(`${withoutHelp(message)}; ${why}`, { code: "internal" });
    releaseLock();
  }

  /** Resolves when it has been opened again; rejects with what went wrong, and then the next call has it tried anew. */
  function reopened(pauseMs = FIRST_PAUSE_MS): Promise<void> {
    if (reopening !== undefined) return reopening;
    reopening = reopen();
    const over = () => void (reopening = undefined);
    then(reopening, over, (fault) => {
      over();
      if (isClosing || end !== undefined || armed.size === 0) return;
      // No call may come: what drives and listens must not wait for one.
      reportError(fault);
      const nextPauseMs = Math.min(2 * pauseMs, MINUTE_MS);
      timer(() => void (isClosing || end !== undefined || on !== undefined || reopened(nextPauseMs)), pauseMs);
    });
    return reopening;
  }

  async function reopen(): Promise<void> {
    while (on === undefined) {
      if (end !== undefined) throw end;
      try {
        const opened = await open(onDeleted, facts.owner);
        if (isClosing) return closeAt(opened);
        begin(opened);
      } catch (fault) {
        if (!isTrap(fault)) throw fault;
        noteTrap(fault);
      }
    }
  }

  /** From here on it is open there. The instance keeps it, until it is closed, whether or not anything refers to it. */
  function begin(at: Opened): void {
    on = at;
    letGo = at.instance.enter(() => lost(at), at);
    for (const set of [...armed]) {
      if (alive() !== at) return;
      try {
        at.instance.now(() => set(at));
      } catch (fault) {
        if (!isTrap(fault)) reportError(fault);
      }
    }
  }

  function closeAt(at: Opened): Promise<void> {
    return at.instance
      .owed(() => at.wasm.close())
      .finally(() => {
        letGo();
        freed(at);
        releaseLock();
        on = undefined;
      });
  }

  function close(): Promise<void> {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) end();
    return (closing ??= shutDown());
  }

  async function shutDown(): Promise<void> {
    const at = alive();
    isClosing = true;
    closed.reject(closedError());
    armed.clear();
    if (end !== undefined) throw end;
    try {
      await (at === undefined ? reopening : closeAt(at));
    } catch (fault) {
      // What trapped, or could not be opened again, holds nothing any more.
      if (at !== undefined && !isTrap(fault)) throw fault;
    } finally {
      releaseLock();
    }
  }

  // ── What is done on it ────────────────────────────────────────────────────

  /**
   * Runs an operation, where it is open; while it is being opened again, after that. If the instance traps under it, a wait begins
   * again on the next one, each time. A read is made once more: should it be what traps, then not for ever. Of a write it is not known whether it was
   * committed, and so it is not repeated.
   */
  async function carried<T>(kind: Kind, work: (at: Opened) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const at = ready() ?? (await nextOpened());
      try {
        return await at.instance.owed(() => work(at));
      } catch (fault) {
        if (!isTrap(fault)) throw fault;
        ready();
        if (kind === "write")
          throw raise(`${withoutHelp(fault.message)}; whether this call was carried out is not known`, { code: "internal" });
        if (kind === "read" && attempt === 2) throw fault;
      }
    }
  }

  async function nextOpened(): Promise<Opened> {
    for (;;) {
      const at = ready();
      if (at !== undefined) return at;
      const again = reopened();
      await new PromiseClass<void>((resolve, reject) => {
        then(again, resolve, reject);
        then(closed.promise, resolve, reject);
      });
    }
  }

  /** A wait, which is dropped when `signal` aborts. Its limit is counted from now, over all instances. */
  function waited<T>(
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    begin: (at: Opened, until: Until, leftMs: number | undefined) => Promise<T>,
  ): Promise<T> {
    const began = monotonic();
    let isFirst = true;
    const left = () => (timeoutMs === undefined || isFirst ? timeoutMs : Math.max(0, timeoutMs - (monotonic() - began)));
    return untilAborted(signal, (until) =>
      carried("wait", (at) => {
        const leftMs = left();
        isFirst = false;
        return begin(at, until, leftMs);
      }),
    );
  }

  /** Does what needs no promise, where it is open. While it is being opened again, and where it traps, that is left to `arm`. */
  function now<T>(work: (at: Opened) => T): T | undefined {
    const at = ready();
    try {
      return at?.instance.now(() => work(at));
    } catch (fault) {
      if (!isTrap(fault)) throw fault;
      ready();
      return undefined;
    }
  }

  /** Sets something up, now and whenever it is opened again, until the function that is given back is called. */
  function arm(set: (at: Opened) => void): () => void {
    now(set);
    armed.add(set);
    return () => void armed.delete(set);
  }

  /** Has a listener called, on each instance. Gives what takes it off. */
  function listen(on: (at: Opened) => number, off: (at: Opened, handle: number) => void): () => void {
    let at: Opened | undefined;
    let handle = 0;
    const disarm = arm((opened) => {
      handle = on(opened);
      at = opened;
    });
    return () => {
      disarm();
      if (at !== undefined && alive() === at) off(at, handle);
      at = undefined;
    };
  }

  function subscribe(id: string): RawReceiver {
    let at: Opened | undefined;
    let receiver: RawReceiver | undefined;
    let isOver = false;
    const set = (on: Opened) => {
      receiver = on.wasm.subscribe(id);
      at = on;
    };
    now(set);
    return {
      changed: () =>
        carried("wait", async (on) => {
          if (isOver) throw raise("the receiver is closed", { code: "closed" });
          if (at === on) return receiver?.changed();
          set(on); // It may have changed while it was not watched.
        }),
      close() {
        isOver = true;
        if (at !== undefined && alive() === at) receiver?.close();
      },
    };
  }

  function readStream(id: string, name: string): RawChunks {
    let at: Opened | undefined;
    let reader: WasmChunks | undefined;
    return {
      next: (from, signal) =>
        waited(signal, undefined, (on, until) => {
          if (at !== on) reader = on.wasm.readStream(id, name);
          at = on;
          return reader!.next(until, from);
        }),
      close() {
        if (at !== undefined && alive() === at) reader?.free();
        at = reader = undefined;
      },
    };
  }

  function driver(...[works, run, ...options]: Parameters<RawRegistry["driver"]>): RawDriver {
    let at: Opened | undefined;
    let made: ReturnType<Opened["wasm"]["driver"]>;
    let isStarted = false;
    const set = (on: Opened) => {
      made = on.wasm.driver(works, runs(on.instance, run), ...options);
      at = on;
      on.drivers.push(made);
      if (isStarted) made.start();
    };
    arm(set);

    /** Its driver on that instance. */
    function there(on: Opened) {
      if (at !== on) set(on);
      return made;
    }

    return {
      start() {
        ready();
        isStarted = true;
        now((on) => there(on).start());
      },
      lookAgain() {
        const here = alive();
        if (here !== undefined && here === at) here.instance.now(() => made.lookAgain());
      },
      sweep: () => carried("read", (on) => there(on).sweep()),
      async stop() {
        isStarted = false;
        const here = alive();
        if (end !== undefined) throw end;
        // Where it is not open, nothing of it runs.
        if (here === undefined || here !== at) return;
        try {
          await here.instance.owed(() => made.stop());
        } catch (fault) {
          if (!isTrap(fault) || end !== undefined) throw fault;
        }
      },
      async idle() {
        if (!isClosing) return carried("wait", (on) => there(on).idle());
        const here = alive();
        if (here !== undefined && here === at) await here.instance.owed(() => made.idle());
      },
    };
  }

  begin(first);
  return {
    facts,
    minLeaseMs: first.minLeaseMs ?? 0,
    refuseUnlessOpen: () => void ready(),
    call: ((method: keyof RawMethods, ...given: unknown[]) =>
      carried(KINDS[method], ({ wasm }) => apply(wasm[method] as never, wasm, given) as Promise<never>)) as RawRegistry["call"],
    viewedCall: ((scope: never, method: "getProcess", ...given: unknown[]) =>
      carried(
        KINDS[method],
        ({ wasm }) => apply(wasm[`session${capitalized(method)}`] as never, wasm, [scope, ...given]) as Promise<never>,
      )) as RawRegistry["viewedCall"],
    wait: ((
      hubBacked: boolean,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      method: keyof RawWaits,
      ...given: never[]
    ) =>
      waited(
        signal,
        timeoutMs,
        (at, until, leftMs) => apply(WAITS[method] as never, undefined, [at, hubBacked, until, leftMs, ...given]) as Promise<never>,
      )) as RawRegistry["wait"],
    viewedWait: ((
      scope: never,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      method: "awaitTerminal",
      ...given: never[]
    ) =>
      waited(
        signal,
        timeoutMs,
        ({ wasm }, until, leftMs) =>
          apply(wasm[`session${capitalized(method)}`] as never, wasm, [scope, until, leftMs, ...given]) as Promise<never>,
      )) as RawRegistry["viewedWait"],
    attachedWait(signal, timeoutMs, attach, id) {
      // The other system is asked once: it knows nothing of instances.
      let answer: ReturnType<NonNullable<typeof attach>> | undefined;
      const once = outsideIfAny(attach && ((id) => (answer ??= attach(id))));
      return waited(signal, timeoutMs, ({ wasm }, until, leftMs) => wasm.awaitTerminal(true, until, leftMs, once, id));
    },
    subscribe,
    readStream,
    notify: (id) => void now(({ wasm }) => wasm.notify(id)),
    get trackedProcesses() {
      // A closed registry can still be counted, and so can one that is being closed: all waits have ended.
      if (isClosing && end === undefined) return 0;
      return now(({ wasm }) => wasm.trackedProcesses) ?? 0;
    },
    onChange: (listener) =>
      listen(
        ({ wasm }) => wasm.onChange(listener),
        ({ wasm }, handle) => wasm.offChange(handle),
      ),
    onWake: (listener) =>
      listen(
        ({ wasm }) => wasm.onWake(listener),
        ({ wasm }, handle) => wasm.offWake(handle),
      ),
    driver,
    beforeClose: (end) => void ends.push(end),
    close,
  };
}

/** What an operation is, for what becomes of it after a trap. */
type Kind = "wait" | "read" | "write";

const KINDS: { readonly [M in keyof RawMethods]: Kind } = {
  registerProcess: "write",
  registerProcesses: "write",
  getProcess: "read",
  listProcesses: "read",
  countProcesses: "read",
  listNonTerminal: "read",
  changedSince: "read",
  setExternalRef: "write",
  setProcessWait: "write",
  clearProcessWait: "write",
  completeProcess: "write",
  completeProcessWithLease: "write",
  requestCancel: "write",
  pauseProcess: "write",
  resumeProcess: "write",
  deleteProcess: "write",
  forkProcess: "write",
  pruneTerminalProcesses: "write",
  putAttachment: "write",
  getAttachment: "read",
  listAttachments: "read",
  deleteAttachment: "write",
  listStreams: "read",
  exportHead: "read",
  exportEvents: "read",
  exportChunks: "read",
  importProcess: "write",
  exportedIds: "read",
  appendEvent: "write",
  appendEvents: "write",
  eventsAfter: "read",
  recentEvents: "read",
  countEventsThrough: "read",
  wakeEventsAfter: "read",
  ackWake: "write",
  signal: "write",
  grantHandle: "write",
  revokeHandle: "write",
  transferHandleGrants: "write",
  listHandleGrants: "read",
  listLiveHandleGrants: "read",
  hasHandleGrant: "read",
  handleGrantsForProcess: "read",
  deleteSessionProcessState: "write",
  claimProcessLease: "write",
  reclaimProcessLease: "write",
  renewProcessLease: "write",
  completeProcessLease: "write",
  getProcessLease: "read",
};

/** Each wait, with whether it hears of changes, what ends it, and its limit. */
const WAITS: {
  readonly [M in keyof RawWaits]: (
    at: Opened,
    hubBacked: boolean,
    until: Until,
    leftMs: number | undefined,
    ...given: Parameters<RawWaits[M]>
  ) => ReturnType<RawWaits[M]>;
} = {
  awaitTerminal: ({ wasm }, hubBacked, until, leftMs, id) => wasm.awaitTerminal(hubBacked, until, leftMs, undefined, id),
  awaitEvent: ({ wasm }, hubBacked, until, leftMs, ...given) => wasm.awaitEvent(hubBacked, until, leftMs, ...given),
  awaitEvents: ({ wasm }, _, until, __, ...given) => wasm.awaitEvents(until, ...given),
  ownerGone: ({ wasm }, _, until, leftMs, owner) => wasm.ownerGone(until, leftMs, owner),
};

const capitalized = <M extends string>(name: M) => (name[0]!.toUpperCase() + name.slice(1)) as Capitalize<M>;

const closedError = () => raise("the registry is closed", { code: "closed" });

function deferred<T>() {
  let reject: (fault: unknown) => void;
  const promise = new PromiseClass<T>((_, refuse) => (reject = refuse));
  then(
    promise,
    () => {},
    () => {},
  ); // Where nothing waits for it, nothing is wrong.
  return { promise, reject: reject! };
}
