/** A driver as callers see it: checks what it is given, and passes it to the wasm or to the host that runs the work. */
import type { AttachmentWriter } from "./attachments.js";
import { notByItself, WAIT } from "./awaiter.js";
import { call, callNow } from "../border/call.js";
import { reportError } from "../platform/report.js";
import { callback, count, id, integer, longEnough, optional, options, plain, text } from "../border/check.js";
import { asyncDispose } from "./dispose.js";
import { freeze, isArray } from "../platform/intrinsics.js";
import { invalidArgument } from "../types/errors.js";
import { inside, insideRun, type Inside } from "../border/inside.js";
import { watchOnline } from "./online.js";
import type { RawDriver, RawRegistry, Work as RawWork } from "../border/raw.js";
import { attached, runWith, teller, type Find, type Runners, type Tell } from "./run.js";
import { signalArguments } from "./signal.js";
import { timer } from "../platform/timer.js";
import { driverStarts, driverStops } from "../development/drivers.js";
import { driverBegins, driverMade } from "../development/unstarted.js";
import type {
  DriveReport,
  DriverOptions,
  Implementation,
  JsonLike,
  ProcessRegistry,
  ProcessWorkDriver,
  RunContext,
  WaitOptions,
} from "../types/public.js";

/** A driver of `registry`, which is that of `raw`. Its methods use no `this`, so that they also work on a proxy of it and when they are taken apart. */
export function driverOf(
  registry: ProcessRegistry,
  raw: RawRegistry,
  attaching: AttachmentWriter,
  given: DriverOptions<JsonLike>,
): ProcessWorkDriver {
  const {
    runners,
    processes,
    onlineDetector,
    runHandle,
    attach,
    onRunError,
    leaseTtlMs = 30_000,
    renewEveryMs = 10_000,
    concurrency = 64,
  } = options<Checked>(plain(given, "options"), "options", DRIVER);
  longEnough(leaseTtlMs, "options.leaseTtlMs", raw.minLeaseMs);
  const works = worksOf(runners, processes);
  /** The run that calls, where it is one of this driver. */
  const own = () => (insideRun()?.driver === made ? insideRun() : undefined);
  const runnerOf: Find = (kind, version) =>
    processes?.find((one) => one.kind === kind && one.version === version)?.run ?? runners?.get(kind);
  const run = runWith({ registry: raw, driver: () => made, reach: registry, attaching }, runnerOf, attach, teller(onRunError));
  const online = watchOnline(onlineDetector, () => made.lookAgain());
  raw.beforeClose(online.end);
  if (__DEV__) raw.beforeClose(() => driverStops(driver));
  const made: RawDriver = raw.driver(works, run, online.isOffline, leaseTtlMs, renewEveryMs, concurrency);
  if (__DEV__) driverMade(made, raw, new Set(works.map((work) => work.kind)));
  const host = runHandle && hostOf(runHandle, raw, made);
  const work: Work = host === undefined ? made : handled(host, registry, raw);
  const driver: ProcessWorkDriver = {
    registry,
    claimAndRunPending(reason = "manual") {
      const begin = () => {
        raw.refuseUnlessOpen();
        if (__DEV__) driverBegins(made, raw);
        online.ask();
        return text(reason, "reason");
      };
      const sweep = (): Promise<DriveReport> => (host === undefined ? call(() => (begin(), made.sweep())) : sweptBy(host, begin));
      // A run that sweeps may wait for a permit, and must not keep its own from what it waits for.
      return own()?.rest(sweep) ?? sweep();
    },
    start() {
      callNow(() => {
        if (__DEV__) driverBegins(made, raw);
        online.ask();
        work.start();
        if (__DEV__) driverStarts(driver, raw, registry);
      });
    },
    stop() {
      if (__DEV__) driverStops(driver);
      return call(() => work.stop());
    },
    idle() {
      return call(async () => {
        const run = own();
        if (run) throw invalidArgument(`idle() inside ${run.name} would wait for that itself`);
        return work.idle();
      });
    },
    async signal(processId: string, name: string, payload: unknown = null, given?: { signalId?: string }) {
      return call(() => raw.call("signal", ...signalArguments(processId, name, payload, given)));
    },
    async awaitTerminal(processId: string, given?: WaitOptions) {
      const waiting = options<WaitOptions>(given, "options", WAIT);
      const { signal, timeoutMs } = waiting;
      notByItself(raw, processId);
      return attached(attach, waiting, (owner) => call(() => raw.attachedWait(signal, timeoutMs, owner, id(processId, "processId"))));
    },
    awaitEvent: registry.awaiter.awaitEvent,
    [asyncDispose]() {
      return driver.stop();
    },
  };
  return freeze(driver);
}

type Host = NonNullable<DriverOptions["runHandle"]>;

/** A host that is known to be the one that calls, while it is asked for work. */
function hostOf(given: Host, registry: object, driver: object): Host {
  const calling: Inside = { name: "claimAndRunPending of runHandle", registry, driver, rest: (work) => work() };
  return { claimAndRunPending: (reason) => inside(calling, () => given.claimAndRunPending(reason)) };
}

