/**
 * The small rows of all processes of a namespace, in tables.
 *
 * What the server sends of changes is kept as it came, and decoded when something is read: of a process that changes often and that
 * this client never looks at, only the last message is kept.
 */
import { absent, decodeRows, type Doc } from "./doc.js";
import { LAYOUT, type TableName } from "./layout.js";
import { nameOf } from "./subjects.js";
import { type Row, Table } from "./table.js";

/** From how many messages on the rows are sorted once, when they are read, instead of being put in place one by one. */
const MANY = 200;

/** Is given the registration that came with the rows of a process, and about how many bytes it takes. */
type OnRegistration = (doc: Doc, row: Row, weight: number) => void;

export class View {
  readonly #onRegistration: OnRegistration;
  readonly #tables = Object.fromEntries(Object.entries(LAYOUT).map(([name, layout]) => [name, new Table(layout)])) as Record<
    TableName,
    Table
  >;
  /** By token, since ids are known once a message is decoded. */
  readonly #docs = new Map<string, Doc>();
  readonly #undecoded = new Map<string, { body: string; sequence: number }>();
  /** The rows that the tables have of processes of which later ones are known: tables are read less often than processes change. */
  readonly #unlisted = new Map<string, Doc | undefined>();
  /** The versions of processes as far as they are known to be above those of their rows. */
  readonly #versions = new Map<string, number>();
  readonly #guards = new Map<string, number>();

  constructor(onRegistration: OnRegistration) {
    this.#onRegistration = onRegistration;
  }

  /** Keeps a message of rows, unless a later one is known. */
  receive(token: string, body: string, sequence: number): void {
    const known = Math.max(this.#docs.get(token)?.sequence ?? 0, this.#undecoded.get(token)?.sequence ?? 0);
    if (sequence > known) this.#undecoded.set(token, { body, sequence });
  }

  /** Keeps rows, unless later ones are known. */
  put(token: string, doc: Doc): void {
    const undecoded = this.#undecoded.get(token);
    if (undecoded && undecoded.sequence <= doc.sequence) this.#undecoded.delete(token);
    else if (undecoded) this.#decode(token, undecoded);
    this.#keep(token, doc);
  }

  /** The rows of a process, as far as they are known. */
  doc(token: string, id: string): Doc {
    const undecoded = this.#undecoded.get(token);
    const registration = undecoded && this.#decode(token, undecoded);
    // Who looks at a new process asks for its registration next.
    if (registration) this.#onRegistration(this.#docs.get(token)!, registration, undecoded.body.length);
    return this.#docs.get(token) ?? absent(id);
  }

  /** The version of a process, as far as it is known. */
  version(token: string): number {
    const sequence = Math.max(this.#docs.get(token)?.sequence ?? 0, this.#undecoded.get(token)?.sequence ?? 0);
    return Math.max(sequence, this.#versions.get(token) ?? 0);
  }

  raiseVersion(token: string, sequence: number): void {
    if (sequence > this.version(token)) this.#versions.set(token, sequence);
  }

  /** The id of a process of which a message was received. */
  idOf(token: string): string {
    return nameOf(token) ?? this.doc(token, "").id;
  }

  guard(token: string): number {
    return this.#guards.get(token) ?? 0;
  }

  raiseGuard(token: string, sequence: number): void {
    if (sequence > this.guard(token)) this.#guards.set(token, sequence);
  }

  /** A table with all that was received. */
  table(name: TableName): Table {
    for (const [token, undecoded] of this.#undecoded) this.#decode(token, undecoded);
    const isLoose = this.#unlisted.size > MANY;
    for (const [token, before] of this.#unlisted) this.#list(before, this.#docs.get(token)!, isLoose);
    this.#unlisted.clear();
    return this.#tables[name];
  }

  /** Gives the registration that came with the rows. */
  #decode(token: string, { body, sequence }: { body: string; sequence: number }): Row | undefined {
    this.#undecoded.delete(token);
    const { doc, registration } = decodeRows(body, sequence);
    return this.#keep(token, doc) ? registration : undefined;
  }

  /** Whether the rows are later than those that are known. */
  #keep(token: string, doc: Doc): boolean {
    const before = this.#docs.get(token);
    if (before && before.sequence >= doc.sequence) return false;
    this.#docs.set(token, doc);
    if ((this.#versions.get(token) ?? 0) <= doc.sequence) this.#versions.delete(token);
    if (!this.#unlisted.has(token)) this.#unlisted.set(token, before);
    return true;
  }

  #list(before: Doc | undefined, doc: Doc, isLoose: boolean): void {
    this.#tables.processes.replace(before?.process, doc.process, isLoose);
    this.#tables.leases.replace(before?.lease, doc.lease, isLoose);
    const place = (grant: Row) => `${grant.scopeId as string}`;
    const grants = new Map(doc.grants.map((grant) => [place(grant), grant]));
    for (const grant of before?.grants ?? []) {
      this.#tables.grants.replace(grant, grants.get(place(grant)), isLoose);
      grants.delete(place(grant));
    }
    for (const grant of grants.values()) this.#tables.grants.replace(undefined, grant, isLoose);
  }
}
