/** The streams of processes: messages of chunks, each with the row that the stream had then. */
import type { Doc } from "./doc.js";
import { type Key, keyOf } from "./key.js";
import { numbersOf, Recent } from "./logs.js";
import { firstPlace } from "./place.js";
import type { Given, Request } from "./reads.js";
import { lag, type Messages } from "./stored.js";
import type { Subjects } from "./subjects.js";
import type { Row } from "./table.js";

/** The body of a message. */
export interface StreamMessage {
  /** The mark of the registration: an id may have several lives. */
  readonly registered: string | undefined;
  /** The row of the stream. */
  readonly row: Row;
  /** Rows of chunks that it adds. */
  readonly chunks: readonly Row[];
  /** All chunks before it were removed. */
  readonly isFirst?: true;
}

/** The chunks of a stream as far as they were read. */
class Chunks {
  readonly of: string | undefined;
  rows: Row[] = [];
  upTo = 0;
  weight = 0;

  constructor(of: string | undefined) {
    this.of = of;
  }

  /** Adds a message, unless another read has added it. */
  add(body: string, sequence: number): void {
    if (sequence <= this.upTo) return;
    this.upTo = sequence;
    const { registered, chunks, isFirst } = JSON.parse(body) as StreamMessage;
    if (registered !== this.of) return;
    if (isFirst) Object.assign(this, { rows: [], weight: 0 });
    this.rows.push(...chunks);
    this.weight += body.length;
  }
}

export class Streams {
  readonly #messages: Messages;
  readonly #subjects: Subjects;
  readonly #chunks = new Recent<Chunks>();
  /** The row of a stream that this client wrote last, with the version that its process had by that. */
  readonly #written = new Map<string, { row: Row; version: number }>();

  constructor(messages: Messages, subjects: Subjects) {
    this.#messages = messages;
    this.#subjects = subjects;
  }

  /** The row of a stream. What this client wrote itself is not asked for while the process is known to be of no later version. */
  async row(id: string, name: string, version: number | undefined): Promise<Row | undefined> {
    const subject = this.#subjects.streamOf(id, name);
    const written = this.#written.get(subject);
    if (written && version !== undefined && written.version === version) return written.row;
    const message = await this.#messages.last(subject);
    return message && (JSON.parse(await this.#messages.whole(message)) as StreamMessage).row;
  }

  /** Notes a row that was just written. */
  wrote(id: string, name: string, row: Row, version: number): void {
    const subject = this.#subjects.streamOf(id, name);
    this.#written.delete(subject);
    this.#written.set(subject, { row, version });
    if (this.#written.size > MOST_WRITTEN) this.#written.delete(this.#written.keys().next().value!);
  }

  /** Notes that this client has committed to a process: the rows that it has written before are still the last. */
  raise({ id, streams }: Doc, from: number, to: number): void {
    for (const name of streams) {
      const written = this.#written.get(this.#subjects.streamOf(id, name));
      if (written?.version === from) written.version = to;
    }
  }

  /** The rows of chunks that a request finds. */
  async chunks({ id, registered }: Doc, request: Request): Promise<() => unknown[]> {
    const [kind, , , first, second, limit] = request;
    const chunks = await this.#read(id, keyOf(first as Key)[1] as string, registered);
    const [after, before] = numbersOf(first as Given, second as Given, 2);
    const place = (isBeyond: (first: number) => boolean) => firstPlace(chunks.rows, (row) => isBeyond(row.first as number));
    // A key without an index of a chunk is in front of all chunks.
    const rows = chunks.rows.slice(
      after === undefined ? 0 : place((first) => first > after),
      before === undefined ? undefined : place((first) => first >= before),
    );
    return () => (kind === "last" ? rows.slice(-1) : rows.slice(0, (limit as number | null) ?? Infinity));
  }

  async #read(id: string, name: string, registered: string | undefined): Promise<Chunks> {
    const subject = this.#subjects.streamOf(id, name);
    const known = this.#chunks.get(subject);
    const chunks = known && known.of === registered ? known : new Chunks(registered);
    this.#chunks.set(subject, chunks);
    const last = (await this.#messages.last(subject))?.sequence ?? 0;
    for (let tries = 0; chunks.upTo < last; tries++) {
      const before = chunks.upTo;
      for await (const message of this.#messages.from(subject, before + 1))
        chunks.add(await this.#messages.whole(message), message.sequence);
      if (chunks.upTo === before) await lag(tries);
    }
    this.#chunks.set(subject, chunks);
    return chunks;
  }
}

/** How many rows of streams are kept: more than a page has runs. */
const MOST_WRITTEN = 1_000;
