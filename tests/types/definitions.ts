/**
 * Definitions as a user writes them: what is inferred of schemas, or given as types, without a cast. Compiling this file is the test, with
 * `exactOptionalPropertyTypes` and without (tsconfig.json here).
 */
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import {
  defineProcess,
  ProcessCancelledError,
  ProcessFailedError,
  waitAll,
  waitFirst,
  type Definition,
  type DriverOptions,
  type Json,
  type ProcessAwaitOutput,
  type ProcessHandle,
  type ProcessRegistry,
  type RunContext,
} from "../../js/entries/index.js";

/** Fails to compile unless the two are one type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;

const uploads = defineProcess({
  kind: "upload",
  version: 2,
  input: z.object({ url: z.url(), parts: z.number().default(1), tags: z.array(z.string()).readonly(), note: z.string().optional() }),
  output: z.object({ etag: z.string() }),
  events: { progress: z.object({ done: z.number() }), paused: z.null() },
  signals: { approve: z.object({ by: z.string() }), poke: z.null() },
  retry: { maxAttempts: 5 },
  labels: { area: "files" },
});

export const zodRunner = uploads.implement(async ({ input, append, waitForSignal, step, startChild, process, signal }) => {
  is<Same<typeof input.parts, number>>();
  is<Same<typeof input.tags, readonly string[]>>();
  is<Same<typeof input.note, string | undefined>>();
  await append({ eventType: "progress", payload: { done: 1 }, replayKey: "first" });
  await append({ eventType: "paused" });
  // @ts-expect-error: the payload of another event
  await append({ eventType: "paused", payload: { done: 1 } });
  // @ts-expect-error: a payload is missing
  await append({ eventType: "progress" });
  // @ts-expect-error: no event of the definition
  await append({ eventType: "progres", payload: { done: 1 } });
  const approved = await waitForSignal("approve");
  approved.payload.by satisfies string;
  const either = await waitForSignal(["approve", "poke"]);
  if (either.eventType === "signal.approve") either.payload.by satisfies string;
  else is<Same<typeof either.payload, null>>();
  // @ts-expect-error: no signal of the definition
  await waitForSignal("aprove");
  const child = await startChild(thumbnails, { width: 7 }, { key: "small", priority: 1 });
  const thumbnail: Thumbnail = await child.result();
  await startChild({ input: { type: "engine", kind: "other" } }, { key: "other" });
  return await step("put", () => ({ etag: thumbnail.sizes.join() + process.id + String(signal.aborted) }));
});

// @ts-expect-error: an output is missing
uploads.implement(() => {});
// @ts-expect-error: another output
uploads.implement(() => ({ tag: "x" }));

/** Without schemas: types. Interfaces, readonly arrays and optional fields are payloads. */
interface Size {
  width: number;
  height?: number;
}
interface Thumbnail {
  sizes: readonly number[];
  from?: Size;
}
interface Progress {
  done: number;
}
const thumbnails = defineProcess<Size, Thumbnail>({ kind: "thumbnail", concurrencyKey: "images" });
const followed = defineProcess<Size, Thumbnail, { progress: Progress; line: string }, { stop: Progress }>({
  kind: "followed",
  events: { progress: true, line: { type: "string" } },
});
// @ts-expect-error: the events have to be declared
defineProcess<Size, Thumbnail, { progress: Progress }>({ kind: "followed" });
export const typed = thumbnails.implement(({ input: { width, height = width } }) => ({ sizes: [width, height] as const, from: { width } }));
export const alsoTyped = followed.implement(async ({ append, waitForSignal }): Promise<Thumbnail> => {
  await append({ eventType: "progress", payload: { done: 1 } });
  // @ts-expect-error: another payload
  await append({ eventType: "line", payload: 1 });
  return { sizes: [(await waitForSignal("stop")).payload.done] };
});

/** A JSON Schema, or none, is any JSON. */
const loose = defineProcess({ kind: "loose", input: { type: "object", required: ["a"] }, events: { line: { type: "string" } } });
export const looseRunner = loose.implement(async ({ input, append, waitForSignal }) => {
  is<Same<typeof input, Json>>();
  await append({ eventType: "line", payload: { any: [1] } });
  is<Same<Awaited<ReturnType<typeof anySignal>>["payload"], Json>>();
  const anySignal = () => waitForSignal("whatever");
  await anySignal();
  const size: Size = { width: 1 };
  return size;
});
const bare = defineProcess({ kind: "bare" });
export const bareRunner = bare.implement(() => {});

const valibot = defineProcess({
  kind: "v",
  input: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
  output: v.optional(v.number()),
});
export const valibotRunner = valibot.implement(({ input }) => {
  is<Same<typeof input.n, number>>();
});
const arktype = defineProcess({ kind: "a", input: type({ n: "number = 7" }), output: type("string[]") });
export const arktypeRunner = arktype.implement(({ input }) => [input.n.toFixed(2)]);

