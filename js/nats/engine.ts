/** An engine of the store in the WebAssembly over NATS: it runs its transactions. The store begins one that writes when the one before has ended. */
import type { NatsConnection } from "@nats-io/nats-core";
import type { RemoteEngine, TransactionMode, Upload } from "../border/remote.js";
import { apply, Change, processOfWrite, type Written } from "./changes.js";
import { ServerClock } from "./clock.js";
import { type Commit, commitOf } from "./commit.js";
import { warnOfLazyServers } from "./durability.js";
import { isWrittenBy, numbered } from "./doc.js";
import { closed, Failed, raced, refused } from "./fault.js";
import { Feed } from "./feed.js";
import { Files } from "./files.js";
import { type Dial, Link } from "./link.js";
import { store } from "./publish.js";
import type { Request } from "./reads.js";
import { Rows } from "./rows.js";
import { openStream } from "./setup.js";
import { Messages, WRITER } from "./stored.js";
import { Subjects, token } from "./subjects.js";
import { type SeenDoc, Transaction } from "./transaction.js";
import { View } from "./view.js";

/** How many processes are asked for at one time. */
const AT_ONCE = 64;

/** How long a lease must last at the least, in ms: an election of a leader takes 9 s, in which no lease is renewed. */
const MIN_LEASE_MS = 30_000;

/**
 * Up to how many bytes a body is uploaded with its commit, which holds up other writes and in turn keeps the order of all calls: half a second at one megabit
 * a second.
 */
const MOST_ALONG_BYTES = 64 << 10;

export interface EngineOptions {
  readonly dial: Dial;
  readonly namespace: string;
  readonly replicas: number | undefined;
  readonly now: (() => number) | undefined;
}

type Step = (results: unknown[][]) => unknown;

export class NatsEngine implements RemoteEngine {
  readonly minLeaseMs: number | undefined;
  readonly #subjects: Subjects;
  readonly #link: Link;
  readonly #messages: Messages;
  readonly #view: View;
  readonly #feed: Feed;
  readonly #clock: ServerClock;
  readonly #now: (() => number) | undefined;
  readonly #writer = `w${randomText()}`;
  #files!: Files;
  #rows!: Rows;
  #commits = 0;
  #mostBytes = 1 << 20;
  #isClosed = false;
  readonly #listeners = new Set<Listener>();

  static async open(options: EngineOptions): Promise<NatsEngine> {
    const engine = new NatsEngine(options);
    try {
      await engine.#open(options);
    } catch (fault) {
      engine.close();
      throw fault;
    }
    return engine;
  }

