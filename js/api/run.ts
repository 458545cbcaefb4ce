/** One run of a process: what its runner is given, and what becomes of what it returns or throws. */
import { isAborted } from "../border/stop.js";
import { noting, runReturned } from "../development/unasked.js";
import { WAIT } from "./awaiter.js";
import { SHAPES } from "../border/arguments.js";
import { json, shape } from "../border/shapes.js";
import { attachmentOf, detached } from "../border/attachments.js";
import type { AttachmentWriter } from "./attachments.js";
import { call } from "../border/call.js";
import { reportError } from "../platform/report.js";
import { finite, id, oneOf, optional, options, signalName, signalNames, span, text, time } from "../border/check.js";
import { handleOf, type Reach } from "./handle.js";
import { raise } from "../types/errors.js";
import { givenTo, inside, type Inside } from "../border/inside.js";
import { isTrap } from "../border/instance.js";
import { isArray } from "../platform/intrinsics.js";
import { adviceOf, failure, isAbort } from "./outcome.js";
import type { Attach, RawRun, RunEnd, RunProcess } from "../border/raw.js";
import { stepsOf } from "./step.js";
import { openStream, type Through } from "./streams.js";
import { troubleIn } from "./trouble.js";
import { definedIfAny } from "./define.js";
import { plainOptions, registered } from "./starting.js";
import type { ChildOptions, DriverOptions, Json, ProcessAwaitOutput, ProcessRegistry, RunContext, WaitOptions } from "../types/public.js";

/** What runs the processes of a kind and version, if anything. */
export type Find = (kind: string, version: number | undefined) => ((context: RunContext) => unknown) | undefined;

/** What runs a process, by its kind. */
export type Runners = Map<string, (context: RunContext) => unknown>;

/**
 * Runs processes with these. Rejects with trouble of longwait itself, which ends the attempt and not the process. `tell` is
 * called with what else a runner throws.
 */
export function runWith(of: Of, runnerOf: Find, attach: DriverOptions["attach"], tell: Tell): RunProcess {
  return async (kind, raw) => {
    const one = run(of, raw, attach);
    try {
      const runner = runnerOf(kind, one.context.process.version);
      if (runner === undefined)
        throw raise(`there is no runner for the kind "${kind}"`, { code: "internal", processId: one.context.process.id });
      const end = await outcomeOf(runner, raw, one, tell);
      if (__DEV__ && end.output?.type === "success") void runReturned(one.context, of.reach).catch(() => {});
      return end;
    } finally {
      one.end();
    }
  };
}

/** Calls the runner; resolves with what came of it. */
async function outcomeOf(
  runner: (context: RunContext) => unknown,
  raw: RawRun,
  { context, identity, isCancelled }: Run,
  tell: Tell,
): Promise<RunEnd> {
  const { process, signal } = context;
  let returned = false;
  try {
    const running = inside(identity, () => runner(context));
    raw.began();
    const value = await running;
    returned = true;
    return { output: { type: "success", value: json(value === undefined ? null : value, "what the runner returned") } };
  } catch (error) {
    const trouble = troubleIn(error, process.id);
    if (trouble !== undefined) throw trouble;
    if (isCancelled() && isAbort(error, signal)) return { output: { type: "cancelled", message: (signal.reason as Error).message } };
    tell(error, process);
    // What was returned and is no JSON would be so again.
    return { output: failure(error), ...(returned ? { advice: "never" } : adviceOf(error)) };
  }
}

/** What the runs are of. */
export type Of = {
  readonly registry: object;
  readonly driver: () => object;
  readonly reach: Omit<Reach, "awaitTerminal"> & Pick<ProcessRegistry, "getAttachment" | "eventsAfter" | "listProcesses">;
  readonly attaching: AttachmentWriter;
};

/** Is called with what a runner threw. */
export type Tell = NonNullable<DriverOptions["onRunError"]>;