export async function uses(registry: ProcessRegistry): Promise<void> {
  const handle = await registry.start(
    uploads,
    { url: "https://example.test", tags: ["a"] as const },
    { id: "u", startAtMs: 1, label: "an upload" },
  );
  is<Same<typeof handle.disposition, "created" | "existing" | "queued">>();
  const { etag } = await handle.result({ timeoutMs: 1 });
  etag satisfies string;
  await handle.signal("approve", { by: "me" }, { signalId: "1" });
  await handle.signal("poke");
  // @ts-expect-error: a payload is missing
  await handle.signal("approve");
  // @ts-expect-error: another payload
  await handle.signal("approve", { by: 7 });
  // @ts-expect-error: no signal of the definition
  await handle.signal("aprove", { by: "me" });
  // @ts-expect-error: an input is missing
  await registry.start(uploads);
  // @ts-expect-error: another input
  await registry.start(uploads, { url: 7, tags: [] });
  // @ts-expect-error: a misspelt option
  await registry.start(uploads, { url: "https://example.test", tags: [] }, { prioritty: 1 });
  // @ts-expect-error: a version is the definition's
  await registry.start(bare, null, { version: 1 });
  for await (const event of handle.events({ untilTerminal: true })) {
    if (event.eventType === "progress") event.payload.done satisfies number;
    else if (event.eventType === "signal.approve") event.payload.by satisfies string;
    else if (event.eventType === "paused") is<Same<typeof event.payload, null>>();
    else if (event.eventType === "process.completed") is<Same<typeof event.payload, Json>>();
  }
  for await (const event of handle.events({ types: ["progress"] })) event.payload.done satisfies number;
  // @ts-expect-error: no event of the definition
  handle.events({ types: ["progres"] });

  const record = await handle.record();
  if (record.status.state !== "running") record.status.awaitOutput satisfies ProcessAwaitOutput;
  // @ts-expect-error: there is none yet
  else record.status.awaitOutput satisfies ProcessAwaitOutput;

  const size: Size = { width: 7 };
  const thumbnail: Thumbnail = await registry.execute(thumbnails, size, { timeoutMs: 1, priority: 2 });
  is<Same<typeof thumbnail.sizes, readonly number[]>>();
  is<Same<Awaited<ReturnType<typeof either>>, number | null>>();
  const either = () => registry.execute(valibot, { n: "7" });
  // @ts-expect-error: what the schema takes is a text
  await registry.execute(valibot, { n: 7 });
  const list: string[] = await registry.execute(arktype, {});
  await registry.start(loose, { a: size });
  await registry.start(bare);
  await registry.start(bare, size, { id: "b", attachments: { file: new Blob(["x"]) } });
  is<Same<Awaited<ReturnType<typeof anything>>, Json>>();
  const anything = () => registry.execute(bare);

  const known = registry.handle(followed, "f");
  await known.signal("stop", { done: list.length });
  const [one, two, three] = await waitAll([handle, known, registry.handle(bare, "b")], { timeoutMs: 1 });
  one.etag satisfies string;
  two.sizes satisfies readonly number[];
  three satisfies Json;
  const many: { etag: string }[] = await waitAll(["a", "b"].map((id) => registry.handle(uploads, id)));
  const first = await waitFirst([handle, known]);
  if (first.output.type === "success" && first.handle === handle) console.log(first.output.value, many.length);
  const plain: ProcessHandle<{ etag: string }> = handle;
  await plain.cancel("enough");
  registry.driver({ processes: [zodRunner, typed, alsoTyped, looseRunner, bareRunner, valibotRunner, arktypeRunner] });
  const options: DriverOptions = { processes: [zodRunner, typed] };
  registry.driver(options);
}

export async function fails(handle: ProcessHandle<number>): Promise<number> {
  try {
    return await handle.result();
  } catch (error) {
    if (error instanceof ProcessFailedError) console.log(error.class, error.code, error.raw);
    if (error instanceof ProcessCancelledError) console.log(error.message);
    throw error;
  }
}

/** Helpers of one's own: a definition by its types, and a plain context. */
export const begin = (registry: ProcessRegistry, definition: Definition<Size, Thumbnail>) => registry.execute(definition, { width: 1 });
export const begun = (registry: ProcessRegistry) => begin(registry, thumbnails);
const helper = ({ step }: Pick<RunContext, "step" | "sleep">) => step("helped", () => 1);
export const helped = bare.implement(async (context) => {
  await helper(context);
  const whole: RunContext = context;
  return whole.process.id;
});

// @ts-expect-error: a misspelt field
defineProcess({ kind: "x", inptu: z.string() });
// @ts-expect-error: a kind is missing
defineProcess({ input: z.string() });
// @ts-expect-error: no schema
defineProcess({ kind: "x", input: new Date() });
// @ts-expect-error: no such word
defineProcess({ kind: "x", onConflict: "sometimes" });
// @ts-expect-error: a schema that gives a date
defineProcess({ kind: "x", input: z.object({ at: z.date() }) });
// @ts-expect-error: a schema that gives a map
defineProcess({ kind: "x", events: { e: z.map(z.string(), z.string()) } });
interface Tree {
  name: string;
  children: Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }));
export const trees = defineProcess({
  kind: "x",
  input: tree,
  output: z.any(),
  events: { e: z.unknown(), f: z.json() },
  signals: { s: z.void() },
});
// @ts-expect-error: a date among the types
defineProcess<{ at: Date }, string>({ kind: "x" });
// @ts-expect-error: a map among the types of events
defineProcess<Size, string, { e: Map<string, string> }>({ kind: "x", events: { e: true } });
