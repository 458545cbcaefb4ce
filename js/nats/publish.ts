/** Stores messages wholly or not at all, and finds out what became of them where the answer is lost. */
import { headers, nuid, type Msg } from "@nats-io/nats-core";
import { disconnected, Failed, raced, refused, unsettled } from "./fault.js";
import { describe, isPassing, type Link, pause, PATIENCE_MS } from "./link.js";
import { PARTS, QUIET, WRITER } from "./stored.js";

/** A message to be stored. */
export interface Outgoing {
  readonly subject: string;
  readonly body: string;
  /** It is stored only if the last sequence of these subjects is that. */
  readonly condition?: { readonly subjects: string; readonly last: number };
  /** The messages of its subject before it are removed. */
  readonly replaces?: true;
  /** It changes nothing that others wait for. */
  readonly isQuiet?: boolean;
  /** So many messages before it have the parts of its body. */
  readonly parts?: number;
}

/** What of a message may be known of its outcome elsewhere. */
export interface Settling {
  /** Whether the commit has landed, after the server has refused it as it was sent again; `undefined` where that cannot be known. */
  hasLanded(): Promise<boolean | undefined>;
}

/** How many messages an atomic batch may have: a limit of the server. */
const MOST_MESSAGES = 1_000;

/** "wrong last sequence" */
const WRONG_SEQUENCE = 10_071;
/** "wrong last sequence" as well, while a commit is on its way that may raise it: that of another client, or the one that is sent again. */
const SEQUENCE_UNDECIDED = 10_164;
/** The stream, the account or the server has reached a limit: of bytes, of storage, of memory. */
const FULL: ReadonlySet<number> = new Set([10_002, 10_023, 10_047, 10_028, 10_077]);
/** Batches: incomplete, and too many at one time. The server has dropped the messages before the last. Nothing was stored. */
const BATCH_DROPPED: ReadonlySet<number> = new Set([10_176, 10_210]);

interface Ack {
  seq: number;
  error?: { code: number; err_code: number; description: string };
}

/**
 * Stores messages in one commit, and resolves with the sequence of the first; with nothing where the answer was lost and they are stored
 * all the same.
 *
 * A lost answer is settled by sending the messages again: their condition lets one of the two be stored at most. Where that is refused,
 * the rows say whose they are.
 */
export async function store(
  link: Link,
  messages: readonly Outgoing[],
  writer: string,
  number: number,
  settling: Settling,
): Promise<number | undefined> {
  if (messages.length > MOST_MESSAGES)
    throw refused(`one commit takes ${messages.length} messages, and a NATS server stores at most ${MOST_MESSAGES} at one time`);
  const start = performance.now();
  let isSent = false,
    wasDropped = false;
  for (let pauseMs = 5; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
    const leftMs = Math.max(PATIENCE_MS - (performance.now() - start), 0);
    let cause: unknown;
    try {
      await link.live(leftMs);
    } catch (fault) {
      throw isSent ? unsettled(fault) : fault;
    }
    try {
      const { seq, error } = await send(link, messages, writer, number, wasDropped);
      if (!error) return seq - messages.length + 1;
      if (error.err_code === WRONG_SEQUENCE) {
        if (!isSent) throw raced();
        const hasLanded = await settling.hasLanded();
        if (hasLanded === undefined) throw unsettled();
        if (!hasLanded) throw raced();
        return undefined;
      }
      cause = new Error(error.description);
      if (FULL.has(error.err_code))
        throw isSent
          ? unsettled(cause)
          : new Failed("refused", "quota_exceeded", `the NATS server has no more room (${error.description})`);
      wasDropped ||= BATCH_DROPPED.has(error.err_code);
      // Nothing was stored by this try, and the next one will find out what was by another.
      const isDropped = error.err_code === SEQUENCE_UNDECIDED || BATCH_DROPPED.has(error.err_code);
      if (!isDropped && error.code !== 503 && error.code !== 408)
        throw isSent ? unsettled(cause) : refused(`the NATS server refused it (${error.description})`);
      // A leader that was just elected may have stored it as a follower.
      if (!isDropped) isSent = true;
    } catch (fault) {
      if (fault instanceof Failed) throw isSent && fault.how !== "raced" ? unsettled(fault) : fault;
      if (!isPassing(fault)) throw isSent ? unsettled(fault) : refused(describe(fault), fault);
      isSent = true;
      cause = fault;
    }
    if (leftMs <= pauseMs) throw isSent ? unsettled(cause) : disconnected(cause);
    await pause(pauseMs);
  }
}

/**
 * Sends the messages, and resolves with the answer to the last one. `asksEach`: of a batch, with the answer to the first message that was
 * refused, as the last one learns no more than that another one is missing. It costs the server an answer for each.
 */
async function send(link: Link, messages: readonly Outgoing[], writer: string, number: number, asksEach: boolean): Promise<Ack> {
  const batch = messages.length > 1 ? nuid.next() : undefined;
  const headersOf = ({ condition, replaces, isQuiet, parts }: Outgoing, place: number) => {
    const made = headers();
    made.set(WRITER, `${writer}:${number}`);
    if (condition) {
      made.set("Nats-Expected-Last-Subject-Sequence", `${condition.last}`);
      made.set("Nats-Expected-Last-Subject-Sequence-Subject", condition.subjects);
    }
    if (replaces) made.set("Nats-Rollup", "sub");
    if (isQuiet) made.set(QUIET, "1");
    if (parts) made.set(PARTS, `${parts}`);
    if (batch !== undefined) {
      made.set("Nats-Batch-Id", batch);
      made.set("Nats-Batch-Sequence", `${place + 1}`);
      if (place === messages.length - 1) made.set("Nats-Batch-Commit", "1");
    }
    return made;
  };
  const request = async (message: Outgoing, place: number): Promise<Ack> =>
    ackOf(await link.request(message.subject, message.body, headersOf(message, place)));
  const last = messages.length - 1;
  if (!asksEach) {
    messages.slice(0, -1).forEach((message, place) => link.publish(message.subject, message.body, headersOf(message, place)));
    return request(messages[last]!, last);
  }
  const answers = await Promise.all(messages.map(request));
  return answers.find(({ error }) => error) ?? answers[last]!;
}

/** What the server says of a message. To one of a batch that is not the last, it says nothing where it took it. */
const ackOf = (answer: Msg): Ack => JSON.parse(answer.string() || "{}") as Ack;
