/** Keys as the requests of the store have them, and their order: that of IndexedDB for what occurs here. */

/** A part of a key. An empty list sorts behind every text, and a text behind every number. */
export type Part = number | string | readonly [];
export type Key = readonly Part[];

/** A key as a request has it: a single part stands by itself. */
export const keyOf = (given: Part | Key): Key => (Array.isArray(given) && given.length > 0 ? (given as Key) : [given as Part]);

const rank = (part: Part) => (typeof part === "number" ? 0 : typeof part === "string" ? 1 : 2);

function compareParts(a: Part, b: Part): number {
  const [of, to] = [rank(a), rank(b)];
  if (of !== to) return of - to;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Below 0 where `a` comes first. A key that another one begins with comes before that. */
export function compareKeys(a: Key, b: Key): number {
  const shared = Math.min(a.length, b.length);
  for (let place = 0; place < shared; place++) {
    const order = compareParts(a[place]!, b[place]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The keys strictly between two; a side that is `null` is open. */
export interface Range {
  readonly after: Key | null;
  readonly before: Key | null;
}

export const rangeOf = (after: Part | Key | null, before: Part | Key | null): Range => ({
  after: after === null ? null : keyOf(after),
  before: before === null ? null : keyOf(before),
});

export const isWithin = (key: Key, { after, before }: Range): boolean =>
  (after === null || compareKeys(key, after) > 0) && (before === null || compareKeys(key, before) < 0);
