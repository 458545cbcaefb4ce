/**
 * What may be given as a payload: interfaces, `readonly` arrays and optional fields, at any depth, and what may not. Compiling this
 * file is the test, with `exactOptionalPropertyTypes` and without (tsconfig.json here).
 */
import type {
  AppendRequest,
  Json,
  JsonCompatible,
  JsonLike,
  ProcessAwaitOutput,
  ProcessRegistration,
  ProcessRegistry,
  RunContext,
  SessionView,
} from "../../js/entries/index.js";

interface Tag {
  name: string;
  weight?: number;
}
interface Order {
  url: string;
  tags: readonly Tag[];
  note?: string;
  place: { at: readonly [number, number] } | null;
}

declare const order: Order;
declare const json: Json;
declare const view: SessionView;

export async function takes(registry: ProcessRegistry): Promise<void> {
  await registry.appendEvent("p", { eventType: "e", payload: order });
  await registry.appendEvent("p", { eventType: "e" });
  await registry.appendEvent("p", { eventType: "e", payload: { list: [1, { order }], empty: null } });
  await registry.appendEvent("p", { eventType: "e", payload: [1, "x"] as const });
  await registry.appendEvent("p", { eventType: "e", payload: json });
  await registry.registerProcess({
    id: "p",
    input: { type: "engine", kind: "k", payload: order },
    identity: { kind: "k", definition: { order } },
  });
  await registry.registerProcess({
    id: "p",
    input: { type: "external", metadata: { label: "x", list: [1, null] } },
    provenance: { originator: { type: "host" }, causedBy: order },
  });
  await registry.registerProcess({ id: "p", input: { type: "tool_call", call: { callId: "1", toolName: "t", args: order, more: [1] } } });
  await registry.registerProcess({ id: "p", input: { type: "session_turn", createRequest: order, turnInput: order } });
  await registry.registerProcess({ id: "p", input: { type: "external", metadata: json } });
  const payloadSchema = { type: "object", required: ["a"] } as const;
  await registry.registerProcess({
    id: "p",
    input: { type: "external" },
    eventTypes: [
      { name: "e", payloadSchema },
      { name: "f", payloadSchema: { type: "string" } },
    ],
  });
  await registry.completeProcess("p", { type: "success", value: order });
  await registry.completeProcess("p", { type: "failure", class: "execution", code: "c", message: "m", raw: order });
  await registry.completeProcess("p", { type: "success", value: json });
  await registry.setExternalRef("p", { backend: "b", id: "1", metadata: order });
  await registry.listProcesses({ definition: order });
  await registry.signal("p", "go", order, { signalId: "1" });
  await registry.signal("p", "go");
  await registry.signal("p", "go", json);
  await view.signal("p", "go", { order });
  await view.list({ definition: order });
  registry.driver({ runners: { order: () => order, later: async () => ({ tags: order.tags }), nothing: () => {}, json: () => json } });
}

export async function keeps(
  registry: ProcessRegistry,
  registration: ProcessRegistration,
  request: AppendRequest,
  output: ProcessAwaitOutput,
): Promise<void> {
  await registry.registerProcess(registration);
  await registry.appendEvent("p", request);
  await registry.completeProcess("p", output);
  (await registry.appendEvent("p", { eventType: "e", payload: order })).event.payload satisfies Json;
}

export async function runs({ append, step, waitForSignal }: RunContext): Promise<Order> {
  await append({ eventType: "e", payload: order });
  const kept: Order = await step("a", () => order);
  const made: { n: number } = await step("b", async () => ({ n: 1 }));
  await step("c", () => {});
  await step("d", async () => {});
  const read: Json = await step("e", () => json);
  const heard: Order = (await waitForSignal<Order>("go")).payload;
  const plain: Json = (await waitForSignal("go")).payload;
  return { ...kept, note: JSON.stringify([made, read, heard, plain]) };
}

export async function refuses(registry: ProcessRegistry, { step, append }: RunContext): Promise<void> {
  // @ts-expect-error: a date
  await registry.appendEvent("p", { eventType: "e", payload: new Date() });
  // @ts-expect-error: a date further down
  await registry.appendEvent("p", { eventType: "e", payload: { when: [new Date()] } });
  // @ts-expect-error: a function
  await append({ eventType: "e", payload: { call: () => 1 } });
  // @ts-expect-error: undefined
  await registry.appendEvent("p", { eventType: "e", payload: { a: undefined } });
  // @ts-expect-error: a symbol
  await registry.appendEvent("p", { eventType: "e", payload: Symbol("x") });
  // @ts-expect-error: a misspelt field
  await registry.appendEvent("p", { eventTyp: "e" });
  // @ts-expect-error: a date in metadata
  await registry.registerProcess({ id: "p", input: { type: "external", metadata: { at: new Date() } } });
  // @ts-expect-error: a misspelt field
  await registry.registerProcess({ id: "p", input: { type: "external" }, recovry: "rerun" });
  // @ts-expect-error: no such word
  await registry.registerProcess({ id: "p", input: { type: "external" }, recovery: "sometimes" });
  // @ts-expect-error: a map
  await registry.completeProcess("p", { type: "success", value: { m: new Map() } });
  // @ts-expect-error: a BigInt
  await registry.signal("p", "go", { big: 1n });
  // @ts-expect-error: a date
  await step("k", () => new Date());
  // @ts-expect-error: a date
  registry.driver({ runners: { k: () => new Date() } });
  // @ts-expect-error: a function
  registry.driver({ runners: { k: () => () => 1 } });
}

/** Chunks of streams: interfaces and `readonly` arrays fit, and come back as what the reader says they are. */
export async function streams(registry: ProcessRegistry, { stream }: RunContext): Promise<string> {
  interface Line {
    readonly text: string;
    readonly marks: readonly number[];
  }
  const out = await stream<Line>("lines", { resume: true, keep: "untilTerminal" });
  await out.append({ text: "a", marks: [1] });
  await new ReadableStream<Line>().pipeTo(out.writable);
  const plain = await stream("anything");
  await plain.append({ any: ["json", null] });
  // @ts-expect-error: no line
  await out.append({ text: 1 });
  // @ts-expect-error: a date
  await plain.append(new Date());
  // @ts-expect-error: a stream of dates
  await (await stream<{ at: Date }>("dates")).append({ at: new Date() });
  // @ts-expect-error: no such word
  await stream("lines", { keep: "forever" });
  let text = "";
  for await (const { index, attempt, value } of registry.readStream<Line>("p", "lines", { startIndex: 1 }))
    text += value.text + value.marks[0] + (index + attempt);
  const all: ReadableStream<{ index: number; attempt: number; value: Line }> = registry.readStream<Line>("p", "lines").toReadableStream();
  await all.cancel();
  // @ts-expect-error: where nothing is said, any JSON
  for await (const { value } of registry.readStream("p", "lines")) text += value.text;
  return text;
}

/** For helpers of one's own. */
export function send<P extends JsonLike>(registry: ProcessRegistry, payload: P & JsonCompatible<P>): Promise<unknown> {
  return registry.signal("p", "go", payload);
}
export const sent = (registry: ProcessRegistry) => send(registry, order);