/** Calls `onRunError`; without one, shows the error with its stack on the console. */
export function teller(onRunError: Tell | undefined): Tell {
  return (error, process) => {
    try {
      if (onRunError !== undefined) onRunError(error, process);
      else console.error(`longwait: the run of process "${process.id}" of kind "${process.identity.kind}" threw`, error);
    } catch (fault) {
      reportError(fault);
    }
  };
}

type Run = ReturnType<typeof run>;

/** The context, of functions that may be taken apart; whether the run was asked to stop; and the end of all this. */
function run(place: Of, wasm: RawRun, attach: DriverOptions["attach"]) {
  const { attaching } = place;
  const abort = new AbortController();
  const { signal } = abort;
  let raw: RawRun | undefined = wasm;
  let cancelled = false;
  raw.onAbort((code, message) => {
    if (raw === undefined) return; // It has returned: nothing is to be stopped any more.
    cancelled = code === undefined;
    abort.abort(
      cancelled
        ? new DOMException(message ?? "the process was asked to stop", "AbortError")
        : raise(message, { code, processId: context.process.id }),
    );
  });

  /** The wasm's side of the run, as long as it lasts. */
  function live(): RawRun {
    if (raw === undefined) {
      const { processId } = identity;
      throw raise(`the run of "${processId}" is over, as its runner has returned: its context can do nothing more`, {
        code: "lease_lost",
        processId,
      });
    }
    return raw;
  }

  /** A wait that ends with the run, and then says why. */
  async function whileOn<T>(own: AbortSignal | undefined, wait: () => Promise<T>): Promise<T> {
    try {
      return await call(wait);
    } catch (error) {
      throw signal.aborted && !isAborted(own) ? signal.reason : error;
    }
  }

  /** A call, which rejects as the run was ended where the instance trapped. */
  async function called<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await call(work);
    } catch (error) {
      throw isTrap(error) && signal.aborted ? signal.reason : error;
    }
  }

  const facts = raw.facts();
  const identity: Inside & { readonly processId: string } = {
    name: `a run of "${facts.process.id}"`,
    processId: facts.process.id,
    registry: place.registry,
    driver: place.driver(),
    async rest<T>(work: () => Promise<T>) {
      let value: T;
      await carried(
        async () => void (value = await work()),
        (resting) => called(() => live().rest(resting as () => Promise<undefined>)),
      );
      return value!;
    },
  };
  /** A promise of this run. */
  const of = <T>(promise: Promise<T>) => givenTo(identity, promise);

  const { step, notInStep } = stepsOf({ identity, signal, timer: wasm.timer, through: (work) => called(() => work(live())) });

  async function sleep(key: string, ms: number) {
    notInStep("sleep");
    return whileOn(undefined, () => live().sleep(id(key, "key"), span(ms, "ms")));
  }

  async function sleepUntil(key: string, given: number | Date) {
    notInStep("sleepUntil");
    return whileOn(undefined, () => live().sleepUntil(id(key, "key"), time(given, "time")));
  }

  async function waitForSignal(name: string | readonly string[], given?: WaitOptions) {
    notInStep("waitForSignal");
    const { signal: own, timeoutMs } = options<WaitOptions>(given, "options", WAIT);
    return whileOn(own, () => live().waitForSignal(own, timeoutMs, names(name)));
  }

  async function awaitTerminal(processId: string, given?: WaitOptions) {
    notInStep("awaitTerminal");
    const waiting = options<WaitOptions>(given, "options", WAIT);
    const { signal: own, timeoutMs } = waiting;
    return attached(attach, waiting, (owner) =>
      whileOn(own, () => live().awaitTerminal(own, timeoutMs, owner, id(processId, "processId"))),
    );
  }

  /** Starts a child by a registration, or by a definition and an input. */
  async function startChild(what: unknown, ...rest: unknown[]) {
    const defined = definedIfAny(what);
    const { key, onParentEnd, ...more } = plainOptions(rest[defined === undefined ? 0 : 1]);
    const given = defined === undefined ? { key, onParentEnd, ...more } : { key, onParentEnd };
    const child = options<ChildOptions>(given, "options", { key: id, onParentEnd: optional(oneOf("cancel", "abandon")) as never });
    const ownId = `${identity.processId}/${child.key}`;
    const start = (registration: Json) => {
      const [own, attached] = detached(registration);
      const ofChild = { ...(own as object), parentId: identity.processId, ...(child.onParentEnd && { onParentEnd: child.onParentEnd }) };
      return called(() => attaching.write(attached, (ready) => live().startChild(ofChild, ready)));
    };
    const { record, disposition } = await (defined === undefined
      ? start({ id: ownId, ...(shape(what, "registration", SHAPES.child) as object) })
      : registered(defined, rest[0], more, () => ownId, start));
    return handleOf(
      { ...place.reach, awaitTerminal: (processId, options) => of(awaitTerminal(processId, options)) },
      record.id,
      disposition,
      defined?.signals,
    );
  }

  /** A call whose promise is one of this run. */
  const through: Through = (work) => of(called(() => work(live())));

  const context: RunContext = Object.freeze({
    ...facts,
    signal,
    startChild: (...given: unknown[]) => of(startChild(...(given as [unknown]))) as never,
    append: (request) => of(called(() => live().append(shape(request, "request", SHAPES.append)))),
    setState: (state) => of(called(() => live().setState(json(state, "state")))),
    progress: (current, total, message) =>
      of(called(() => live().progress(finite(current, "current"), optional(finite)(total, "total"), optional(text)(message, "message")))),
    setTraceContext: (given) => of(called(() => live().setTraceContext(shape(given, "traceContext", SHAPES.traceContext)))),
    stream: ((name, given) => of(call(() => openStream(through, name, given)))) as RunContext["stream"],
    attachment: (name) => of(called(() => place.reach.getAttachment(identity.processId, name))),
    putAttachment: (name, value) =>
      of(called(() => attaching.write([attachmentOf(name, value)], ([ready]) => live().putAttachment(ready!)))),
    step: ((key, work, given) => of(step(key, work, given))) as RunContext["step"],
    sleep: (key, ms) => of(sleep(key, ms)),
    sleepUntil: (key, time) => of(sleepUntil(key, time)),
    waitForSignal: (name, given) => of(waitForSignal(name, given)),
    awaitTerminal: (processId, given) => of(awaitTerminal(processId, given)),
  } satisfies RunContext);

  return {
    context: __DEV__ ? noting(context) : context,
    identity,
    isCancelled: () => cancelled,
    end() {
      raw = undefined;
      wasm.free();
    },
  };
}

/** The names of signals: one, or several. */
function names(given: string | readonly string[]): string[] {
  return isArray(given) ? signalNames(given, "name") : [signalName(given, "name")];
}

/** Passes a callback through the wasm. What it throws comes out as it was thrown. */
async function carried<G extends unknown[], A, T>(
  callback: (...given: G) => Promise<A>,
  through: (passed: typeof callback) => Promise<T>,
): Promise<T> {
  let thrown: { error: unknown } | undefined;
  try {
    return await through(async (...given) => {
      try {
        return await callback(...given);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    });
  } catch (error) {
    throw thrown === undefined ? error : thrown.error;
  }
}

/** Runs a wait for the end of a process: where an engine owns those, with it. */
export function attached<T>(owner: DriverOptions["attach"], waiting: WaitOptions, wait: (attach: Attach) => Promise<T>): Promise<T> {
  if (owner === undefined) return wait(undefined);
  const answer = async (processId: string) =>
    shape(await owner.awaitTerminal(processId, waiting), "what attach answered", SHAPES.output) as unknown as ProcessAwaitOutput;
  return carried(answer, wait);
}
