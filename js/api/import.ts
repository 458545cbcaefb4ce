/**
 * Imports: puts the processes of an export into the registry, one after the other. It decides what the lines of a file may be and in which order; what of a
 * process is taken is the rules' to say.
 */
import { LINES } from "../border/arguments.js";
import { type RawAttachment, sameBytes } from "../border/attachments.js";
import { call } from "../border/call.js";
import { abortSignal, callback, id as checkedId, optional, options } from "../border/check.js";
import { describe } from "../border/fault.js";
import type { Exported, RawRegistry } from "../border/raw.js";
import { isObject, shape } from "../border/shapes.js";
import { Aborted, refuseAborted, untilAborted } from "../border/stop.js";
import { isOf, keys, parse } from "../platform/intrinsics.js";
import { fromBase64 } from "../platform/base64.js";
import { invalidArgument, ProcessError, raise } from "../types/errors.js";
import { withoutHelp } from "../types/help.js";
import type { AttachmentInfo, ImportOptions, ImportReport, Json } from "../types/public.js";
import type { AttachmentWriter } from "./attachments.js";
import { FORMAT, VERSION } from "./export.js";
import { Lines, sourceOf } from "./source.js";

/** The most characters of the lines of one process, those of the bytes of attachments aside: it is written in one transaction. */
const MOST_CHARACTERS = 268_435_456;
/** The most characters of bytes in one line. */
const MOST_BYTES = 1_048_576;

/** A process of which not all lines were read. */
interface Incoming {
  readonly id: string;
  readonly exported: Exported;
  readonly attachments: (AttachmentInfo & { parts: Blob[]; read: number })[];
  /** Where each part stands. */
  readonly lines: { process: number; events: number[]; streams: number[]; chunks: number[]; attachments: number[] };
  characters: number;
}

/** What a line says. */
type Line = { [W in keyof typeof LINES]: { word: W; value: Json } }[keyof typeof LINES];

export async function importProcesses(
  raw: RawRegistry,
  attaching: AttachmentWriter,
  source: unknown,
  given: ImportOptions | undefined,
): Promise<ImportReport> {
  const { ids, signal } = options<ImportOptions>(given, "options", {
    ids: optional((value, name) => (value === "keep" ? value : (callback(value, name) as (id: string) => string))) as never,
    signal: optional(abortSignal) as never,
  });
  raw.refuseUnlessOpen();
  const lines = new Lines(sourceOf(source));
  const report: ImportReport = { imported: [], existing: [] };
  let isOver = false;
  try {
    await importLines(raw, attaching, lines, typeof ids === "function" ? ids : undefined, signal, report);
    isOver = true;
    return report;
  } catch (fault) {
    throw isOf(fault, ProcessError) ? placed(fault, lines.number, report) : fault;
  } finally {
    // What a source says of being left early is of no concern.
    if (!isOver) lines.cancel().catch(() => {});
  }
}

async function importLines(
  raw: RawRegistry,
  attaching: AttachmentWriter,
  lines: Lines,
  rename: ((id: string) => string) | undefined,
  signal: AbortSignal | undefined,
  report: ImportReport,
): Promise<void> {
  let incoming: Incoming | undefined;
  let processes = 0;
  const begin = await nextLine(lines, signal);
  if (begin === undefined) throw invalidArgument("the file is empty");
  checkFormat(begin);
  for (;;) {
    const text = await nextLine(lines, signal);
    if (text === undefined)
      throw invalidArgument(`the file is cut off: ${incoming ? `process \`${incoming.id}\`` : "its last line"} is missing`);
    const line = lineOf(text);
    switch (line.word) {
      case "complete":
        if (incoming !== undefined) throw invalidArgument(`complete: process \`${incoming.id}\` has no end`);
        return checkCompletion(lines, signal, line.value as { processes: number }, processes);
      case "process":
        if (incoming !== undefined) throw invalidArgument(`process: process \`${incoming.id}\` before has no end`);
        incoming = beginning(line.value, lines.number);
        break;
      default:
        if (incoming === undefined) throw invalidArgument(`${line.word}: there is no process that it belongs to`);
        if (line.word === "withdrawn") {
          belongs(incoming, line);
          incoming = undefined;
        } else if (line.word === "end") {
          belongs(incoming, line);
          const { id, outcome } = await put(raw, attaching, incoming, rename);
          report[outcome].push(id);
          processes++;
          incoming = undefined;
        } else add(incoming, line, lines.number);
    }
    if (incoming !== undefined && line.word !== "bytes") {
      incoming.characters += text.length;
      if (incoming.characters > MOST_CHARACTERS)
        throw invalidArgument(`process \`${incoming.id}\` has more than ${MOST_CHARACTERS} characters`);
    }
  }
}

