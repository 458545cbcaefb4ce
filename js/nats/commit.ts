/** What a commit is made of: the messages of each process that it changes, and those that guard what it was decided by. */
import { type Change, type StreamChange } from "./changes.js";
import { type Doc, stored, writtenBy } from "./doc.js";
import { guardsOfChange } from "./guard.js";
import type { Outgoing } from "./publish.js";
import type { StreamMessage } from "./streams.js";
import type { Subjects } from "./subjects.js";
import type { Transaction } from "./transaction.js";

/** The messages of a commit, and where in them lies what. */
export interface Commit {
  readonly messages: readonly Outgoing[];
  readonly places: ReadonlyMap<string, Place>;
  /** The rows as they are written. */
  readonly docs: ReadonlyMap<string, Doc>;
  /** The guards that are raised, each with the place of its message. */
  readonly guards: ReadonlyMap<string, number>;
}

/** The places of the messages of a process: the first and the last, and those of its rows, its events and its registration where there are any. */
interface Place {
  readonly first: number;
  readonly last: number;
  readonly rows: number | undefined;
  readonly events: number | undefined;
  readonly registration: number | undefined;
}

/** How much of a message is kept free for its subject and headers, in bytes. */
const HEADROOM = 4_096;

/** Makes the messages. `mostBytes`: of one message. `writer` and `number` name the commit. */
export function commitOf(
  changes: ReadonlyMap<string, Change>,
  transaction: Transaction,
  subjects: Subjects,
  mostBytes: number,
  writer: string,
  number: number,
): Commit {
  const messages: Outgoing[] = [];
  const places = new Map<string, Place>();
  const docs = new Map<string, Doc>();
  const guards = new Map<string, number>();
  const raised = new Set(transaction.guards.keys());

  /** Adds a message, behind the parts that do not fit into it. */
  const add = (message: Outgoing, partsAt: string, replacesParts = false) => {
    const parts = cut(message.body, mostBytes - HEADROOM);
    const body = parts.pop()!;
    parts.forEach((part, place) =>
      messages.push({ subject: partsAt, body: part, ...(replacesParts && place === 0 && { replaces: true }) }),
    );
    messages.push({ ...message, body, ...(parts.length > 0 && { parts: parts.length }) });
    return messages.length - 1;
  };

  // Sequences are change numbers, so the messages stand in the order of the changes.
  for (const [id, change] of [...changes].sort(([, a], [, b]) => a.order - b.order)) {
    const first = messages.length;
    const [registered, parts] = [change.registration ? `${writer}:${number}` : change.doc.registered, subjects.of(id, "b")];
    for (const [name, stream] of change.streams)
      if (!change.isPruned)
        add(
          { subject: subjects.streamOf(id, name), body: streamBody(stream, registered), ...(stream.isFirst && { replaces: true }) },
          parts,
        );
    let [rows, events, registration]: (number | undefined)[] = [];
    if (change.changesRows || change.registration || change.events.length > 0) {
      const doc = writtenBy({ ...change.doc, registered: change.isPruned ? undefined : registered }, writer, number);
      docs.set(id, doc);
      guardsOfChange(change.seen.doc, doc).forEach((guard) => raised.add(guard));
      const text = JSON.stringify(stored(doc));
      const carrier = text.length > MOST_ALONG ? undefined : change.events.length > 0 ? "e" : change.registration ? "r" : undefined;
      const message = (what: "r" | "e", body: object) => {
        const [subject, plain] = [subjects.of(id, `${what === carrier ? "d" : "p"}.${what}`), JSON.stringify(body)];
        const place = add({ subject, body: what === carrier ? `${plain.slice(0, -1)},"doc":${text}}` : plain }, parts);
        if (what === carrier) rows = place;
        return place;
      };
      if (change.registration) registration = message("r", { registered, row: change.registration });
      if (change.events.length > 0) events = message("e", { registered, rows: change.events });
      const isQuiet = doc.process === change.seen.doc.process;
      rows ??= add({ subject: subjects.of(id, "d.c"), body: `{"doc":${text}}`, replaces: true, isQuiet }, subjects.of(id, "o"), true);
    }
    // What belongs to a process is stored under one condition: all of it, or nothing.
    messages[first] = { ...messages[first]!, condition: { subjects: subjects.whole(id), last: change.seen.version } };
    places.set(id, { first, last: messages.length - 1, rows, events, registration });
  }

  for (const guard of raised) {
    const [subject, seen] = [subjects.guard(guard), transaction.guards.get(guard)];
    const condition = seen !== undefined && { condition: { subjects: subject, last: seen } };
    guards.set(guard, messages.push({ subject, body: "", replaces: true, ...condition }) - 1);
  }
  return { messages, places, docs, guards };
}

/**
 * Up to how many characters the small rows of a process are stored in the message of its events or its registration, since one message costs the servers
 * less than two. Larger ones have a message of their own, which replaces the one before.
 */
const MOST_ALONG = 4_096;

function streamBody({ row, chunks, isFirst }: StreamChange, registered: string | undefined): string {
  const body: StreamMessage = { registered, row: row!, chunks, ...(isFirst && { isFirst: true }) };
  return JSON.stringify(body);
}

const encoder = new TextEncoder();

/** A text in pieces of at most so many bytes as UTF-8. */
function cut(body: string, mostBytes: number): string[] {
  // No character of a text takes more than three bytes for each of its units.
  if (body.length * 3 <= mostBytes || encoder.encode(body).length <= mostBytes) return [body];
  const pieces: string[] = [];
  const most = Math.floor(mostBytes / 3);
  for (let from = 0; from < body.length;) {
    let to = Math.min(from + most, body.length);
    // Not between the two halves of a character.
    if (to < body.length && /[\uD800-\uDBFF]/.test(body[to - 1]!)) to--;
    pieces.push(body.slice(from, to));
    from = to;
  }
  return pieces;
}
