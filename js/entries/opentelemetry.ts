/**
 * Traces by OpenTelemetry: {@link traced} gives a registry that makes spans of registering, runs, steps and waits.
 *
 * @module
 */
import { context, trace, type Context, type Tracer } from "@opentelemetry/api";
import { contextIn } from "../opentelemetry/run.js";
import { tracedRegistry } from "../opentelemetry/traced.js";
import type { ProcessRegistry } from "../types/public.js";

/** How a registry is traced. */
export interface TracingOptions {
  /** What makes the spans. Default: the tracer `longwait` of the provider that is registered. */
  tracer?: Tracer;
}

/**
 * The registry, with methods that make spans: of registering processes, of waits for their ends and events, and, by its `driver()`, of
 * runs, their steps and their waits. A process carries the trace context of the span that registered it, so that its runs belong to
 * that trace, in whatever tab and after whatever reload. What a run only repeats from the log has no second span.
 *
 * Both registries are the same one: closing either closes it, and only what is called through this one is traced.
 */
export function traced(registry: ProcessRegistry, options: TracingOptions = {}): ProcessRegistry {
  return tracedRegistry(registry, options.tracer ?? trace.getTracer("longwait"));
}

/**
 * The OpenTelemetry context of a run or of a step, by what its function was given: the parent of spans that it makes behind an `await`, where
 * a browser no longer knows which context is active. Of what is not traced it is the active context.
 */
export function contextOf(given: { readonly signal: AbortSignal }): Context {
  return contextIn(given) ?? context.active();
}
