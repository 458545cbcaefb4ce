/** The streams of processes: messages of chunks, each with the row that the stream had then. */
import { Recent } from "./logs.js";
import { compareKeys, keyOf, type Key } from "./key.js";
import { rangeOfRequest, type Request } from "./reads.js";
import type { Messages } from "./stored.js";
import type { Subjects } from "./subjects.js";
import type { Row } from "./table.js";

/** The body of a message. */
export interface StreamMessage {
  /** The row of the stream. */
  readonly row: Row;
  /** Rows of chunks that it adds. */
  readonly chunks: readonly Row[];
  /** All chunks before it were removed. */
  readonly isFirst?: true;
}

/** The chunks of a stream as far as they were read. */
class Chunks {
  rows: Row[] = [];
  upTo = 0;
  weight = 0;
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

  /** The rows of chunks that a request finds. */
  async chunks(id: string, request: Request): Promise<() => unknown[]> {
    const [kind, , , first, , limit] = request;
    const { range } = rangeOfRequest(request) as { range: { after: Key; before: Key } };
    const name = keyOf(first as Key)[1] as string;
    const chunks = await this.#read(id, name);
    const isIn = (row: Row) => {
      const key = [id, name, row.first as number];
      return compareKeys(key, range.after) > 0 && compareKeys(key, range.before) < 0;
    };
    return () => {
      const rows = chunks.rows.filter(isIn);
      return kind === "last" ? rows.slice(-1) : rows.slice(0, (limit as number | null) ?? Infinity);
    };
  }

  async #read(id: string, name: string): Promise<Chunks> {
    const subject = this.#subjects.streamOf(id, name);
    const chunks = this.#chunks.get(subject) ?? new Chunks();
    for await (const message of this.#messages.from(subject, chunks.upTo + 1)) {
      const body = await this.#messages.whole(message);
      const { chunks: rows, isFirst } = JSON.parse(body) as StreamMessage;
      if (isFirst) Object.assign(chunks, { rows: [], weight: 0 });
      chunks.rows.push(...rows);
      chunks.upTo = message.sequence;
      chunks.weight += body.length;
    }
    this.#chunks.set(subject, chunks);
    return chunks;
  }
}

/** How many rows of streams are kept: more than a page has runs. */
const MOST_WRITTEN = 1_000;
