/**
 * What is observed, and the hooks for React, as a user writes them: what is inferred of a definition, without a cast. Compiling this file is the
 * test, with `exactOptionalPropertyTypes` and without (tsconfig.json here).
 */
import { z } from "zod";
import {
  defineProcess,
  type Json,
  type ProcessEvent,
  type ProcessFailedError,
  type ProcessRecord,
  type ProcessRegistry,
} from "../../js/entries/index.js";
import { observe, type DefinedRecord, type Observable, type RecordOf } from "../../js/entries/observe.js";
import { useProcess, useProcesses, useResult, useStart, useSuspenseProcess } from "../../js/entries/react.js";
import { observed } from "../../js/entries/svelte.js";
import { useObserved } from "../../js/entries/vue.js";

/** Fails to compile unless the two are one type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;

interface Upload {
  readonly url: string;
  readonly tags?: readonly string[];
}

const uploads = defineProcess<Upload, { etag: string }, { part: { n: number } }, { approve: { by: string } }>({
  kind: "upload",
  events: { part: true },
});
const withSchemas = defineProcess({
  kind: "convert",
  input: z.object({ n: z.string().transform(Number) }),
  output: z.date().transform(String),
});

export function snapshots(registry: ProcessRegistry | Promise<ProcessRegistry>) {
  const one = observe(registry, { type: "process", id: "u", definition: uploads }).getSnapshot();
  if (one.status === "present") {
    is<Same<typeof one.value, DefinedRecord<Upload, { etag: string }>>>();
    is<Same<RecordOf<typeof uploads>, typeof one.value>>();
    const { status } = one.value;
    if (status.state === "completed") is<Same<typeof status.awaitOutput.value, { etag: string }>>();
    if (status.state === "failed") is<Same<typeof status.awaitOutput.code, string>>();
    // @ts-expect-error: one that runs has no output
    if (status.state === "running") status.awaitOutput.type;
  } else if (one.status === "error") is<Same<typeof one.error, Error>>();
  else is<Same<typeof one.value, undefined>>();

  const any = observe(registry, { type: "process", id: "u" });
  is<Same<NonNullable<ReturnType<typeof any.getSnapshot>["value"]>, ProcessRecord>>();

  const { value: list = [], hasMore } = observe(registry, { type: "processes", definition: withSchemas, limit: 3 }).getSnapshot();
  is<Same<typeof hasMore, boolean>>();
  for (const { input } of list) is<Same<typeof input.payload, { n: number }>>();

  const { value: events = [] } = observe(registry, {
    type: "events",
    id: "u",
    definition: uploads,
    types: ["part", "signal.approve"],
  }).getSnapshot();
  for (const event of events)
    if (event.eventType === "part") is<Same<typeof event.payload, { n: number }>>();
    else is<Same<typeof event.payload, { by: string }>>();
  const { value: plain = [] } = observe(registry, { type: "events", id: "u" }).getSnapshot();
  is<Same<typeof plain, readonly ProcessEvent[]>>();

  const { value: part } = observe(registry, { type: "latestEvent", id: "u", definition: uploads, eventType: "part" }).getSnapshot();
  if (part) is<Same<typeof part.payload, { n: number }>>();

  const result = observe(registry, { type: "result", id: "u", definition: uploads }).getSnapshot();
  if (result.status === "completed") is<Same<typeof result.value, { etag: string }>>();
  if (result.status === "failed") is<Same<typeof result.error, ProcessFailedError>>();
  const untyped = observe(registry, { type: "result", id: "u" }).getSnapshot();
  if (untyped.status === "completed") is<Same<typeof untyped.value, Json>>();

  const count: Observable<{ readonly value?: number | undefined }> = observe(registry, { type: "count", filter: { labels: { of: "x" } } });
  // @ts-expect-error: no such query
  observe(registry, { type: "everything" });
  // @ts-expect-error: no such filter
  observe(registry, { type: "count", filter: { state: "running" } });
  return count;
}

export function Component({ id }: { id: string | undefined }) {
  const { value: etag } = useProcess(uploads, id, { select: ({ status }) => status.awaitOutput?.type });
  is<Same<typeof etag, "success" | "failure" | "cancelled" | undefined>>();
  const { value: rows = [], loadMore } = useProcesses(uploads, { order: "newest", limit: 2 });
  for (const { input } of rows) is<Same<typeof input.payload, Upload>>();
  const record = useSuspenseProcess(uploads, "u");
  is<Same<typeof record, DefinedRecord<Upload, { etag: string }> | undefined>>();
  const result = useResult(withSchemas, id);
  if (result.status === "completed") is<Same<typeof result.value, string>>();
  const { start, handle } = useStart(withSchemas);
  void start({ n: "1" }, { labels: { of: "x" } });
  // @ts-expect-error: what the schema takes is a text
  void start({ n: 1 });
  // @ts-expect-error: an input is needed
  void start();
  void handle?.result().then((text) => is<Same<typeof text, string>>());
  return loadMore;
}

export function others() {
  const shown = useObserved(() => ({ type: "process", id: "u", definition: uploads }));
  if (shown.value.status === "present") is<Same<typeof shown.value.value.input.payload, Upload>>();
  observed({ type: "count" }).subscribe(({ value }) => is<Same<typeof value, number | undefined>>());
}
