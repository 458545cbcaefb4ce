/** Rows in the order of their keys, and of the keys that their indexes give them. */
import { compareKeys, type Key, type Part, type Range } from "./key.js";
import { firstPlace } from "./place.js";

export type Row = Record<string, unknown>;

/** Where a row has the parts of its key: member names, joined by dots. With `each`, the one path leads to a list of keys. */
export interface KeyPath {
  readonly paths: readonly string[];
  readonly each?: true;
}

export interface Layout {
  readonly key: KeyPath;
  readonly indexes: Readonly<Record<string, KeyPath>>;
}

/** A row under a key of one order. `own` is the key of the row itself. */
export interface Entry {
  readonly key: Key;
  readonly own: Key;
  readonly row: Row;
}

/** The rows of one order. */
class Sorted {
  #entries: Entry[] = [];
  /** Entries that are not in place yet. Many at once are sorted when they are read. */
  #loose: Entry[] = [];

  add(entry: Entry, isLoose: boolean): void {
    if (isLoose || this.#loose.length > 0) this.#loose.push(entry);
    else this.#entries.splice(this.#behind(entry.key, entry.own), 0, entry);
  }

  remove(key: Key, own: Key): void {
    const place = this.#placeOf(key, own);
    if (place !== undefined) this.#entries.splice(place, 1);
  }

  /** Puts a row in the place of the one that has its keys. */
  put(entry: Entry): void {
    const place = this.#placeOf(entry.key, entry.own);
    if (place !== undefined) this.#entries[place] = entry;
  }

  /** The entries in a range, as a stretch of the order: from one place up to another. */
  stretch({ after, before }: Range): readonly [entries: readonly Entry[], from: number, to: number] {
    const entries = this.#sorted();
    const from = after === null ? 0 : firstPlace(entries, ({ key }) => compareKeys(key, after) > 0);
    const to = before === null ? entries.length : firstPlace(entries, ({ key }) => compareKeys(key, before) >= 0);
    return [entries, from, Math.max(from, to)];
  }

  /** The entries under exactly this key. */
  under(key: Key): readonly Entry[] {
    const entries = this.#sorted();
    return entries.slice(
      firstPlace(entries, (entry) => compareKeys(entry.key, key) >= 0),
      firstPlace(entries, (entry) => compareKeys(entry.key, key) > 0),
    );
  }

  #sorted(): Entry[] {
    if (this.#loose.length > 0) {
      this.#entries = this.#entries.concat(this.#loose).sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.own, b.own));
      this.#loose = [];
    }
    return this.#entries;
  }

  /** Where an entry is. Those that are not in place yet are put there only if it is none of the others. */
  #placeOf(key: Key, own: Key): number | undefined {
    const place = this.#behind(key, own) - 1;
    const found = this.#entries[place];
    if (found && compareKeys(found.own, own) === 0 && compareKeys(found.key, key) === 0) return place;
    if (this.#loose.length === 0) return undefined;
    this.#sorted();
    return this.#placeOf(key, own);
  }

  /** The place behind the entry of that key and own key, or where that would be. */
  #behind(key: Key, own: Key): number {
    return firstPlace(this.#entries, (entry) => (compareKeys(entry.key, key) || compareKeys(entry.own, own)) > 0);
  }
}

/** One order of a table, with where its rows have its keys. */
interface Order {
  readonly sorted: Sorted;
  readonly paths: readonly (readonly string[])[];
  readonly each: boolean;
}

const orderOf = ({ paths, each }: KeyPath): Order => ({
  sorted: new Sorted(),
  paths: paths.map((path) => path.split(".")),
  each: each ?? false,
});

/** A table. Rows are shared with its readers and never changed in place. */
export class Table {
  readonly #rows: Order;
  readonly #indexes: ReadonlyMap<string, Order>;

  constructor({ key, indexes }: Layout) {
    this.#rows = orderOf(key);
    this.#indexes = new Map(Object.entries(indexes).map(([name, path]) => [name, orderOf(path)]));
  }

  /** Takes a row out, if any, and puts another in, if any. `isLoose`: more follow before anything is read. */
  replace(before: Row | undefined, after: Row | undefined, isLoose = false): void {
    if (before === after) return;
    const [own] = before ? keysOf(before, this.#rows) : [];
    const [nextOwn] = after ? keysOf(after, this.#rows) : [];
    for (const order of [this.#rows, ...this.#indexes.values()]) {
      const keys = own ? keysOf(before!, order) : [];
      const next = nextOwn ? keysOf(after!, order) : [];
      // Most of them stay when a row changes.
      if (own && nextOwn && areEqual([own, ...keys], [nextOwn, ...next]))
        for (const key of next) order.sorted.put({ key, own, row: after! });
      else {
        for (const key of keys) order.sorted.remove(key, own!);
        for (const key of next) order.sorted.add({ key, own: nextOwn!, row: after! }, isLoose);
      }
    }
  }

  /** The rows in an order: that of an index, or the table's own. */
  sorted(index: string | null): Sorted {
    return index === null ? this.#rows.sorted : this.#indexes.get(index)!.sorted;
  }
}

const areEqual = (some: readonly Key[], others: readonly Key[]) =>
  some.length === others.length && some.every((key, place) => compareKeys(key, others[place]!) === 0);

/** The keys that an order has of a row; none where a part is missing or is no key. */
function keysOf(row: Row, { paths, each }: Order): readonly Key[] {
  if (each) return (valueAt(row, paths[0]!) as Key[] | undefined) ?? [];
  const key = paths.map((path) => valueAt(row, path));
  return key.every((part) => typeof part === "string" || typeof part === "number") ? [key as Part[]] : [];
}

function valueAt(row: Row, path: readonly string[]): unknown {
  let value: unknown = row;
  for (const name of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Row)[name];
  }
  return value;
}
