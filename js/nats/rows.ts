/**
 * The rows that a transaction asks for, wherever they are: in the view, or on the server.
 *
 * A transaction that only reads is given a process as the leader has it, so that it sees every commit that was acknowledged. One of which
 * that is not asked is given what is known, and so is one that writes: its commit is refused where that is out of date.
 */
import type { Doc } from "./doc.js";
import { lastEventOf } from "./doc.js";
import type { Feed } from "./feed.js";
import type { Files } from "./files.js";
import { raced } from "./fault.js";
import { guardOfRange } from "./guard.js";
import { compareKeys, type Key, keyOf } from "./key.js";
import type { Link } from "./link.js";
import { Log, Recent, numbersOf } from "./logs.js";
import { answer, found, type Given, processOf, rangeOfRequest, type Request, rowsOf, stretch } from "./reads.js";
import { lag, type Message, type Messages, registrationIn } from "./stored.js";
import { Streams } from "./streams.js";
import { type Subjects, token } from "./subjects.js";
import type { Row } from "./table.js";
import type { SeenDoc, Transaction } from "./transaction.js";
import type { View } from "./view.js";

type Answer = () => unknown[];

/** A registration, with its mark: an id may have several lives. */
interface Registration {
  readonly of: string | undefined;
  readonly row: Row;
  readonly weight: number;
}

export class Rows {
  readonly logs = new Recent<Log>();
  readonly #registered = new Recent<Registration>();
  readonly streams: Streams;
  readonly #link: Link;
  readonly #view: View;
  readonly #feed: Feed;
  readonly #messages: Messages;
  readonly #files: Files;
  readonly #subjects: Subjects;
  readonly #identity: string;

  constructor(link: Link, view: View, feed: Feed, messages: Messages, files: Files, subjects: Subjects, identity: string) {
    this.#link = link;
    this.#view = view;
    this.#feed = feed;
    this.#messages = messages;
    this.#files = files;
    this.#subjects = subjects;
    this.#identity = identity;
    this.streams = new Streams(messages, subjects);
  }

