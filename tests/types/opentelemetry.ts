/** A traced registry, as a user has it. Compiling this file is the test, with `exactOptionalPropertyTypes` and without (tsconfig.json here). */
import { propagation, trace, type Context } from "@opentelemetry/api";
import { defineProcess, type ProcessHandle, type ProcessRegistry, type RunContext, type TraceContext } from "../../js/entries/index.js";
import { contextOf, traced, type TracingOptions } from "../../js/entries/opentelemetry.js";

const upload = defineProcess<{ url: string }, { etag: string }>({ kind: "upload" });

export async function everywhere(registry: ProcessRegistry, options: TracingOptions) {
  const driven: ProcessRegistry = traced(registry);
  traced(driven, options);
  traced(driven, { tracer: trace.getTracer("app") });
  // @ts-expect-error: no tracer
  traced(driven, { tracer: "app" });
  // @ts-expect-error: no registry
  traced({});

  const handle = await driven.start(upload, { url: "/" });
  const { etag }: { etag: string } = await handle.result();
  const child: ProcessHandle<{ etag: string }>["id"] = handle.id;
  const { traceContext, runTraceContext } = await driven.registerProcess({
    id: child + etag,
    input: { type: "external" },
    traceContext: { traceparent: "", tracestate: "" },
  });
  const kept: (TraceContext | undefined)[] = [traceContext, runTraceContext];
  // @ts-expect-error: a definition belongs to no trace
  defineProcess({ kind: "k", traceContext: kept[0] });

  driven.driver({
    runners: {
      async plain(context) {
        const here: Context = contextOf(context);
        await context.step("s", (step) => propagation.inject(contextOf(step), {}));
        await context.setTraceContext({ traceparent: "" });
        return String(here);
      },
    },
    processes: [upload.implement((context) => (contextOf(context), { etag: context.input.url }))],
  });
  // @ts-expect-error: neither a run nor a step
  contextOf(driven);
}

export const hands = (context: RunContext) => contextOf(context);
