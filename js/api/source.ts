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
  return readBy(
    () => reader.read(),
    () => reader.cancel(),
  );
}

function iterableSource(iterable: AsyncIterable<unknown>): Source {
  const iterator = iterable[Symbol.asyncIterator]();
  return readBy(
    () => iterator.next(),
    async () => void (await iterator.return?.()),
  );
}

/** A source whose pieces come as those of streams and iterators do. */
const readBy = (read: () => Promise<{ done?: boolean; value?: unknown }>, cancel: Source["cancel"]): Source => ({
  async next() {
    const { done, value } = await read();
    return done ? undefined : value;
  },
  cancel,
});

/** Splits the pieces of a source into lines, and decodes each by itself, so that a fault is that of its line. */
export class Lines {
  /** The number of the line that was given last, or is read, from 1. */
  number = 0;
  readonly #source: Source;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #encoder = new TextEncoder();
  /** Lines that are there, in pieces, the next one last. */
  #ready: Piece[][] = [];
  /** The beginning of the line after those. */
  #rest: Piece[] = [];
  #length = 0;
  #isOver = false;

  constructor(source: Source) {
    this.#source = source;
  }

  /** The next line, without its break; `undefined` at the end. */
  async next(): Promise<string | undefined> {
    this.number++;
    while (this.#ready.length === 0 && !this.#isOver) this.#add(await this.#piece());
    const line = this.#ready.pop();
    return line && this.#text(line);
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

  #add(given: unknown): void {
    this.#isOver = given === undefined;
    if (this.#isOver) {
      if (this.#rest.length > 0) this.#ready.push(this.#rest);
      return;
    }
    const piece = pieceOf(given);
    const lines: Piece[][] = [];
    let begin = 0;
    for (;;) {
      const end = typeof piece === "string" ? piece.indexOf("\n", begin) : piece.indexOf(LINE_FEED, begin);
      if (end < 0) break;
      lines.push([...this.#rest, piece.slice(begin, end)]);
      this.#rest = [];
      this.#length = 0;
      begin = end + 1;
    }
    const last = piece.slice(begin);
    this.#length += last.length;
    if (this.#length > LONGEST_LINE) throw invalidArgument(`has more than ${LONGEST_LINE} characters`);
    if (last.length > 0) this.#rest.push(last);
    this.#ready = lines.reverse();
  }

  #text(line: Piece[]): string {
    if (line.every((piece) => typeof piece === "string")) return line.join("");
    const bytes = line.map((piece) => (typeof piece === "string" ? this.#encoder.encode(piece) : piece));
    const whole = new Uint8Array(bytes.reduce((length, piece) => length + piece.length, 0));
    let at = 0;
    for (const piece of bytes) {
      whole.set(piece, at);
      at += piece.length;
    }
    try {
      return this.#decoder.decode(whole);
    } catch (cause) {
      throw invalidArgument("is not UTF-8", cause);
    }
  }
}

type Piece = string | Uint8Array;

/** It is in no character of UTF-8 but the line break. */
const LINE_FEED = 10;

function pieceOf(given: unknown): Piece {
  if (typeof given === "string") return given;
  if (!ArrayBuffer.isView(given)) throw invalidArgument(`source: gave ${describe(given)}, not bytes or text`);
  return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
}
