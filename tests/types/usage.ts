/** Code that a user would write, and mistakes that the types must catch. Compiling this file is the test. */
import {
  defineProcess,
  isProcessError,
  openRegistry,
  ProcessError,
  type AppendRequest,
  type AppendResult,
  type AttachmentInfo,
  type AttachmentValue,
  type ImportReport,
  type ProcessLease,
  type ProcessRecord,
  type ProcessRegistration,
  type ProcessRegistry,
  type StreamInfo,
  type WokenWait,
} from "../../js/entries/index.js";

export async function typical(): Promise<string> {
  await using registry: ProcessRegistry = await openRegistry({ storage: "memory", sink: (event) => console.log(event.sequence) });
  await registry.registerProcess({
    id: "p",
    input: { type: "tool_call", call: { callId: "1", toolName: "search", args: { q: "x" } } },
    eventTypes: [
      {
        name: "progress",
        payloadSchema: { type: "object" },
        semantics: { wake: { input: { template: "{a}", fields: { a: "payload" } } } },
      },
    ],
  });
  for await (const event of registry.events("p", { untilTerminal: true, signal: AbortSignal.timeout(10) })) {
    if (event.semantics.terminal?.awaitOutput.type === "success") break;
  }
  using receiver = registry.hub.subscribe("p");
  await receiver.changed();
  const output = await registry.awaiter.awaitTerminal("p", { timeoutMs: 5 });
  return output.type === "success" ? JSON.stringify(output.value) : output.message;
}

export async function failing(registry: ProcessRegistry): Promise<void> {
  try {
    await registry.getProcess("p");
  } catch (error) {
    if (isProcessError(error, "closed")) error.code satisfies "closed";
    if (error instanceof ProcessError && error.code === "timeout") console.log(error.processId, error.cause);
    throw new ProcessError("why", { code: "internal", cause: error });
  }
}

export async function mistakes(registry: ProcessRegistry): Promise<void> {
  // @ts-expect-error: a misspelt option
  await openRegistry({ stroage: "memory" });
  // @ts-expect-error: a payload that is no JSON
  await registry.appendEvent("p", { eventType: "e", payload: new Date() });
  // @ts-expect-error: a failure needs its class, code and message
  await registry.completeProcess("p", { type: "failure" });
  // @ts-expect-error: the status of a process has no such state
  await registry.listProcesses({ status: "waiting" });
  // @ts-expect-error: codes are a closed set
  isProcessError(undefined, "oops");
}

/** Processes on their way to another registry, what woke which wait, and what streams there are. */
export async function moves(from: ProcessRegistry, to: ProcessRegistry, chosen: File, signal: AbortSignal): Promise<string[]> {
  const off: () => void = from.onWake(({ processId, wait, by, afterMs }: WokenWait) => console.log(processId, wait, by, afterMs + 1));
  off();
  const streams: StreamInfo[] = await from.listStreams("p");
  const lines: string[] = [];
  for await (const line of from.exportProcesses({ ids: streams.map(({ name }) => name) })) lines.push(line);
  const bytes: ReadableStream<Uint8Array> = from.exportProcesses({ filter: { status: "any" } }).toReadableStream();
  await to.importProcesses(bytes.pipeThrough(new CompressionStream("gzip") as never));
  await to.importProcesses(from.exportProcesses(), { ids: (id) => `copy-${id}`, signal });
  const { imported, existing }: ImportReport = await to.importProcesses(chosen, { ids: "keep" });
  // @ts-expect-error A text is no source: it may be the name of a file.
  await to.importProcesses("export.ndjson");
  // @ts-expect-error There is no such word.
  await to.importProcesses(chosen, { ids: "drop" });
  return [...imported, ...existing];
}

/** Files of a user, and several processes and events as one. */
export async function files(registry: ProcessRegistry, chosen: FileList, lease: ProcessLease | undefined): Promise<string> {
  const attachments: { [name: string]: AttachmentValue } = {};
  for (const file of chosen) attachments[file.name] = file;
  const record = await registry.registerProcess({ id: "p", input: { type: "external" }, attachments });
  const { fileName = "no file", size }: AttachmentInfo = (record.attachments ?? [])[0] ?? (await registry.listAttachments("p"))[0]!;
  const info = await registry.putAttachment("p", "bytes", new Uint8Array(3).subarray(1), lease && { lease });
  await registry.putAttachment("p", "buffer", new ArrayBuffer(3));
  const blob = await registry.getAttachment("p", "bytes");
  await registry.deleteAttachment("p", info.name);

  interface Note {
    text: string;
    tags?: readonly string[];
  }
  const note = (payload: Note): AppendRequest<Note> => ({ eventType: "note", payload });
  const job = (id: string): ProcessRegistration => ({
    id,
    input: { type: "engine", kind: "job", payload: 1 },
    attachments: { bytes: new Blob() },
  });
  const last = { id: "c", input: { type: "external" as const }, priority: 1 };
  const [first]: ProcessRecord[] = await registry.registerProcesses([job("a"), job("b"), last]);
  const appended: AppendResult[] = await registry.appendEvents("p", [note({ text: "x" }), { eventType: "e", replayKey: "k" }]);
  return `${fileName} ${size} ${info.type} ${blob?.size} ${first?.id} ${appended.length}`;
}

export const attaching = defineProcess<{ name: string }, number>({ kind: "attaching" }).implement(async ({ attachment, putAttachment }) => {
  const file = await attachment("file");
  if (!file) return 0;
  return (await putAttachment("part", file.slice(0, 1))).size;
});

export async function fileMistakes(registry: ProcessRegistry): Promise<void> {
  // @ts-expect-error: text is no attachment
  await registry.putAttachment("p", "note", "text");
  // @ts-expect-error: an attachment may not be there
  (await registry.getAttachment("p", "note")).size;
  // @ts-expect-error: attachments have names
  await registry.registerProcess({ id: "p", input: { type: "external" }, attachments: [new Blob()] });
  // @ts-expect-error: one of them has no input
  await registry.registerProcesses([{ id: "a", input: { type: "external" } }, { id: "b" }]);
  // @ts-expect-error: one payload is no JSON
  await registry.appendEvents("p", [{ eventType: "e" }, { eventType: "e", payload: () => 1 }]);
}
