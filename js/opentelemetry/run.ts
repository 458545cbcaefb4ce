/** The spans of one run: its own, those of the steps that it calls, and those of the waits that it does not merely repeat. */
import {
  context as contexts,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import type { ProcessHandle, ProcessRegistry, RunContext, StepContext, WaitOptions } from "../types/public.js";
import { hasHistory } from "../types/recorded.js";
import { carried, resumed } from "./carried.js";
import { withWaits, type Handle } from "./handle.js";
import { forProcess, forSignals, forTimer, historyOf, text, type History, type Thing } from "./history.js";
import { copyOf, copyOfList, isDefinition, kindOf, traceContextIn } from "./registering.js";
import { ATTRIBUTE, begin, codeOf, COMPLETED, end, ended, past, settled, type End } from "./spans.js";

/** What the runs of a driver have in common. */
export interface Place {
  readonly tracer: Tracer;
  readonly registry: ProcessRegistry;
}

/** Runs a process in a span. What its runner is given makes further ones. */
export async function run<T>(place: Place, given: RunContext, runner: (context: RunContext) => Promise<T> | T): Promise<T> {
  const one = new TracedRun(place, given);
  try {
    const value = await contexts.with(one.context, () => runner(one.traced()));
    one.ends(COMPLETED);
    return value;
  } catch (error) {
    one.ends(endOf(error, given.signal));
    throw error;
  }
}

/** How a run ended that threw this: as cancelled where it was asked to stop. */
function endOf(error: unknown, signal: AbortSignal): End {
  const how = ended(error, signal);
  if (how.outcome !== "aborted") return how;
  return signal.aborted ? { outcome: "cancelled" } : { outcome: "failed", error };
}

const CONTEXT = Symbol("context");

/** The context of a span that what a runner, or the function of a step, was given belongs to; nothing where it is not traced. */
export const contextIn = (given: object): Context | undefined => (given as { readonly [CONTEXT]?: Context })[CONTEXT];

/** What a step calls. */
type Work = (step: StepContext) => unknown;

class TracedRun {
  /** The context of its span. */
  readonly context: Context;
  private readonly span: Span;
  /** What earlier runs recorded; nothing where there was none. */
  private readonly history: Promise<History> | undefined;
  /** How many waits were issued for each thing, and the places that are free again as a wait for it failed. */
  private readonly issued = new Map<Thing, { count: number; free: number[] }>();
  /** When the last attempt of a step failed in this run. */
  private readonly failed = new Map<string, number>();
  private isOver = false;
  private isKept = false;

  constructor(
    private readonly place: Place,
    private readonly given: RunContext,
  ) {
    const { process, attempt, fencingToken, signal } = given;
    const { owner, name } = place.registry;
    const parent = resumed(process.traceContext);
    const before = resumed(process.runTraceContext);
    const since = Date.now();
    const from = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    this.span = begin(place.tracer, {
      name: `run ${process.identity.kind}`,
      kind: SpanKind.CONSUMER,
      parent: from,
      attributes: {
        [ATTRIBUTE.registry]: name,
        [ATTRIBUTE.owner]: owner.ownerId,
        [ATTRIBUTE.incarnation]: owner.incarnationId,
        ...this.ofProcess(),
        ...(process.version !== undefined && { [ATTRIBUTE.version]: process.version }),
        ...(process.parentId !== undefined && { [ATTRIBUTE.parentId]: process.parentId }),
        [ATTRIBUTE.attempt]: attempt,
        ...(fencingToken !== undefined && { [ATTRIBUTE.fencingToken]: fencingToken }),
      },
      links: before === undefined ? [] : [{ context: before, attributes: { [ATTRIBUTE.link]: "run_before" } }],
    });
    this.context = trace.setSpan(from, this.span);
    this.history = hasHistory(process, attempt) ? historyOf(place.registry, process.id) : undefined;
    void this.history?.then((history) => {
      const failedAt = history.runFailed(attempt);
      if (failedAt !== undefined) this.paused(from, failedAt, since, { [ATTRIBUTE.attempt]: attempt });
    });
    // A run that is over before its runner, which may never return.
    signal.addEventListener("abort", () => {
      const code = codeOf(signal.reason);
      if (code !== undefined) this.ends({ outcome: code });
    });
  }

  /** What the runner is given. */
  traced(): RunContext {
    const { given } = this;
    /** A call that writes. */
    const writes = <G extends unknown[], T>(call: (...given: G) => T) => {
      return (...given: G): T => {
        this.keep();
        return call(...given);
      };
    };
    return Object.freeze({
      ...given,
      [CONTEXT]: this.context,
      append: writes(given.append),
      setState: writes(given.setState),
      progress: writes(given.progress),
      putAttachment: writes(given.putAttachment),
      stream: writes(given.stream) as RunContext["stream"],
      step: ((key, work, options) => given.step(key, this.step(key, work) as typeof work, options)) as RunContext["step"],
      startChild: ((...all: unknown[]) => this.startChild(...(all as [unknown]))) as RunContext["startChild"],
      sleep: (key, ms) => this.timer(key, () => given.sleep(key, ms)),
      sleepUntil: (key, time) => this.timer(key, () => given.sleepUntil(key, time)),
      waitForSignal: ((name, options) => {
        const names = (copyOfList(name as readonly unknown[]) ?? [name]).map(text);
        return this.wait(forSignals(names), "signal", { [ATTRIBUTE.signals]: names }, options, () => given.waitForSignal(name, options));
      }) as RunContext["waitForSignal"],
      awaitTerminal: (processId, options) => this.awaited(processId, options, () => given.awaitTerminal(processId, options)),
    } satisfies RunContext & { [CONTEXT]: Context });
  }

  ends(how: End): void {
    if (this.isOver) return;
    this.isOver = true;
    end(this.span, how);
  }

  /** Has the record name the span of this run, for the next one to link to: once, beside the first thing that this run writes. */
  private keep(): void {
    const context = carried(this.span.spanContext());
    if (this.isKept || this.isOver || context === undefined) return;
    this.isKept = true;
    // What keeps it from being written, the call beside it meets, too.
    this.given.setTraceContext(context).catch(() => {});
  }

  private ofProcess(): Attributes {
    const { id, identity } = this.given.process;
    return { [ATTRIBUTE.processId]: id, [ATTRIBUTE.kind]: identity.kind };
  }

  // ── Steps ─────────────────────────────────────────────────────────────────

  /** The function of a step. It is called for an attempt, and never for a step that is on record. */
  private step(key: string, work: Work): Work {
    if (typeof work !== "function") return work;
    return (step) => {
      const { attempt, signal } = step;
      if (attempt > 1) this.pausedStep(key, attempt);
      const attributes = { ...this.ofProcess(), [ATTRIBUTE.stepKey]: key, [ATTRIBUTE.stepAttempt]: attempt };
      const span = begin(this.place.tracer, { name: `step ${key}`, parent: this.context, attributes });
      let isOver = false;
      const ends = (how: End) => {
        if (!isOver) end(span, how);
        isOver = true;
      };
      const returned = (value: unknown) => {
        ends(COMPLETED);
        this.keep();
        return value;
      };
      const threw = (error: unknown): never => {
        ends(ended(error));
        this.failed.set(key, Date.now());
        this.keep();
        throw error;
      };
      // The attempt is over then, also where its function does not heed the signal.
      signal.addEventListener("abort", () => {
        const how = ended(signal.reason);
        if (how.outcome !== "aborted") ends(how);
      });
      try {
        const inside = trace.setSpan(this.context, span);
        const value = contexts.with(inside, () => work(Object.freeze({ ...step, [CONTEXT]: inside })));
        return isThenable(value) ? Promise.resolve(value).then(returned, threw) : returned(value);
      } catch (error) {
        return threw(error);
      }
    };
  }

  /** Shows the pause before a later attempt of a step. The attempt before it may have been one of an earlier run. */
  private pausedStep(key: string, attempt: number): void {
    const now = Date.now();
    const attributes = { [ATTRIBUTE.stepKey]: key, [ATTRIBUTE.stepAttempt]: attempt };
    const shows = (since: number | undefined) => {
      if (since !== undefined) this.paused(this.context, since, now, attributes);
    };
    const here = this.failed.get(key);
    if (here !== undefined) shows(here);
    else void this.history?.then((history) => shows(history.stepFailed(key, attempt)));
  }

  private paused(parent: Context, since: number, until: number, attributes: Attributes): void {
    const started = { ...this.ofProcess(), [ATTRIBUTE.waitKind]: "retry", ...attributes };
    past(this.place.tracer, { name: "wait retry", parent, attributes: started, startTime: since }, COMPLETED, until);
  }

  // ── Waits ─────────────────────────────────────────────────────────────────

  private timer(key: string, sleep: () => Promise<void>): Promise<void> {
    return this.wait(forTimer(key), "timer", { [ATTRIBUTE.timerKey]: key }, undefined, sleep);
  }

  /** A wait for another process. One that had ended by then was not waited for: so it is when a later run asks again. */
  private awaited<T>(processId: string, options: WaitOptions | undefined, call: () => Promise<T>): Promise<T> {
    const before = this.history && this.place.registry.getProcess(processId).catch(() => undefined);
    const isPast = before?.then((record) => record !== undefined && record.status.state !== "running");
    return this.wait(forProcess(processId), "terminal", { [ATTRIBUTE.awaitedId]: processId }, options, call, isPast);
  }

  /**
   * A wait. Its promise is given as it is, since longwait knows by it whose code runs behind it. The span is made when the wait is over, as
   * only the log says whether it repeats one of an earlier run.
   */
  private wait<T>(
    thing: Thing,
    kind: string,
    attributes: Attributes,
    options: WaitOptions | undefined,
    call: () => Promise<T>,
    isPast?: Promise<boolean>,
  ): Promise<T> {
    const startTime = Date.now();
    const ordinal = this.number(thing);
    const promise = call();
    const is = (how: End) => {
      const time = Date.now();
      if (how.outcome !== "completed" && how.outcome !== "timeout") this.failedWait(thing, ordinal, how);
      const started = { ...this.ofProcess(), [ATTRIBUTE.waitKind]: kind, ...attributes };
      const shows = () =>
        past(this.place.tracer, { name: `wait ${kind}`, parent: this.context, attributes: started, startTime }, how, time);
      if (this.history === undefined) shows();
      else void this.repeats(thing, ordinal, how, isPast).then((repeats) => repeats || shows());
    };
    settled(promise, is, signalOf(options), this.given.signal);
    if (this.history === undefined) this.keep();
    else void this.history.then((history) => history.wait(thing, ordinal) === undefined && this.keep());
    return promise;
  }

  /** Whether a wait that came out so did so in an earlier run. */
  private async repeats(thing: Thing, ordinal: number, { outcome }: End, isPast: Promise<boolean> | undefined): Promise<boolean> {
    const known = (await this.history)?.wait(thing, ordinal);
    return known === "came out" || (known === "given up" && outcome !== "completed") || (await isPast) === true;
  }

  /** The place of the next wait among those for that thing, counted as the driver does. */
  private number(thing: Thing): number {
    const issued = this.issued.get(thing) ?? { count: 0, free: [] };
    this.issued.set(thing, issued);
    return issued.free.shift() ?? ++issued.count;
  }

  /** The next wait for that thing takes the place of one that failed; one that was aborted keeps its own. */
  private failedWait(thing: Thing, ordinal: number, { outcome }: End): void {
    if (outcome === "aborted") return;
    const issued = this.issued.get(thing);
    issued?.free.push(ordinal);
    issued?.free.sort((one, other) => one - other);
  }

  // ── Children ──────────────────────────────────────────────────────────────

  /** Starts a child, whose runs have this one as their parent. One that an earlier run started has its span already. */
  private async startChild(what: unknown, ...rest: unknown[]): Promise<ProcessHandle> {
    this.keep();
    const context = carried(this.span.spanContext());
    const given = isDefinition(what) ? [what, rest[0], traceContextIn(rest[1], context)] : [traceContextIn(what, context), ...rest];
    const startTime = Date.now();
    const kind = kindOf(what);
    const started = (more: Attributes) => ({
      name: `register ${kind}`,
      kind: SpanKind.PRODUCER,
      parent: this.context,
      attributes: { [ATTRIBUTE.kind]: kind, [ATTRIBUTE.parentId]: this.given.process.id, ...more },
      startTime,
    });
    try {
      const handle = await (this.given.startChild as (...given: unknown[]) => Promise<ProcessHandle>)(...given);
      const { id, disposition } = handle;
      if (disposition !== "existing")
        past(this.place.tracer, started({ [ATTRIBUTE.processId]: id, [ATTRIBUTE.disposition]: disposition }), COMPLETED);
      return withWaits(handle as Handle, (options, call) => this.awaited(id, options, call));
    } catch (error) {
      past(this.place.tracer, started({}), ended(error, this.given.signal));
      throw error;
    }
  }
}

const isThenable = (value: unknown): value is PromiseLike<never> => {
  return (
    (typeof value === "object" || typeof value === "function") && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
};

/** What is no signal is refused by the call itself. */
function signalOf(options: WaitOptions | undefined): AbortSignal | undefined {
  const signal = copyOf(options)?.signal;
  try {
    return signal instanceof AbortSignal ? signal : undefined;
  } catch {
    return undefined; // A revoked proxy.
  }
}