  /** The results of the requests of one round: the rows that each finds. */
  async read(requests: readonly Request[], transaction: Transaction): Promise<unknown[][]> {
    const ids = new Set(requests.map(processOf).filter((id) => id !== undefined));
    const isOfMany = requests.some((request) => isIndexed(request) && !(transaction.isWriting && request[2] === "byChange"));
    await Promise.all([...[...ids].map((id) => this.see(id, transaction)), isOfMany && this.#load(transaction)]);
    if (transaction.isWriting)
      await Promise.all(requests.filter(([, , index]) => index === "byParent").map((request) => this.#childrenOf(request, transaction)));
    // All that is on the server is asked for at one time. The view is looked at afterwards, in one go.
    const answers = await Promise.all(requests.map((request) => this.#find(request, transaction)));
    return answers.map((answer) => answer());
  }

  /** Waits for the rows of all processes. Those that were acknowledged before the transaction are here after its first round of that kind. */
  async #load(transaction: Transaction): Promise<void> {
    await this.#feed.loaded(transaction.isFresh && !transaction.hasLoaded);
    transaction.hasLoaded = true;
  }

  /** A process as the transaction sees it, from now on. */
  async see(id: string, transaction: Transaction): Promise<SeenDoc> {
    const known = transaction.docs.get(id);
    if (known) return known;
    const of = token(id);
    if (transaction.isFresh || (this.#view.version(of) === 0 && !this.#feed.isFilled)) {
      await this.refresh(id, transaction.isWriting);
      transaction.fresh.add(id);
    }
    return this.#note(id, transaction);
  }

  /** Brings what is known of a process up to date with the leader; its version as well, where a commit is to be conditional on it. */
  async refresh(id: string, withVersion: boolean): Promise<void> {
    const of = token(id);
    await this.#link.patiently(async () => {
      const { doc, version } = withVersion ? await this.#messages.process(id) : { doc: await this.#messages.doc(id), version: 0 };
      if (doc.sequence > 0) this.#view.put(of, doc);
      this.#view.raiseVersion(of, version);
    });
  }

  #note(id: string, transaction: Transaction): SeenDoc {
    const of = token(id);
    const seen = transaction.docs.get(id) ?? { doc: this.#view.doc(of, id), version: this.#view.version(of) };
    transaction.docs.set(id, seen);
    return seen;
  }

  async #find(request: Request, transaction: Transaction): Promise<Answer> {
    const [kind, table, index, first, second, third] = request;
    const id = processOf(request);
    const seen = id === undefined ? undefined : transaction.docs.get(id);
    switch (table) {
      case "about": {
        const isIdentity = kind === "get" && keyOf(first as Key)[0] === "identity";
        return () => (isIdentity ? [{ name: "identity", value: this.#identity }] : []);
      }
      case "commits":
        return () => [];
      case "registrations":
        return seen ? this.#registrations([seen.doc]) : this.#registrationsBetween(request, transaction);
      case "events":
        return this.#events(seen!.doc, kind, index, first as Given, second as Given, (third as number | null) ?? Infinity);
      case "streams":
        return this.#streamRows(request, seen!, transaction);
      case "chunks":
        return this.#link.patiently(() => this.streams.chunks(seen!.doc, request));
      case "attachments":
        return this.#attachment(seen!.doc, keyOf(first as Key)[1] as string);
      default:
        if (seen) return () => answer(request, found(...rowsOf(seen.doc, table, index), request));
        return () => this.#answerFromView(request, transaction);
    }
  }

  /** Rows of many processes. */
  #answerFromView(request: Request, transaction: Transaction): unknown[] {
    const [kind, table, index] = request;
    // The store numbers nothing by it: the sequence of the message is the number.
    if (transaction.isWriting && index === "byChange") return kind === "lastKey" ? [this.#feed.position] : [];
    const sorted = this.#view.table(table as "processes").sorted(index);
    const at = rangeOfRequest(request);
    if (index === "byChange" && "range" in at) at.range = { ...at.range, before: sooner(at.range.before, [this.#feed.position + 1]) };
    if (transaction.isWriting) this.#noteGuard(table, index, "key" in at ? at.key : (at.range.after ?? []), transaction);
    const entries = "key" in at ? stretch(sorted.under(at.key)) : stretch(...sorted.stretch(at.range));
    const answered = answer(request, entries);
    if (ROWS.has(kind)) for (const row of answered as Row[]) this.#noteRow(table, row, transaction);
    return answered;
  }

  #noteGuard(table: string, index: string | null, first: Key, transaction: Transaction): void {
    const guard = guardOfRange(table, index, first);
    if (guard !== undefined && !transaction.guards.has(guard)) transaction.guards.set(guard, this.#view.guard(token(guard)));
  }

  /** The children of a process are guarded by its own rows, which are written again with each child: the view must be as far as they are. */
  async #childrenOf(request: Request, transaction: Transaction): Promise<void> {
    const { range } = rangeOfRequest(request) as { range: { after: Key } };
    const { doc } = await this.see(range.after[0] as string, transaction);
    await this.#feed.reached(doc.sequence);
  }

  /** Notes the process of a row, which the transaction may have seen in another state in the round before. */
  #noteRow(table: string, row: Row, transaction: Transaction): void {
    const id = (table === "processes" ? row.id : row.processId) as string;
    const { doc } = this.#note(id, transaction);
    if (transaction.isWriting && table === "processes" && doc.process !== row) throw raced();
  }

  async #registrationsBetween(request: Request, transaction: Transaction): Promise<Answer> {
    const [, , , , , limit] = request;
    await this.#feed.loaded(false);
    const at = rangeOfRequest(request) as { range: { after: Key; before: Key } };
    const [entries, from, to] = this.#view.table("processes").sorted(null).stretch(at.range);
    const docs: Doc[] = [];
    for (let place = from; place < to && docs.length < ((limit as number | null) ?? Infinity); place++) {
      const { doc } = this.#note(entries[place]!.own[0] as string, transaction);
      if (doc.registered !== undefined) docs.push(doc);
    }
    return this.#registrations(docs);
  }

  async #registrations(docs: readonly Doc[]): Promise<Answer> {
    const known = new Map<string, Row>();
    for (const { id, registered } of docs) {
      const kept = this.#registered.get(id);
      if (kept && kept.of === registered) known.set(id, kept.row);
    }
    const wanted = new Map(
      docs.filter(({ id, registered }) => registered !== undefined && !known.has(id)).map((doc) => [token(doc.id), doc]),
    );
    if (wanted.size > 0) for (const [id, row] of await this.#readRegistrations(wanted)) known.set(id, row);
    return () => docs.map(({ id }) => known.get(id)).filter((row) => row !== undefined);
  }

  /** The registrations of processes by their tokens; the answer is by their ids. */
  #readRegistrations(wanted: ReadonlyMap<string, Doc>): Promise<Map<string, Row>> {
    return this.#link.patiently(async () => {
      const found = new Map<string, Row>();
      const read = async (message: Message | undefined) => {
        const doc = message && wanted.get(this.#subjects.parse(message.subject).token);
        if (!doc) return;
        const body = await this.#messages.whole(message);
        const row = registrationIn(body, doc);
        if (!row) return;
        found.set(doc.id, row);
        this.registered(doc, row, body.length);
      };
      // A replica may not have the newest ones yet.
      if (wanted.size > 1)
        for (const message of await this.#messages.lastOfEach([...wanted.values()].map(({ id }) => this.#subjects.registrationOf(id))))
          await read(message);
      const missing = [...wanted].filter(([, { id }]) => !found.has(id));
      await Promise.all(missing.map(async ([, { id }]) => read(await this.#messages.last(this.#subjects.registrationOf(id)))));
      return found;
    });
  }

  /** Keeps a registration, which never changes. `weight`: about how many bytes it takes. */
  registered({ id, registered }: Doc, row: Row, weight: number): void {
    this.#registered.set(id, { of: registered, row, weight });
  }

  async #events(doc: Doc, kind: string, index: string | null, first: Given, second: Given, limit: number): Promise<Answer> {
    const end = lastEventOf(doc) + 1;
    if (index === null && kind === "get") {
      const sequence = keyOf(first!)[1] as number;
      const log = await this.#log(doc, sequence - 1);
      return () => [...log.between(sequence - 1, Math.min(sequence + 1, end), 1)];
    }
    if (index === "byReplayKey") {
      const log = await this.#log(doc, 0);
      const row = log.underReplayKey(keyOf(first!)[1] as string);
      return () => (row && row.sequence < end ? [row] : []);
    }
    if (index === "byType") {
      const type = keyOf(first!)[1] as string;
      const [after = 0, before = Infinity] = numbersOf(first, second, 2);
      const log = await this.#log(doc, after);
      const rows = log.ofType(type, after, Math.min(before, end));
      return () => (kind === "last" ? rows.slice(-1) : rows.slice(0, limit));
    }
    const [after = 0, before = Infinity] = numbersOf(first, second, 1);
    const log = await this.#log(doc, after);
    return () => [...log.between(after, Math.min(before, end), limit)];
  }

  /** The log of a process, from behind an event up to the last one that its rows name. */
  async #log(doc: Doc, after: number): Promise<Log> {
    const last = lastEventOf(doc);
    const known = this.logs.get(doc.id);
    const isUsable = known !== undefined && known.after <= after && known.of === doc.registered;
    if (isUsable && known.last >= last) return known;
    // Of what is not kept, the events behind the last one are none yet: nothing but what comes has to be read.
    const log = isUsable ? known : after >= last ? new Log(last, doc.sequence, doc.registered) : new Log(0, 0, doc.registered);
    await this.#link.patiently(async () => {
      for (let tries = 0; log.last < last; tries++) {
        const before = log.upTo;
        for await (const message of this.#messages.from(this.#subjects.eventsOf(doc.id), before + 1)) {
          log.addMessage(await this.#messages.whole(message), message.sequence);
        }
        // A replica answered that lags behind.
        if (log.last < last && log.upTo === before) await lag(tries);
      }
    });
    this.logs.set(doc.id, log);
    return log;
  }

  /** Continues a log that is kept with events that have come. Where some are missing in between, all are read when it is asked for. */
  receiveEvents(id: string, { body, sequence }: Message): void {
    const log = this.logs.get(id);
    log?.addMessage(body, sequence);
    if (log) this.logs.set(id, log);
  }

  async #streamRows(request: Request, { doc, version }: SeenDoc, transaction: Transaction): Promise<Answer> {
    const [kind, , , first] = request;
    const names = kind === "get" ? [keyOf(first as Key)[1] as string] : [...doc.streams].sort();
    const known = names.filter((name) => doc.streams.includes(name));
    const trusted = transaction.isWriting ? version : undefined;
    const rows = await this.#link.patiently(() => Promise.all(known.map((name) => this.streams.row(doc.id, name, trusted))));
    return () => rows.filter((row) => row !== undefined);
  }

  async #attachment(doc: Doc, name: string): Promise<Answer> {
    const file = doc.files.find(([known]) => known === name);
    const body = file && (await this.#link.patiently(() => this.#files.get(file[1], file[2])));
    return () => (body ? [{ processId: doc.id, name, body }] : []);
  }
}

/**
 * The earlier of two ends of a range. Changes are shown as far as all were received: this client knows of its own before those of others
 * that come before them, and a reader that was shown its own would never ask for those.
 */
const sooner = (end: Key | null, other: Key): Key => (end !== null && compareKeys(end, other) < 0 ? end : other);

const ROWS: ReadonlySet<string> = new Set(["get", "only", "all", "last", "back"]);

/** Whether a request is answered from the rows of many processes. */
function isIndexed(request: Request): boolean {
  const [, table] = request;
  return (table === "processes" || table === "leases" || table === "grants") && processOf(request) === undefined;
}
