/** The small rows of one process, as one commit left them. */
import type { Row } from "./table.js";

/** All that a client keeps of a process. Never changed in place. */
export interface Doc {
  readonly id: string;
  /** The stream sequence of the message that has it; 0 where there is none. */
  readonly sequence: number;
  readonly process?: Row | undefined;
  readonly lease?: Row | undefined;
  readonly counts: readonly Row[];
  readonly grants: readonly Row[];
  /** The sequences of the events whose wakes are not acknowledged. */
  readonly wakes: readonly number[];
  /** Of each attachment its name, its object and its type. A list, since a name may be `__proto__`. */
  readonly files: readonly (readonly [name: string, object: string, type: string])[];
  /** The names of its streams. */
  readonly streams: readonly string[];
  /** The commit that registered the process: its registration carries the same mark. */
  readonly registered?: string | undefined;
  /** The number of the last commit of each client that wrote lately; the latest client last. */
  readonly writers: Readonly<Record<string, number>>;
}

/** How many clients are remembered. More of them would have to write one process while the answer to a commit is being looked for. */
const MOST_WRITERS = 32;

export const absent = (id: string): Doc => ({ id, sequence: 0, counts: [], grants: [], wakes: [], files: [], streams: [], writers: {} });

/** The rows as a message has them, under `doc`. */
export const stored = ({ sequence: _, ...doc }: Doc): Omit<Doc, "sequence"> => doc;

/** The small rows of a message, and the registration where it has that. */
export function decodeRows(body: string, sequence: number): { doc: Doc; registration: Row | undefined } {
  const { doc, row } = JSON.parse(body) as { doc: Doc; row?: Row };
  return { doc: numbered(doc, sequence), registration: row };
}

export const decodeDoc = (body: string, sequence: number): Doc => decodeRows(body, sequence).doc;

/**
 * Rows with the sequence of their message. It is the change number of the process, where the commit changed that: a row that was written
 * before has its number already.
 */
export function numbered(doc: Doc, sequence: number): Doc {
  return { ...doc, sequence, process: doc.process && { change: sequence, ...doc.process } };
}

/** `doc` as written by the commit of that number. */
export function writtenBy(doc: Doc, writer: string, number: number): Doc {
  const others = Object.entries(doc.writers).filter(([other]) => other !== writer);
  return { ...doc, writers: Object.fromEntries([...others.slice(1 - MOST_WRITERS), [writer, number]]) };
}

/** Whether the commit of that number is among what made `doc`; `undefined` where that is not known any more. */
export function isWrittenBy(doc: Doc, writer: string, number: number): boolean | undefined {
  const last = doc.writers[writer];
  if (last !== undefined) return last >= number;
  return Object.keys(doc.writers).length < MOST_WRITERS ? false : undefined;
}

/** The sequence of the last event of its log. */
export const lastEventOf = ({ process }: Doc): number => (process?.log as { lastSequence?: number } | undefined)?.lastSequence ?? 0;
