/** The writes of one transaction, by process: what its rows become, and what else is stored. */
import type { Doc } from "./doc.js";
import { refused } from "./fault.js";
import { type Key, keyOf, type Part, type Range, rangeOf, isWithin } from "./key.js";
import type { EventRow } from "./logs.js";
import type { Row } from "./table.js";
import type { SeenDoc } from "./transaction.js";

/** A write as a round has it: `["put", table, null, row]`, `["delete", table, null, key]`, `["clear", table, null, after, before]`. */
export type Written = readonly [kind: string, table: string, index: null, ...given: unknown[]];

/** What becomes of one process. */
export class Change {
  readonly seen: SeenDoc;
  doc: Doc;
  registration: Row | undefined;
  readonly events: EventRow[] = [];
  readonly streams = new Map<string, StreamChange>();
  /** Bodies of attachments by name; nothing where one is removed. */
  readonly attachments = new Map<string, Blob | undefined>();
  /** The place of its change among those of the transaction. */
  order = 0;
  /** It is pruned: what came before is removed. */
  isPruned = false;

  constructor(seen: SeenDoc) {
    this.seen = seen;
    this.doc = seen.doc;
  }

  get changesRows(): boolean {
    return this.doc !== this.seen.doc;
  }

  stream(name: string): StreamChange {
    const known = this.streams.get(name);
    if (known) return known;
    const made: StreamChange = { row: undefined, chunks: [], isFirst: false };
    this.streams.set(name, made);
    if (!this.doc.streams.includes(name)) this.set({ streams: [...this.doc.streams, name] });
    return made;
  }

  set(rows: Partial<Doc>): void {
    this.doc = { ...this.doc, ...rows };
  }
}

export interface StreamChange {
  row: Row | undefined;
  readonly chunks: Row[];
  /** The chunks before are removed. */
  isFirst: boolean;
}

/** The process that a write is about; nothing where the engine keeps what it writes by itself. */
export function processOfWrite([kind, table, , given]: Written): string | undefined {
  if (UNKEPT.has(table) || kind === "get") return undefined;
  if (kind === "put" || kind === "add") {
    const row = given as Row;
    if (table === "processes") return row.id as string;
    if (table === "registrations") return (row.registration as Row).id as string;
    return row.processId as string;
  }
  const key = keyOf(given as Part | Key);
  return (table === "grants" ? key[1] : key[0]) as string;
}

/** Totals are counted, and commits are found by what they leave in the rows of a process. */
const UNKEPT: ReadonlySet<string> = new Set(["about", "commits"]);

/** Applies a write to what becomes of its process. */
export function apply(change: Change, [kind, table, , ...given]: Written): void {
  if (kind === "put" || kind === "add") put(change, table, given[0] as Row);
  else if (kind === "delete") remove(change, table, keyOf(given[0] as Part | Key));
  else clear(change, table, rangeOf(given[0] as Key | null, given[1] as Key | null));
}

function put(change: Change, table: string, row: Row): void {
  const { doc } = change;
  switch (table) {
    case "processes": {
      const { change: order, ...process } = row;
      change.order = order as number;
      change.isPruned = row.lane === "pruned";
      return change.set({ process, ...(change.isPruned && { registered: undefined, files: [], streams: [] }) });
    }
    case "registrations":
      change.registration = row;
      return;
    case "events":
      change.events.push(row as EventRow);
      return;
    case "counts":
      return change.set({ counts: [...doc.counts.filter(({ eventType }) => eventType !== row.eventType), row] });
    case "wakes":
      return change.set({
        wakes: [...doc.wakes.filter((sequence) => sequence !== row.sequence), row.sequence as number].sort((a, b) => a - b),
      });
    case "grants":
      return change.set({ grants: [...doc.grants.filter(({ scopeId }) => scopeId !== row.scopeId), row] });
    case "leases":
      return change.set({ lease: row });
    case "streams":
      change.stream(row.name as string).row = row;
      return;
    case "chunks":
      change.stream(row.name as string).chunks.push(row);
      return;
    case "attachments":
      change.attachments.set(row.name as string, row.body as Blob);
      return;
    default:
      throw refused(`there is no table ${table}`);
  }
}

function remove(change: Change, table: string, key: Key): void {
  const { doc } = change;
  switch (table) {
    // A pruned process has none: see `put`.
    case "registrations":
      return;
    case "grants":
      return change.set({ grants: doc.grants.filter(({ scopeId }) => scopeId !== key[0]) });
    case "wakes":
      return change.set({ wakes: doc.wakes.filter((sequence) => sequence !== key[1]) });
    case "attachments":
      change.attachments.set(key[1] as string, undefined);
      return;
    default:
      throw refused(`rows of ${table} are not deleted one by one`);
  }
}

function clear(change: Change, table: string, range: Range): void {
  const { doc } = change;
  switch (table) {
    case "counts":
      return change.set({ counts: doc.counts.filter(({ eventType }) => !isWithin([doc.id, eventType as string], range)) });
    case "wakes":
      return change.set({ wakes: doc.wakes.filter((sequence) => !isWithin([doc.id, sequence], range)) });
    case "attachments":
      for (const [name] of doc.files) change.attachments.set(name, undefined);
      return;
    case "chunks":
      // Those of one stream. Those of all are removed with the process.
      if (range.after!.length === 2) change.stream(range.after![1] as string).isFirst = true;
      return;
    // They are removed with the process.
    case "events":
    case "streams":
      return;
    default:
      throw refused(`rows of ${table} are not cleared`);
  }
}
