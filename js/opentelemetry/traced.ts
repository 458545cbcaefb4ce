/** A registry whose methods make spans, by public methods of another one alone. */
import { context as contexts, SpanKind, type Attributes, type Span, type Tracer } from "@opentelemetry/api";
import type {
  DriverOptions,
  Implementation,
  ProcessAwaiter,
  ProcessHandle,
  ProcessRecord,
  ProcessRegistry,
  ProcessWorkDriver,
  RunContext,
  SessionView,
  WaitOptions,
} from "../types/public.js";
import { carried } from "./carried.js";
import { withWaits } from "./handle.js";
import { copyOf, copyOfList, hasTraceContext, idIn, kindOf, traceContextIn } from "./registering.js";
import { run, type Place } from "./run.js";
import { ATTRIBUTE, within } from "./spans.js";

/** What `traced()` does. */
export function tracedRegistry(registry: ProcessRegistry, tracer: Tracer): ProcessRegistry {
  const place: Place = { tracer, registry };
  const ofRegistry = { [ATTRIBUTE.registry]: registry.name };

  /** A call in a span below that which is active. */
  const spanned = <T>(
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    work: (span: Span) => Promise<T>,
    says?: (value: T, span: Span) => Attributes,
  ) => within(tracer, { name, kind, parent: contexts.active(), attributes: { ...ofRegistry, ...attributes } }, work, says);

  /** A call that registers a process of what is given, with what it is to be called with. */
  function registers<T>(
    verb: string,
    given: unknown,
    options: unknown,
    work: (options: never) => Promise<T>,
    says?: (value: T, span: Span) => Attributes,
  ): Promise<T> {
    const kind = kindOf(given);
    const id = idIn(options);
    const attributes = { [ATTRIBUTE.kind]: kind, ...(id !== undefined && { [ATTRIBUTE.processId]: id }) };
    const called = (span: Span) => work(traceContextIn(options, carried(span.spanContext())) as never);
    return spanned(`${verb} ${kind}`, SpanKind.PRODUCER, attributes, called, says);
  }

  const awaiter = waits(registry.awaiter);
  const handled = <H extends { readonly id: string }>(handle: H): H => withWaits(handle, (_, call) => terminal(handle.id, call));

  function terminal<T>(processId: string, call: () => Promise<T>): Promise<T> {
    return spanned("wait terminal", SpanKind.INTERNAL, { [ATTRIBUTE.waitKind]: "terminal", [ATTRIBUTE.awaitedId]: processId }, call);
  }

  function waits<A extends Pick<ProcessAwaiter, "awaitTerminal" | "awaitEvent">>(given: A): A {
    const { awaitTerminal, awaitEvent } = given;
    return over<Pick<ProcessAwaiter, "awaitTerminal" | "awaitEvent">>(given, {
      awaitTerminal: (processId: string, options?: WaitOptions) => terminal(processId, () => awaitTerminal(processId, options)),
      awaitEvent: ((processId, eventType, after, options) => {
        const attributes = { [ATTRIBUTE.waitKind]: "event", [ATTRIBUTE.awaitedId]: processId, [ATTRIBUTE.eventType]: eventType };
        return spanned("wait event", SpanKind.INTERNAL, attributes, () => awaitEvent(processId, eventType, after, options));
      }) as ProcessAwaiter["awaitEvent"],
    }) as A;
  }

  /** A driver of the registry, whose runs have spans. */
  function driver(given: DriverOptions): ProcessWorkDriver {
    return over(waits(registry.driver(tracedOptions(place, given))), { registry: traced });
  }

  const traced: ProcessRegistry = over(registry, {
    registerProcess: ((registration) =>
      registers(
        "register",
        registration,
        registration,
        registry.registerProcess,
        hasTraceContext(registration) ? ofRecord : ofRegistered,
      )) as ProcessRegistry["registerProcess"],
    registerProcesses: ((registrations) => {
      const list = copyOfList(registrations);
      return spanned("register", SpanKind.PRODUCER, { [ATTRIBUTE.count]: list?.length ?? 0 }, (span) => {
        const context = carried(span.spanContext());
        return registry.registerProcesses((list?.map((one) => traceContextIn(one, context)) ?? registrations) as never);
      });
    }) as ProcessRegistry["registerProcesses"],
    start: (async (definition: unknown, input: unknown, options: unknown) => {
      const start = (given: never) =>
        registry.start(definition as never, input as never, given) as Promise<unknown> as Promise<ProcessHandle>;
      return handled(await registers("register", definition, options ?? {}, start, ofHandle));
    }) as never,
    execute: ((definition: unknown, input: unknown, options: unknown) =>
      registers("execute", definition, options ?? {}, (given) => registry.execute(definition as never, input as never, given))) as never,
    handle: ((definition, processId) => handled(registry.handle(definition, processId))) as ProcessRegistry["handle"],
    forkProcess: (processId, options) =>
      spanned("fork", SpanKind.PRODUCER, { [ATTRIBUTE.forkOf]: processId }, () => registry.forkProcess(processId, options), ofRecord),
    awaiter,
    awaitTerminal: awaiter.awaitTerminal,
    awaitEvent: awaiter.awaitEvent,
    pollingAwaiter: () => waits(registry.pollingAwaiter()),
    session: (scope) => waits<SessionView>(registry.session(scope)),
    driver: driver as ProcessRegistry["driver"],
  });
  return traced;
}

/** An object with other methods in place of some. What it computes when it is read, it still does. */
function over<T extends object>(given: T, methods: Partial<T>): T {
  const own = Object.getOwnPropertyDescriptors(given);
  return Object.freeze(Object.defineProperties({}, { ...own, ...Object.getOwnPropertyDescriptors(methods) })) as T;
}

function ofRecord({ id, identity }: ProcessRecord): Attributes {
  return { [ATTRIBUTE.processId]: id, [ATTRIBUTE.kind]: identity.kind };
}

/** What a record says of the call that registered it, or found it there: it has the trace context of the call that came first. */
function ofRegistered(record: ProcessRecord, span: Span): Attributes {
  const isNew = record.traceContext?.traceparent === carried(span.spanContext())?.traceparent;
  return { ...ofRecord(record), [ATTRIBUTE.disposition]: isNew ? "created" : "existing" };
}

function ofHandle({ id, disposition }: Pick<ProcessHandle, "id" | "disposition">): Attributes {
  return { [ATTRIBUTE.processId]: id, [ATTRIBUTE.disposition]: disposition };
}

/** The options of a driver, whose runners make spans. */
function tracedOptions(place: Place, given: DriverOptions): DriverOptions {
  const options = copyOf(given);
  if (options === undefined) return given;
  const [runners, processes] = [copyOf(options.runners), copyOfList(options.processes)];
  return {
    ...options,
    ...(runners && { runners: Object.fromEntries(Object.entries(runners).map(([kind, runner]) => [kind, tracedRunner(place, runner)])) }),
    ...(processes && { processes: processes.map((one) => tracedImplementation(place, one)) }),
  };
}

function tracedImplementation(place: Place, given: Implementation): Implementation {
  const implementation = copyOf(given);
  return implementation === undefined ? given : { ...implementation, run: tracedRunner(place, implementation.run) };
}

function tracedRunner<T>(place: Place, runner: (context: RunContext) => Promise<T> | T) {
  return typeof runner === "function" ? (context: RunContext) => run(place, context, runner) : runner;
}