// ── Lines ───────────────────────────────────────────────────────────────────

/** The next line that is not blank. */
async function nextLine(lines: Lines, signal: AbortSignal | undefined): Promise<string | undefined> {
  for (;;) {
    refuseAborted(signal);
    const line = await untilAborted(signal, () => lines.next());
    if (line === undefined || line.trim() !== "") return line;
  }
}

function parsed(text: string): object {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw invalidArgument("is not JSON", cause);
  }
  if (!isObject(value)) throw invalidArgument(`must be an object, not ${describe(value)}`);
  return value;
}

function checkFormat(text: string): void {
  const { longwait, version, ...rest } = parsed(text) as { [name: string]: unknown };
  if (longwait !== FORMAT) throw invalidArgument("is not the first line of an export of longwait");
  if (version !== VERSION) throw invalidArgument(`version: this version of longwait reads ${VERSION}, not ${String(version)}`);
  const other = keys(rest)[0];
  if (other !== undefined) throw invalidArgument(`${other}: is not known here`);
}

function lineOf(text: string): Line {
  const value = parsed(text) as { [word: string]: unknown };
  const [word, other] = keys(value);
  if (word === undefined || other !== undefined || !Object.hasOwn(LINES, word))
    throw invalidArgument(`must be an object of one of ${keys(LINES).join(", ")}`);
  return { word, value: shape(value[word], word, LINES[word as keyof typeof LINES]) } as Line;
}

function beginning(process: Json, line: number): Incoming {
  const { registration } = process as unknown as { registration: { id: string } };
  return {
    id: registration.id,
    exported: { process, events: [], streams: [], chunks: [] },
    attachments: [],
    lines: { process: line, events: [], streams: [], chunks: [], attachments: [] },
    characters: 0,
  };
}

const PARTS = { event: "events", stream: "streams", chunks: "chunks", attachment: "attachments" } as const;

function add({ exported, attachments, lines }: Incoming, { word, value }: Line, line: number): void {
  if (word !== "event" && word !== "stream" && word !== "chunks" && word !== "attachment" && word !== "bytes") return;
  const last = attachments.at(-1);
  if (word === "bytes") return addBytes(last, value as string);
  checkSize(last);
  lines[PARTS[word]].push(line);
  if (word === "attachment") attachments.push({ ...(value as unknown as AttachmentInfo), parts: [], read: 0 });
  else exported[PARTS[word]].push(value);
}

function addBytes(attachment: Incoming["attachments"][number] | undefined, text: string): void {
  if (attachment === undefined) throw invalidArgument("bytes: there is no attachment that they belong to");
  if (text.length > MOST_BYTES) throw invalidArgument(`bytes: has more than ${MOST_BYTES} characters`);
  const bytes = bytesOf(text);
  attachment.read += bytes.length;
  if (attachment.read > attachment.size)
    throw invalidArgument(`bytes: attachment \`${attachment.name}\` has ${attachment.size} bytes, not more`);
  attachment.parts.push(new Blob([bytes]));
}

/** Refuses where bytes are missing of an attachment that is at its end. */
function checkSize(attachment: Incoming["attachments"][number] | undefined): void {
  if (attachment !== undefined && attachment.read < attachment.size) {
    const { name, size, read } = attachment;
    throw invalidArgument(`attachment \`${name}\` has ${size} bytes, and there are ${read}`);
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) throw invalidArgument("bytes: is not base64");
  return fromBase64(text);
}

