/** Answers the read requests of a transaction: `[kind, table, index or null, ...arguments]`, as engine.js has them. */
import type { Doc } from "./doc.js";
import { compareKeys, isWithin, type Key, keyOf, type Part, type Range, rangeOf } from "./key.js";
import type { Entry, Row } from "./table.js";

export type Given = Part | Key | null;
export type Request = readonly [kind: string, table: string, index: string | null, ...given: (Given | number)[]];

/** What a request looks at: exactly one key, or a range. */
export function rangeOfRequest([kind, , , first, second]: Request): { key: Key } | { range: Range } {
  if (kind === "get" || kind === "only") return { key: keyOf(first as Part | Key) };
  if (kind === "lastKey") return { range: rangeOf(null, first as Given) };
  return { range: rangeOf(first as Given, second as Given) };
}

/** The process that a request is about, where its key says so. */
export function processOf([kind, table, index, first]: Request): string | undefined {
  if (first === null || first === undefined) return undefined;
  const key = keyOf(first as Part | Key);
  if (index === "byProcess") return key[0] as string;
  if (table === "processes" || table === "leases" || table === "registrations")
    return index === null && kind === "get" ? (key[0] as string) : undefined;
  if (table === "grants") return kind === "get" ? (key[1] as string) : undefined;
  return PER_PROCESS.has(table) ? (key[0] as string) : undefined;
}

const PER_PROCESS: ReadonlySet<string> = new Set(["counts", "wakes", "events", "streams", "chunks", "attachments"]);

/** A request to a table of the view. */
export function answer([kind, , , , second, third]: Request, entries: Stretch): unknown[] {
  switch (kind) {
    case "get":
      return entries.first(1).map(({ row }) => row);
    case "only":
      return entries.first(Infinity).map(({ row }) => row);
    case "all":
      return entries.first((third as number | null) ?? Infinity).map(({ row }) => row);
    case "keys":
      return entries.first(third as number).map(({ own }) => own[0]);
    case "last":
      return entries.last(1).map(({ row }) => row);
    case "back":
      return entries.last(third as number).map(({ row }) => row);
    case "count":
      return [entries.count];
    case "lastKey":
      return entries.last(1).map(({ key }) => key[0]);
    default:
      throw new TypeError(`there is no request ${kind} ${String(second)}`);
  }
}

/** Entries in their order. */
export interface Stretch {
  readonly count: number;
  first(most: number): readonly Entry[];
  /** The last one first. */
  last(most: number): readonly Entry[];
}

export const stretch = (entries: readonly Entry[], from = 0, to = entries.length): Stretch => ({
  count: to - from,
  first: (most) => entries.slice(from, Math.min(to, from + most)),
  last: (most) => entries.slice(Math.max(from, to - most), to).reverse(),
});

/** The rows of one process that a request finds, of a few. */
export function found(rows: readonly Row[], path: readonly string[], request: Request): Stretch {
  const at = rangeOfRequest(request);
  const entries: Entry[] = [];
  for (const row of rows) {
    const key = path.map((name) => row[name] as Part);
    if ("key" in at ? compareKeys(key, at.key) === 0 : isWithin(key, at.range)) entries.push({ key, own: key, row });
  }
  return stretch(entries.sort((a, b) => compareKeys(a.key, b.key)));
}

/** The rows of a process that a table has, and where they have their keys. */
export function rowsOf(doc: Doc, table: string, index: string | null): readonly [rows: readonly Row[], path: readonly string[]] {
  switch (table) {
    case "processes":
      return [doc.process ? [doc.process] : [], ["id"]];
    case "leases":
      return [doc.lease ? [doc.lease] : [], ["processId"]];
    case "counts":
      return [doc.counts, ["processId", "eventType"]];
    case "wakes":
      return [doc.wakes.map((sequence) => ({ processId: doc.id, sequence })), ["processId", "sequence"]];
    case "grants":
      return [doc.grants, index === null ? ["scopeId", "processId"] : ["processId", "sessionId", "scopeId"]];
    default:
      throw new TypeError(`there is no table ${table} of one process`);
  }
}
