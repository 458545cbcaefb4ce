/**
 * The names of what a namespace has on the server.
 *
 *     longwait.<namespace>.p.<process>.d.r        its registration
 *                                     .d.e        events of a commit
 *                                     .d.c        a commit without either
 *                                     .p.r .p.e   a registration, and events, where a message behind it in the same commit has the small rows
 *                                     .s.n.<name> the chunks of a stream, with the row of the stream
 *                                     .b          parts of a registration or of events, where that is too large for one message
 *                                     .o          parts of the small rows, where these are
 *
 * Each message under `.d.` ends with the small rows of the process as the commit left them: the last of them has the rows that are so now.
 *
 *     longwait.<namespace>.g.<guard>              raises the version of a range of rows: see guard.ts
 *     longwait.<namespace>.n.<process>            notifications, which are not stored
 */
import { sha256 } from "js-sha256";

export class Subjects {
  readonly stream: string;
  readonly bucket: string;
  readonly #prefix: string;

  constructor(namespace: string) {
    this.stream = `LONGWAIT_${namespace}`;
    this.bucket = `LONGWAIT_${namespace}`;
    this.#prefix = `longwait.${namespace}`;
  }

  /** What the stream stores. */
  get stored(): string[] {
    return [`${this.#prefix}.p.>`, `${this.#prefix}.g.>`];
  }

  /** What each client follows: all that changes its tables, and the guards of ranges. */
  get followed(): string[] {
    return [this.rows, `${this.#prefix}.g.>`];
  }

  /** The small rows of all processes. */
  get rows(): string {
    return `${this.#prefix}.p.*.d.*`;
  }

  /** All of a process; its last sequence is the version of the process. */
  whole(id: string): string {
    return `${this.#prefix}.p.${token(id)}.>`;
  }

  of(id: string, what: "d.r" | "d.e" | "d.c" | "p.r" | "p.e" | "b" | "o"): string {
    return `${this.#prefix}.p.${token(id)}.${what}`;
  }

  /** The messages that end with the small rows of a process. */
  rowsOf(id: string): string {
    return `${this.#prefix}.p.${token(id)}.d.*`;
  }

  registrationOf(id: string): string {
    return `${this.#prefix}.p.${token(id)}.*.r`;
  }

  eventsOf(id: string): string {
    return `${this.#prefix}.p.${token(id)}.*.e`;
  }

  streamOf(id: string, name: string): string {
    return `${this.#prefix}.p.${token(id)}.s.n.${token(name)}`;
  }

  guard(name: string): string {
    return `${this.#prefix}.g.${token(name)}`;
  }

  notification(id: string): string {
    return `${this.#prefix}.n.${token(id)}`;
  }

  get notifications(): string {
    return `${this.#prefix}.n.*`;
  }

  /** Whether a message of {@link rows} has events. */
  hasEvents(subject: string): boolean {
    return subject.endsWith(".d.e");
  }

  /** What a subject is of: the token of the process or guard, and the letter behind it. */
  parse(subject: string): { kind: "p" | "g"; token: string; what: string } {
    const [kind, token, what] = subject.slice(this.#prefix.length + 1).split(".");
    return { kind: kind as "p" | "g", token: token!, what: what ?? "" };
  }
}

/** The longest token that is the name itself: a subject may have 4,096 bytes with all that stands on its line. */
const LONGEST = 200;

/** A name as one token of a subject. Of a long name it is a hash, whose first character no other token has. */
export function token(name: string): string {
  const escaped = name.replace(/[^A-Za-z0-9_-]/g, (unit) => `=${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return escaped.length <= LONGEST ? escaped : `~${sha256(escaped)}`;
}

/** The name that a token is of; nothing where it is a hash. */
export const nameOf = (token: string): string | undefined =>
  token.startsWith("~") ? undefined : token.replace(/=(....)/g, (_, unit: string) => String.fromCharCode(parseInt(unit, 16)));
