/**
 * Exports: processes as lines of JSON. It decides what is read when, and which lines that makes; what a process is made of is the rules' to say.
 *
 * A process is as it was when its export began: a log only grows, and chunks are only added. Where that cannot be had any more, as it was
 * removed, an attachment replaced or a stream cleared, its lines are withdrawn, and it is read anew.
 */
import { ids as checkedIds, optional, options } from "../border/check.js";
import { SHAPES } from "../border/arguments.js";
import { call, callNow } from "../border/call.js";
import { blobOf } from "../border/attachments.js";
import type { ExportHead, RawRegistry } from "../border/raw.js";
import { shape } from "../border/shapes.js";
import { freeze, stringify } from "../platform/intrinsics.js";
import { inBase64 } from "../platform/base64.js";
import { invalidArgument, raise } from "../types/errors.js";
import type { AttachmentInfo, ExportOptions, Json, ListFilter, Page, ProcessesExport } from "../types/public.js";

/** The first line of an export. */
export const FORMAT = "processes";
export const VERSION = 1;

/** How many processes are begun to be read together: each may be large. */
const PAGE = 16;
/** How many bytes of an attachment stand in a line. Three bytes are four characters. */
const BYTES = 3 * 65_536;
/** How often a process is read that is changed under its export. */
const MOST_ATTEMPTS = 8;

export function exportOf(raw: RawRegistry, given: ExportOptions | undefined): ProcessesExport {
  return callNow(() => {
    const { ids, filter } = options<ExportOptions>(given, "options", {
      ids: optional(checkedIds),
      filter: optional((value, name) => shape(value, name, SHAPES.filter) as ListFilter),
    });
    if (ids !== undefined && filter !== undefined) throw invalidArgument("options: takes ids or a filter, not both");
    raw.refuseUnlessOpen();
    const lines = () => linesOf(raw, ids, { status: "any", ...filter });
    return freeze<ProcessesExport>({
      [Symbol.asyncIterator]: lines,
      toReadableStream() {
        const [iterator, encoder] = [lines(), new TextEncoder()];
        return new ReadableStream<Uint8Array<ArrayBuffer>>(
          {
            async pull(controller) {
              const { done, value } = await iterator.next();
              if (done) controller.close();
              else controller.enqueue(encoder.encode(value));
            },
            async cancel() {
              await iterator.return(undefined);
            },
          },
          { highWaterMark: 0 },
        );
      },
    });
  });
}

type Lines<T = undefined> = AsyncGenerator<string, T, undefined>;

const line = (of: { [word: string]: unknown }) => `${stringify(of)}\n`;

async function* linesOf(raw: RawRegistry, ids: readonly string[] | undefined, filter: ListFilter): Lines {
  yield line({ longwait: FORMAT, version: VERSION });
  let processes = 0;
  for await (const page of ids === undefined ? listed(raw, filter) : inPages([...new Set(ids)])) {
    // Asked for in one turn, they are read in one transaction.
    const heads = await Promise.all(page.map((id) => head(raw, id)));
    for (let place = 0; place < page.length; place++) {
      const id = page[place]!;
      if (yield* wholeProcess(raw, id, heads[place])) processes++;
      else if (ids !== undefined) throw raise(`process \`${id}\` is not known`, { code: "unknown_process", processId: id });
    }
  }
  yield line({ complete: { processes } });
}

const head = (raw: RawRegistry, id: string) => call(() => raw.call("exportHead", id));

async function* inPages(ids: string[]): AsyncGenerator<string[]> {
  for (let place = 0; place < ids.length; place += PAGE) yield ids.slice(place, place + PAGE);
}

async function* listed(raw: RawRegistry, filter: ListFilter): AsyncGenerator<string[]> {
  let cursor: string | undefined;
  do {
    const page: Page = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
    const records = await call(() => raw.call("listProcesses", filter as unknown as Json, page as unknown as Json));
    yield records.map(({ id }) => id);
    cursor = records.length < PAGE ? undefined : records.at(-1)!.id;
  } while (cursor !== undefined);
}

/** Says whether the process was there. */
async function* wholeProcess(raw: RawRegistry, id: string, first: ExportHead | undefined): Lines<boolean> {
  let begun = first;
  for (let attempt = 1; begun !== undefined; attempt++) {
    if (yield* linesOfProcess(raw, id, begun)) return true;
    yield line({ withdrawn: id });
    if (attempt === MOST_ATTEMPTS)
      throw raise(`process \`${id}\` was changed each time that it was read`, { code: "conflict", processId: id });
    begun = await head(raw, id);
  }
  return false;
}

/** Says whether all lines are of one moment. */
async function* linesOfProcess(
  raw: RawRegistry,
  id: string,
  { process, streams, attachments, unacked, hasEnded }: ExportHead,
): Lines<boolean> {
  const { life, lastSequence } = process;
  yield line({ process });
  const pending = new Set(unacked);
  for (let after = 0; after < lastSequence;) {
    const events = await call(() => raw.call("exportEvents", id, life, after));
    if (events === undefined || events.length === 0) return false;
    for (const event of events) {
      if (event.sequence > lastSequence) break;
      if (event.semantics.wake !== undefined && !pending.has(event.sequence)) event.acked = true;
      yield line({ event });
    }
    after = events.at(-1)!.sequence;
  }
  for (const stream of streams) {
    yield line({ stream });
    const { name } = stream;
    for (let from = 0; from < stream.chunks;) {
      const rows = await call(() => raw.call("exportChunks", id, life, name, from));
      // What was kept until the end of the process is gone then.
      if (rows?.length === 0 && from === 0 && hasEnded && stream.keep === "untilTerminal") break;
      if (rows === undefined || rows.length === 0) return false;
      for (const row of rows) {
        if (row.first >= stream.chunks) break;
        row.values.length = Math.min(row.values.length, stream.chunks - row.first);
        yield line({ chunks: row });
      }
      const last = rows.at(-1)!;
      from = last.first + last.values.length;
    }
  }
  for (const attachment of attachments) if (!(yield* linesOfAttachment(raw, id, attachment))) return false;
  yield line({ end: id });
  return true;
}

async function* linesOfAttachment(raw: RawRegistry, id: string, attachment: AttachmentInfo): Lines<boolean> {
  const found = await call(() => raw.call("getAttachment", id, attachment.name)).catch((fault: { code?: string }) => {
    if (fault.code === "unknown_process") return undefined;
    throw fault;
  });
  if (found === undefined || stringify(found.info) !== stringify(attachment)) return false;
  yield line({ attachment });
  const blob = blobOf(found);
  for (let at = 0; at < blob.size; at += BYTES)
    yield line({ bytes: inBase64(new Uint8Array(await blob.slice(at, at + BYTES).arrayBuffer())) });
  return true;
}