  private constructor({ dial, namespace, now }: EngineOptions) {
    this.#subjects = new Subjects(namespace);
    this.#link = new Link(dial, (connection, isAnother) => this.#isUp(connection, isAnother));
    this.#view = new View((doc, row, weight) => this.#rows.registered(doc, row, weight));
    this.#messages = new Messages(this.#link, this.#subjects);
    this.#feed = new Feed(this.#link, this.#view, this.#messages, this.#subjects, this.#writer, {
      hear: (id) => this.#listeners.forEach(({ hear }) => hear([id])),
      receiveEvents: (id, message) => this.#rows.receiveEvents(id, message),
    });
    this.#clock = new ServerClock(this.#link, this.#messages, this.#subjects.stream);
    this.#now = now;
    this.minLeaseMs = now ? undefined : MIN_LEASE_MS;
  }

  async #open({ replicas }: EngineOptions): Promise<void> {
    const connection = await this.#link.live();
    const copies = replicas ?? (connection.info?.cluster === undefined ? 1 : 3);
    const { identity, isNew } = await this.#link.patiently(async () => openStream(await this.#messages.manager(), this.#subjects, copies));
    this.#files = new Files(this.#link, this.#subjects.bucket, copies);
    this.#rows = new Rows(this.#link, this.#view, this.#feed, this.#messages, this.#files, this.#subjects, identity);
    // A client with fewer rights may be the first to have a file.
    if (isNew) await this.#link.patiently(() => this.#files.prepare());
    await Promise.all([this.#now === undefined && this.#clock.start(), this.#feed.start()]);
    void warnOfLazyServers(connection);
  }

  now(): number {
    return this.#now ? this.#now() : this.#clock.now();
  }

  async run(mode: TransactionMode, step: Step): Promise<void> {
    if (this.#isClosed) throw closed();
    // The first round is made at once: the store puts together what is called until then.
    const first = step([]);
    try {
      if (mode === "readwrite") return await this.#write(step, first);
      await this.#link.live();
      await this.#read(step, first, new Transaction(mode));
    } catch (fault) {
      throw this.#isClosed ? closed() : fault;
    }
  }

  async #read(step: Step, first: unknown, transaction: Transaction): Promise<void> {
    for (let round = first; round !== undefined;) {
      const [kind, requests] = roundOf(round);
      if (kind !== "read") throw refused("a transaction that reads was asked to write");
      round = step(await this.#rows.read(requests as Request[], transaction));
    }
  }

  async #write(step: Step, first: unknown): Promise<void> {
    const transaction = new Transaction("readwrite");
    const writes = await this.#decide(step, first, transaction);
    // Nothing is written: what this was decided by must still be as it was seen.
    if (!writes) return this.#verify(transaction, new Set());
    const changes = await this.#changes(writes, transaction);
    await this.#upload(changes);
    await this.#commit(changes, transaction);
  }

  /** What the rules write; nothing where they write nothing. */
  async #decide(step: Step, first: unknown, transaction: Transaction): Promise<Written[] | undefined> {
    const writes: Written[] = [];
    for (let round = first; round !== undefined;) {
      const [kind, requests] = roundOf(round);
      if (kind === "read") round = step(await this.#rows.read(requests as Request[], transaction));
      else {
        writes.push(...(requests as Written[]));
        if (kind === "commit") return writes;
        round = step([]);
      }
    }
    return undefined;
  }

  async #changes(writes: readonly Written[], transaction: Transaction): Promise<Map<string, Change>> {
    const changes = new Map<string, Change>();
    for (const write of writes) {
      const id = processOfWrite(write);
      if (id === undefined) continue;
      let change = changes.get(id);
      if (!change) changes.set(id, (change = new Change(await this.#rows.see(id, transaction))));
      apply(change, write);
    }
    for (const [id, change] of [...changes]) {
      for (const [name, stream] of change.streams) {
        stream.row ??= await this.#rows.streams.row(id, name, change.seen.version);
        if (!stream.row) change.streams.delete(name);
      }
      // The rows of a parent are written again, so that nothing can be decided by its children that does not know of this one.
      const parent = change.registration && change.doc.process?.parentId;
      if (typeof parent === "string" && !changes.has(parent)) {
        const seen = await this.#rows.see(parent, transaction);
        if (seen.doc.sequence > 0) changes.set(parent, rewritten(seen));
      }
    }
    return changes;
  }

  upload(upload: Upload): Promise<unknown> | undefined {
    if (upload.body.size <= MOST_ALONG_BYTES || this.#files.has(upload)) return undefined;
    return this.#link.patiently(() => this.#files.put(upload));
  }

  discard(...uploads: Upload[]): void {
    void this.#link.patiently(() => this.#files.discard(uploads)).catch(() => undefined);
  }

  /** Stores the bodies of attachments that are not stored yet, and notes their objects in the rows. */
  async #upload(changes: Map<string, Change>): Promise<void> {
    for (const [processId, change] of changes)
      for (const [name, body] of change.attachments) {
        const object = body && (await this.#link.patiently(() => this.#files.put({ body, processId, name })));
        const others = change.doc.files.filter(([known]) => known !== name);
        change.set({ files: object ? [...others, [name, object, body.type]] : others });
      }
  }

  async #commit(changes: Map<string, Change>, transaction: Transaction): Promise<void> {
    try {
      await this.#verify(transaction, new Set(changes.keys()));
      const number = ++this.#commits;
      const commit = commitOf(changes, transaction, this.#subjects, this.#mostBytes, this.#writer, number);
      if (commit.messages.length === 0) return;
      const hasLanded = () => this.#hasLanded(changes, number);
      const base = await store(this.#link, commit.messages, this.#writer, number, { hasLanded });
      if (base === undefined) await this.#refresh(changes, transaction);
      else this.#keep(changes, commit, base, transaction);
      this.#files.forget(uploadsOf(changes));
      this.#tidy(changes);
    } catch (fault) {
      if (fault instanceof Failed && fault.how === "raced") await this.#refresh(changes, transaction);
      // What races is tried again with the objects that it has, and what is not settled may have them.
      if (fault instanceof Failed && fault.how === "refused") this.discard(...uploadsOf(changes));
      if (fault instanceof Failed && fault.how === "unsettled") this.#files.forget(uploadsOf(changes));
      throw fault;
    }
  }

  /** Takes over what was committed. */
  #keep(changes: Map<string, Change>, commit: Commit, base: number, transaction: Transaction): void {
    for (const [id, { last, rows, events, registration }] of commit.places) {
      const of = token(id);
      const change = changes.get(id)!;
      const doc = commit.docs.get(id);
      if (doc && rows !== undefined) this.#view.put(of, numbered(doc, base + rows));
      // One that is in parts is large, and read when it is asked for.
      const message = registration !== undefined && commit.messages[registration];
      if (doc && change.registration && message && !message.parts) this.#rows.registered(doc, change.registration, message.body.length);
      this.#view.raiseVersion(of, base + last);
      this.#rows.streams.raise(change.doc, change.seen.version, base + last);
      for (const [name, { row }] of change.streams) this.#rows.streams.wrote(id, name, row!, base + last);
      const log = this.#rows.logs.get(id);
      if (log && doc && log.of === doc.registered && events !== undefined && log.last + 1 === change.events[0]!.sequence) {
        log.add(change.events, base + events, commit.messages[events]!.body.length);
        this.#rows.logs.set(id, log);
      }
    }
    // Of a guard that was raised without having been seen, this client may lack what raised it before: the feed brings it in its order.
    for (const [guard, place] of commit.guards) if (transaction.guards.has(guard)) this.#view.raiseGuard(token(guard), base + place);
  }

  /** Removes what a commit has left without use: the past of pruned processes, and objects of attachments that are gone. */
  #tidy(changes: Map<string, Change>): void {
    for (const [id, { seen, doc, isPruned }] of changes) {
      const kept = new Set(doc.files.map(([, object]) => object));
      const gone = seen.doc.files.map(([, object]) => object).filter((object) => !kept.has(object));
      // What stays where this fails takes space, and nothing refers to it.
      if (gone.length > 0) void this.#link.patiently(() => this.#files.remove(gone)).catch(() => undefined);
      const { sequence } = this.#view.doc(token(id), id);
      if (isPruned) void this.#link.patiently(() => this.#messages.purge(this.#subjects.whole(id), sequence)).catch(() => undefined);
    }
  }

  /** Whether the commit of that number is stored. */
  async #hasLanded(changes: Map<string, Change>, number: number): Promise<boolean | undefined> {
    const [[id, change]] = changes as unknown as [[string, Change]];
    if (change.changesRows || change.registration || change.events.length > 0)
      return isWrittenBy(await this.#link.patiently(() => this.#messages.doc(id)), this.#writer, number);
    const [[name]] = change.streams as unknown as [[string]];
    return this.#link.patiently(async () => {
      for await (const { headers } of this.#messages.from(this.#subjects.streamOf(id, name), change.seen.version + 1))
        if (headers?.get(WRITER) === `${this.#writer}:${number}`) return true;
      return false;
    });
  }

  /** Refuses what was decided by processes and ranges that have changed since they were seen; those of the commit itself are its conditions. */
  async #verify(transaction: Transaction, written: ReadonlySet<string>): Promise<void> {
    const unsure = [...transaction.docs].filter(([id]) => !written.has(id) && !transaction.fresh.has(id));
    for (let from = 0; from < unsure.length; from += AT_ONCE)
      await Promise.all(
        unsure.slice(from, from + AT_ONCE).map(async ([id, { doc }]) => {
          await this.#rows.refresh(id, true);
          if (this.#view.doc(token(id), id).sequence !== doc.sequence) throw raced();
        }),
      );
    if (written.size > 0) return;
    for (const [guard, version] of transaction.guards) {
      await this.#refreshGuard(guard);
      if (this.#view.guard(token(guard)) !== version) throw raced();
    }
  }

  /** Brings all that a transaction has seen up to date. */
  async #refresh(changes: Map<string, Change>, transaction: Transaction): Promise<void> {
    const ids = [...new Set([...changes.keys(), ...transaction.docs.keys()])];
    for (let from = 0; from < ids.length; from += AT_ONCE)
      await Promise.all(ids.slice(from, from + AT_ONCE).map((id) => this.#rows.refresh(id, true)));
    await Promise.all([...transaction.guards.keys()].map((guard) => this.#refreshGuard(guard)));
  }

  async #refreshGuard(guard: string): Promise<void> {
    const found = await this.#link.patiently(() => this.#messages.last(this.#subjects.guard(guard)));
    // What raised the guard has changed rows, which come by the feed before the guard itself.
    if (found) await this.#feed.reached(found.sequence);
  }

  listen(hear: (ids: string[]) => void, hearChunks: (stream: object, values: unknown[]) => void): () => void {
    const listener = { hear, hearChunks };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  sendChunks(stream: object, values: unknown[]): void {
    const body = JSON.stringify({ stream, values });
    // Readers find what is not sent.
    if (body.length * 3 < this.#mostBytes)
      this.#link.publish(this.#subjects.notification((stream as { processId: string }).processId), body);
  }

  close(): void {
    this.#isClosed = true;
    this.#clock.stop();
    this.#feed.stop();
    this.#messages.close();
    void this.#link.close();
  }

  /** What has to be done anew over a connection that is up again. */
  #isUp(connection: NatsConnection, isAnother: boolean): void {
    this.#mostBytes = connection.info?.max_payload ?? this.#mostBytes;
    if (isAnother)
      connection.subscribe(this.#subjects.notifications, {
        callback: (fault, message) => {
          if (fault) return;
          const { stream, values } = message.json<{ stream: object; values: unknown[] }>();
          this.#listeners.forEach(({ hearChunks }) => hearChunks(stream, values));
        },
      });
    if (!this.#rows) return;
    void this.#feed.start().catch(() => undefined);
    if (this.#now === undefined) void this.#clock.compare().catch(() => undefined);
  }
}

interface Listener {
  hear(ids: string[]): void;
  hearChunks(stream: object, values: unknown[]): void;
}

/** The bodies that a commit attaches. */
const uploadsOf = (changes: ReadonlyMap<string, Change>): Upload[] =>
  [...changes].flatMap(([processId, { attachments }]) =>
    [...attachments].flatMap(([name, body]) => (body ? [{ body, processId, name }] : [])),
  );

/** A round: what to do, with requests. Anything else takes the transaction back. */
function roundOf(round: unknown): [kind: string, requests: unknown[]] {
  if (!Array.isArray(round)) throw refused("the transaction was taken back");
  return round as [string, unknown[]];
}

/** A change that stores the rows as they are. */
function rewritten(seen: SeenDoc): Change {
  const change = new Change(seen);
  change.set({});
  return change;
}

function randomText(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
