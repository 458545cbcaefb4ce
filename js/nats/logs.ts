/** The event logs that this client has read: from an event on up to the last one, and followed from there. */
import { type Key, keyOf, type Part } from "./key.js";
import { firstPlace } from "./place.js";
import type { Row } from "./table.js";

export interface EventRow extends Row {
  readonly sequence: number;
  readonly eventType: string;
  readonly replayKey?: string;
}

/** A stretch of one log without a gap, up to the last message that was read. */
export class Log {
  /** The sequence of the event before the first. */
  readonly after: number;
  /** The mark of the registration: an id may have several lives. */
  readonly of: string | undefined;
  /** The stream sequence of the message up to which the log is here. */
  upTo: number;
  /** About how many bytes the events take. */
  weight = 0;
  readonly #rows: EventRow[] = [];
  readonly #byType = new Map<string, EventRow[]>();
  readonly #byReplayKey = new Map<string, EventRow>();

  constructor(after: number, upTo: number, of: string | undefined) {
    this.after = after;
    this.upTo = upTo;
    this.of = of;
  }

  get last(): number {
    return this.after + this.#rows.length;
  }

  /** Adds the events of a message; those that are here already are passed over. */
  add(rows: readonly EventRow[], upTo: number, weight: number): void {
    for (const row of rows) {
      if (row.sequence <= this.last) continue;
      this.#rows.push(row);
      const ofType = this.#byType.get(row.eventType);
      if (ofType) ofType.push(row);
      else this.#byType.set(row.eventType, [row]);
      if (row.replayKey !== undefined) this.#byReplayKey.set(row.replayKey, row);
    }
    this.upTo = Math.max(this.upTo, upTo);
    this.weight += weight;
  }

  /** Adds the events of a message of this life of the process, unless others are missing before them. */
  addMessage(body: string, sequence: number): void {
    const { registered, rows } = JSON.parse(body) as { registered: string; rows: readonly [EventRow, ...EventRow[]] };
    if (registered === this.of && rows[0].sequence <= this.last + 1) this.add(rows, sequence, body.length);
  }

  /** The rows of a range of sequences, ends excluded, at most so many. */
  between(after: number, before: number, most: number): readonly EventRow[] {
    const from = Math.max(after - this.after, 0);
    return this.#rows.slice(from, Math.max(from, Math.min(from + most, before - 1 - this.after)));
  }

  /** Those of a type in a range of sequences, in their order. */
  ofType(type: string, after: number, before: number): readonly EventRow[] {
    const rows = this.#byType.get(type) ?? [];
    return rows.slice(
      firstPlace(rows, ({ sequence }) => sequence > after),
      firstPlace(rows, ({ sequence }) => sequence >= before),
    );
  }

  underReplayKey(key: string): EventRow | undefined {
    return this.#byReplayKey.get(key);
  }
}

/** About how many bytes are kept. */
const MOST_BYTES = 64 << 20;

/** What was read last of something, by name, up to so many bytes. */
export class Recent<T extends { readonly weight: number }> {
  readonly #kept = new Map<string, { value: T; weight: number }>();
  #weight = 0;

  get(name: string): T | undefined {
    const kept = this.#kept.get(name);
    if (kept) {
      this.#kept.delete(name);
      this.#kept.set(name, kept);
    }
    return kept?.value;
  }

  /** Keeps a value, or one that has grown. */
  set(name: string, value: T): void {
    this.delete(name);
    this.#kept.set(name, { value, weight: value.weight });
    this.#weight += value.weight;
    for (const other of this.#kept.keys()) {
      if (this.#weight <= MOST_BYTES || other === name) break;
      this.delete(other);
    }
  }

  delete(name: string): void {
    this.#weight -= this.#kept.get(name)?.weight ?? 0;
    this.#kept.delete(name);
  }
}

/** The bounds of a range, as far as their keys have a number at this place. */
export function numbersOf(
  after: Part | Key | null,
  before: Part | Key | null,
  place: number,
): [after: number | undefined, before: number | undefined] {
  const at = (bound: Part | Key | null) => {
    const part = bound === null ? undefined : keyOf(bound)[place];
    return typeof part === "number" ? part : undefined;
  };
  return [at(after), at(before)];
}
