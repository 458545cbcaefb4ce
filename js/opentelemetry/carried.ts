/** Trace contexts as they are kept with a process: those of spans, in the form of W3C Trace Context. Which propagators a page uses does not matter. */
import { createTraceState, isSpanContextValid, type SpanContext } from "@opentelemetry/api";
import type { TraceContext } from "../types/public.js";

/** The longest `tracestate` that is kept. */
const LONGEST_STATE = 512;

/** A span's context as it is kept. Nothing where there is none: no SDK is installed. */
export function carried(span: SpanContext): TraceContext | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, "0");
  const traceparent = `00-${span.traceId}-${span.spanId}-${flags}`;
  const tracestate = span.traceState?.serialize();
  return tracestate !== undefined && /^[ -~]+$/.test(tracestate) && tracestate.length <= LONGEST_STATE
    ? { traceparent, tracestate }
    : { traceparent };
}

/** The context of a span that was kept. Nothing where it is not valid. */
export function resumed(kept: TraceContext | undefined): SpanContext | undefined {
  const [, traceId = "", spanId = "", flags = ""] = kept?.traceparent.split("-") ?? [];
  const span: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  if (!isSpanContextValid(span)) return undefined;
  return kept?.tracestate === undefined ? span : { ...span, traceState: createTraceState(kept.tracestate) };
}
