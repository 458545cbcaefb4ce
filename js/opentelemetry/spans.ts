/** Spans: how they are named, begun and ended. What is traced is for the other modules to say. */
import {
  context as contexts,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
} from "@opentelemetry/api";

/** The names of attributes, which do not change. */
export const ATTRIBUTE = {
  registry: "longwait.registry.name",
  owner: "longwait.owner.id",
  incarnation: "longwait.owner.incarnation_id",
  processId: "longwait.process.id",
  kind: "longwait.process.kind",
  version: "longwait.process.version",
  parentId: "longwait.process.parent_id",
  forkOf: "longwait.process.fork_of",
  count: "longwait.process.count",
  disposition: "longwait.process.disposition",
  attempt: "longwait.run.attempt",
  fencingToken: "longwait.run.fencing_token",
  stepKey: "longwait.step.key",
  stepAttempt: "longwait.step.attempt",
  waitKind: "longwait.wait.kind",
  awaitedId: "longwait.wait.process_id",
  eventType: "longwait.wait.event_type",
  signals: "longwait.wait.signals",
  timerKey: "longwait.wait.timer_key",
  outcome: "longwait.outcome",
  link: "longwait.link",
} as const;

/** How something ended that has a span: a word for `longwait.outcome`, and the error where it is one. */
export interface End {
  readonly outcome: string;
  readonly error?: unknown;
}

/** How a span is begun. */
export interface Begin {
  readonly name: string;
  readonly attributes: Attributes;
  readonly parent: Context;
  readonly kind?: SpanKind;
  readonly links?: Link[];
  /** In epoch milliseconds; default: now. */
  readonly startTime?: number;
}

export function begin(tracer: Tracer, { name, parent, kind = SpanKind.INTERNAL, ...options }: Begin): Span {
  return tracer.startSpan(name, { kind, ...options }, parent);
}

export function end(span: Span, { outcome, error }: End, time?: number): void {
  span.setAttribute(ATTRIBUTE.outcome, outcome);
  if (error !== undefined) {
    const thrown = error instanceof Error ? error : textOf(error);
    span.recordException(thrown);
    span.setStatus({ code: SpanStatusCode.ERROR, message: typeof thrown === "string" ? thrown : thrown.message });
  }
  span.end(time);
}

/** Makes a span of something that is over. */
export function past(tracer: Tracer, started: Begin, ended: End, time?: number): void {
  end(begin(tracer, started), ended, time);
}

/**
 * Calls `work` with a span that is active as long as `work` is on the stack, and ends it with what comes of it; `says` is what a value says of the span.
 * The promise of `work` is given as it is, since longwait knows by it whose code runs behind it. So a rejection that nothing else handles is
 * not reported as that; the span has it.
 */
export function within<T>(
  tracer: Tracer,
  started: Begin,
  work: (span: Span) => Promise<T>,
  says?: (value: T, span: Span) => Attributes,
): Promise<T> {
  const span = begin(tracer, started);
  const promise = contexts.with(trace.setSpan(started.parent, span), () => work(span));
  settled(promise, (how, value) => {
    if (value !== undefined && says !== undefined) span.setAttributes(says(value, span));
    end(span, how);
  });
  return promise;
}

/** Calls `then` with how a promise has settled, and with its value. */
export function settled<T>(promise: Promise<T>, then: (how: End, value?: T) => unknown, ...signals: (AbortSignal | undefined)[]): void {
  void promise.then(
    (value) => then(COMPLETED, value),
    (error: unknown) => then(ended(error, ...signals)),
  );
}

export const COMPLETED: End = { outcome: "completed" };

/**
 * How something ended that threw this. Neither an abort nor the limit of a wait is a failure: the program asked for both. Nor is the
 * end of a run whose process another one continues.
 */
export function ended(error: unknown, ...signals: (AbortSignal | undefined)[]): End {
  const code = codeOf(error);
  if (code !== undefined && NO_FAILURE.has(code)) return { outcome: code };
  if (signals.some((signal) => signal?.aborted && signal.reason === error)) return { outcome: "aborted" };
  if (nameOf(error) === "AbortError") return { outcome: "aborted" };
  return { outcome: "failed", error: error ?? textOf(error) };
}

const NO_FAILURE: ReadonlySet<string> = new Set(["timeout", "lease_lost", "closed", "process_terminal"]);

/** The code of an error of longwait. */
export const codeOf = (error: unknown): string | undefined => (nameOf(error) === "ProcessError" ? textIn(error, "code") : undefined);
const nameOf = (error: unknown): string | undefined => textIn(error, "name");

/** What is thrown may be anything, and must not be touched more than once. */
function textIn(given: unknown, name: string): string | undefined {
  try {
    const value: unknown = (given as { [name: string]: unknown } | null | undefined)?.[name];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(given: unknown): string {
  try {
    return String(given);
  } catch {
    return "what was thrown cannot be written as text";
  }
}
