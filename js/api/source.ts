/** What an import reads: bytes or texts of whatever source, as numbered lines. */
import { describe, refusal } from "../border/fault.js";
import { isBlob } from "../border/attachments.js";
import { invalidArgument } from "../types/errors.js";
import { MAX_CHARACTERS } from "../border/check.js";
import { Aborted } from "../border/stop.js";

/** Gives pieces until it is at its end. Where it is left before, `cancel` is called. */
export interface Source {
  /** The next piece; `undefined` at the end. */
  next(): Promise<unknown>;
  cancel(): Promise<void>;
}

/** The longest line: an event whose payload is as large as one can be, and is its outcome, too. */
const LONGEST_LINE = 4 * MAX_CHARACTERS;
/** How many bytes of a Blob are read at once. */
const BYTES = 1 << 18;

export function sourceOf(given: unknown): Source {
  try {
    if (isBlob(given)) return blobSource(given);
    if (typeof (given as ReadableStream | null)?.getReader === "function") return streamSource(given as ReadableStream<unknown>);
    if (typeof (given as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] === "function")
      return iterableSource(given as AsyncIterable<unknown>);
  } catch (fault) {
    throw refusal(fault, "source");
  }
  throw invalidArgument(`source: must be a ReadableStream, an async iterable or a Blob, not ${describe(given)}`);
}

function blobSource(blob: Blob): Source {
  let at = 0;
  return {
    async next() {
      if (at >= blob.size) return undefined;
      const piece = await blob.slice(at, at + BYTES).arrayBuffer();
      at += BYTES;
      return new Uint8Array(piece);
    },
    async cancel() {},
  };
}

function streamSource(stream: ReadableStream<unknown>): Source {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    cancel: () => reader.cancel(),
  };
}

function iterableSource(iterable: AsyncIterable<unknown>): Source {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await iterator.next();
      return done ? undefined : value;
    },
    async cancel() {
      await iterator.return?.();
    },
  };
}

/** Splits the pieces of a source into lines. */
export class Lines {
  /** The number of the line that was given last, or is read, from 1. */
  number = 0;
  readonly #source: Source;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  /** Lines that are there, the next one last. */
  #ready: string[] = [];
  /** The beginning of the line after those, in pieces. */
  #rest: string[] = [];
  #length = 0;
  #isOver = false;

  constructor(source: Source) {
    this.#source = source;
  }

  /** The next line, without its break; `undefined` at the end. */
  async next(): Promise<string | undefined> {
    this.number++;
    while (this.#ready.length === 0 && !this.#isOver) this.#add(await this.#piece());
    return this.#ready.pop();
  }

  cancel(): Promise<void> {
    return this.#isOver ? Promise.resolve() : this.#source.cancel();
  }

  /** What the source fails with is what the import rejects with. */
  async #piece(): Promise<unknown> {
    try {
      return await this.#source.next();
    } catch (fault) {
      throw new Aborted(fault);
    }
  }

  #add(piece: unknown): void {
    this.#isOver = piece === undefined;
    const lines = this.#text(piece).split("\n");
    const last = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = this.#rest.join("") + lines[0]!;
      this.#rest = [];
      this.#length = 0;
      this.#ready = lines.reverse();
    }
    this.#length += last.length;
    if (this.#length > LONGEST_LINE) throw invalidArgument(`has more than ${LONGEST_LINE} characters`);
    if (last !== "") this.#rest.push(last);
    if (this.#isOver && this.#rest.length > 0) this.#ready.unshift(this.#rest.join(""));
  }

  #text(piece: unknown): string {
    if (typeof piece === "string") return piece;
    if (piece !== undefined && !ArrayBuffer.isView(piece)) throw invalidArgument(`source: gave ${describe(piece)}, not bytes or text`);
    try {
      return this.#decoder.decode(piece as Uint8Array<ArrayBuffer> | undefined, { stream: piece !== undefined });
    } catch (cause) {
      throw invalidArgument("is not UTF-8", cause);
    }
  }
}