/** A sweep by a host. What that throws is passed on as it is. */
async function sweptBy(host: Host, begin: () => string): Promise<DriveReport> {
  await host.claimAndRunPending(callNow(begin));
  return { started: [], busy: [], unhandled: [], failed: [] };
}

/** Drives on. */
type Work = Pick<RawDriver, "start" | "stop" | "idle">;

type Checked = Omit<DriverOptions, "runners" | "processes"> & { runners?: Runners; processes?: Implemented[] };

/** An implementation as it is called. */
interface Implemented extends Pick<Implementation, "kind" | "version"> {
  run: (context: RunContext) => unknown;
}

/** What these run. A runner begins any version of its kind, and an implementation its own. */
function worksOf(runners: Runners | undefined, processes: Implemented[] = []): RawWork[] {
  const plain = [...(runners?.keys() ?? [])].map((kind) => ({ kind, anyVersion: true }));
  const twice = processes.findIndex((one, place) => processes.slice(0, place).some((other) => isSameWork(one, other)));
  if (twice >= 0) throw invalidArgument(`options.processes[${twice}]: has a kind and version that another one has`);
  return [...plain, ...processes.map(({ kind, version }) => ({ kind, anyVersion: false, ...(version !== undefined && { version }) }))];
}

const isSameWork = (one: Implemented, other: Implemented) => one.kind === other.kind && one.version === other.version;

const positive = optional((value: unknown, name: string) => integer(value, name, 1));

const DRIVER = {
  runners: optional((given: unknown, name: string): Runners => {
    return new Map(
      Object.entries(plain(given, name)).map(
        ([kind, runner]) => [id(kind, `${name}: a kind`), callback(runner, `${name}.${kind}`)] as never,
      ),
    );
  }),
  processes: optional((given: unknown, name: string): Implemented[] => {
    if (!isArray(given)) throw invalidArgument(`${name}: must be an array`);
    return Array.from(given, (one: unknown, place) => {
      const at = `${name}[${place}]`;
      const { kind, version, run } = options<{ kind: string; version: number | undefined; run: unknown }>(one, at, {
        kind: id,
        version: optional(count),
        run: callback,
      });
      return { kind, ...(version !== undefined && { version }), run: run as Implemented["run"] };
    });
  }),
  onlineDetector: optional((given: unknown, name: string) => {
    callback((given as Record<string, unknown> | null)?.subscribe, `${name}.subscribe`);
    return having<NonNullable<DriverOptions["onlineDetector"]>>("isOnline")(given, name);
  }),
  runHandle: optional(having<NonNullable<DriverOptions["runHandle"]>>("claimAndRunPending")),
  attach: optional(having<NonNullable<DriverOptions["attach"]>>("awaitTerminal")),
  leaseTtlMs: positive,
  renewEveryMs: positive,
  concurrency: positive,
  onRunError: optional((given: unknown, name: string) => callback(given, name) as unknown as Tell),
};

/** An object with such a method. */
function having<T>(method: keyof T & string): (value: unknown, name: string) => T {
  return (value, name) => {
    callback((value as Record<string, unknown> | null)?.[method], `${name}.${method}`);
    return value as T;
  };
}

/** How often a host that runs the work itself is asked to look, besides at every change, in milliseconds. */
const FLOOR_MS = 10_000;

/** How long a host is left alone after a call of it that failed, in milliseconds: doubling, up to a minute. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Leaves the work to a host: one call at a time, and one more for all changes during a call. Between two calls the event loop turns
 * once, since a host that changes something in each call would otherwise block the page.
 */
function handled(host: Host, registry: ProcessRegistry, raw: RawRegistry): Work {
  let unsubscribe: (() => void) | undefined;
  let cancelFloor = () => {};
  let wanted: string | undefined;
  let looking = false;
  let call: Promise<void> | undefined;
  let endRest = () => {};
  let pauseMs = FIRST_PAUSE_MS;

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    for (let reason = wanted; reason !== undefined; reason = wanted) {
      wanted = undefined;
      call = once(reason);
      const failed = await call.then(
        () => false,
        (error: unknown) => (reportError(error), true),
      );
      call = undefined;
      if (failed) await rest(pauseMs);
      else if (wanted !== undefined) await rest(0);
      pauseMs = failed ? Math.min(2 * pauseMs, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    }
    looking = false;
    if (unsubscribe) cancelFloor = timer(() => want("floor"), FLOOR_MS);
  }

  async function once(reason: string): Promise<void> {
    await host.claimAndRunPending(reason);
  }

  function rest(ms: number): Promise<void> {
    return new Promise((over) => {
      const cancel = timer(over, ms);
      endRest = () => {
        cancel();
        over();
      };
    });
  }

  function want(reason: string): void {
    cancelFloor();
    wanted ??= reason;
    void look();
  }

  async function stop(): Promise<void> {
    unsubscribe?.();
    unsubscribe = wanted = undefined;
    cancelFloor();
    endRest();
  }

  raw.beforeClose(() => void stop());
  return {
    start() {
      if (unsubscribe) return;
      unsubscribe = registry.onChange(() => want("change"));
      want("start");
    },
    stop,
    async idle() {
      await call?.catch(() => {});
    },
  };
}