function belongs({ id }: Incoming, { word, value }: Line): void {
  if (value !== id) throw invalidArgument(`${word}: must be \`${id}\``);
}

async function checkCompletion(
  lines: Lines,
  signal: AbortSignal | undefined,
  { processes }: { processes: number },
  there: number,
): Promise<void> {
  if (processes !== there) throw invalidArgument(`complete.processes: is ${processes}, and there are ${there}`);
  if ((await nextLine(lines, signal)) !== undefined) throw invalidArgument("follows the last line");
}

// ── Processes ───────────────────────────────────────────────────────────────

async function put(
  raw: RawRegistry,
  attaching: AttachmentWriter,
  { id, exported, attachments, lines }: Incoming,
  rename: ((id: string) => string) | undefined,
): Promise<{ id: string; outcome: keyof ImportReport }> {
  checkSize(attachments.at(-1));
  const bodies = attachments.map(({ parts, read, ...info }): RawAttachment => ({ info, body: new Blob(parts, { type: info.type }) }));
  const renames = rename === undefined ? [] : await renamesOf(raw, exported, rename);
  const newId = renames[0]?.[1] ?? id;
  try {
    const outcome = await attaching.write(bodies, (ready) => call(() => raw.call("importProcess", exported, ready, renames)));
    if (outcome === "existing") await compareBytes(raw, newId, bodies);
    return { id: newId, outcome };
  } catch (fault) {
    throw isOf(fault, ProcessError) ? atItsLine(fault, lines) : fault;
  }
}

async function renamesOf(raw: RawRegistry, exported: Exported, rename: (id: string) => string): Promise<[from: string, to: string][]> {
  const ids = await call(() => raw.call("exportedIds", exported));
  return ids.map((id) => [id, checkedId(renamed(id, rename), "options.ids(…)")]);
}

/** What the function of the caller throws is what the import rejects with. */
function renamed(id: string, rename: (id: string) => string): unknown {
  try {
    return rename(id);
  } catch (fault) {
    throw new Aborted(fault);
  }
}

async function compareBytes(raw: RawRegistry, id: string, attachments: readonly RawAttachment[]): Promise<void> {
  for (const { info, body } of attachments) {
    const stored = await call(() => raw.call("getAttachment", id, info.name));
    if (stored === undefined || !(await sameBytes(stored.body, body))) {
      const message = `process \`${id}\` is here already, and is not what is imported: attachment \`${info.name}\``;
      throw raise(message, { code: "registration_conflict", processId: id });
    }
  }
}

// ── Faults ──────────────────────────────────────────────────────────────────

/** What the rules refuse because the file is wrong. */
const OF_THE_FILE = ["invalid_argument", "invalid_schema"];

/** A fault of a part of a process, which names the part by its place, with its line instead. */
function atItsLine(fault: ProcessError, lines: Incoming["lines"]): ProcessError {
  if (!OF_THE_FILE.includes(fault.code)) return fault;
  const [, part, place, rest] = /^(process|events|streams|chunks|attachments)(?:\[(\d+)\])?([^]*)/.exec(fault.message) ?? [];
  const word = Object.entries(PARTS).find(([, name]) => name === part)?.[0] as keyof typeof PARTS | undefined;
  const line = (word === undefined ? undefined : lines[PARTS[word]][Number(place)]) ?? lines.process;
  const path = rest === undefined ? fault.message : `${word ?? "process"}${rest}`;
  return inLine(invalidArgument(path, fault.cause), line);
}

/** The lines that faults already name. */
const inLines = new WeakMap<ProcessError, number>();

function inLine(fault: ProcessError, line: number): ProcessError {
  inLines.set(fault, line);
  return fault;
}

/** A fault as the caller is given it: with the line, and what was imported before. */
function placed(fault: ProcessError, current: number, report: ImportReport): ProcessError {
  const { code, processId, cause } = fault;
  const count = report.imported.length;
  const before = count === 1 ? "1 process was" : `${count} processes were`;
  return raise(`line ${inLines.get(fault) ?? current}: ${withoutHelp(fault.message)}; ${before} imported before it`, {
    code,
    processId,
    cause,
    report,
  });
}
