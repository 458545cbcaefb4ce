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
  /** Whether entries were added without being put in place. Many at once are sorted when they are read. */
  #isLoose = false;

  add(entry: Entry, isLoose: boolean): void {
    if (isLoose || this.#isLoose) {
      this.#isLoose = true;
      this.#entries.push(entry);
    } else this.#entries.splice(this.#behind(entry.key, entry.own), 0, entry);
  }

  remove(key: Key, own: Key): void {
    const entries = this.#sorted();
    const place = this.#behind(key, own) - 1;
    const found = entries[place];
    if (found && compareKeys(found.own, own) === 0 && compareKeys(found.key, key) === 0) entries.splice(place, 1);
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
    if (this.#isLoose) {
      this.#entries.sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.own, b.own));
      this.#isLoose = false;
    }
    return this.#entries;
  }

  /** The place behind the entry of that key and own key, or where that would be. */
  #behind(key: Key, own: Key): number {
    return firstPlace(this.#entries, (entry) => (compareKeys(entry.key, key) || compareKeys(entry.own, own)) > 0);
  }
}

/** A table. Rows are shared with its readers and never changed in place. */
export class Table {
  readonly #layout: Layout;
  readonly #rows = new Sorted();
  readonly #indexes = new Map<string, Sorted>();

  constructor(layout: Layout) {
    this.#layout = layout;
    for (const name of Object.keys(layout.indexes)) this.#indexes.set(name, new Sorted());
  }

  /** Takes a row out, if any, and puts another in, if any. `isLoose`: more follow before anything is read. */
  replace(before: Row | undefined, after: Row | undefined, isLoose = false): void {
    if (before === after) return;
    if (before) this.#each(before, (sorted, key, own) => sorted.remove(key, own));
    if (after) this.#each(after, (sorted, key, own) => sorted.add({ key, own, row: after }, isLoose));
  }

  #each(row: Row, visit: (sorted: Sorted, key: Key, own: Key) => void): void {
    const [own] = keysOf(row, this.#layout.key);
    if (!own) return;
    visit(this.#rows, own, own);
    for (const [name, path] of Object.entries(this.#layout.indexes))
      for (const key of keysOf(row, path)) visit(this.#indexes.get(name)!, key, own);
  }

  /** The rows in an order: that of an index, or the table's own. */
  sorted(index: string | null): Sorted {
    return index === null ? this.#rows : this.#indexes.get(index)!;
  }
}

/** The keys of a row under a path; none where a part is missing or is no key. */
function keysOf(row: Row, { paths, each }: KeyPath): readonly Key[] {
  if (each) return (valueAt(row, paths[0]!) as Key[] | undefined) ?? [];
  const key = paths.map((path) => valueAt(row, path));
  return key.every((part) => typeof part === "string" || typeof part === "number") ? [key as Part[]] : [];
}

function valueAt(row: Row, path: string): unknown {
  let value: unknown = row;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Row)[name];
  }
  return value;
}
