/** What the stream has, read on demand. */
import type { MsgHdrs, QueuedIterator } from "@nats-io/nats-core";
import { jetstreamManager, type JetStreamManager, type StoredMsg } from "@nats-io/jetstream";
import { absent, decodeDoc, type Doc } from "./doc.js";
import { refused } from "./fault.js";
import { type Link, pause, REQUEST_MS } from "./link.js";
import type { Subjects } from "./subjects.js";
import type { Row } from "./table.js";

/** A header with how many messages before this one have the parts of its body. */
export const PARTS = "Longwait-Parts";
/** A header with the client that wrote a message, and the number of its commit. */
export const WRITER = "Longwait-Writer";
/** A header of rows whose commit did not change the process itself: of leases, grants, acknowledgements. */
export const QUIET = "Longwait-Quiet";

/** How many messages are asked for at one time: the server gives at most 1,024 subjects. */
const PAGE = 500;

export interface Message {
  readonly subject: string;
  readonly sequence: number;
  readonly headers: MsgHdrs | undefined;
  readonly body: string;
}

/** The messages of a stream. */
export class Messages {
  readonly #link: Link;
  readonly #subjects: Subjects;
  /** What gives up each answer that is being received. */
  readonly #receiving = new Set<() => void>();
  #manager: { of: unknown; opened: Promise<JetStreamManager> } | undefined;

  constructor(link: Link, subjects: Subjects) {
    this.#link = link;
    this.#subjects = subjects;
  }

  /** The last message of a subject, as the leader of the stream has it: nothing that was acknowledged is missing. */
  async last(subject: string): Promise<Message | undefined> {
    const manager = await this.manager();
    return received(await manager.streams.getMessage(this.#subjects.stream, { last_by_subj: subject }));
  }

  /** The sequence of the first message of a subject from a sequence on, as the leader of the stream has it. */
  async next(subject: string, sequence: number): Promise<number | undefined> {
    const manager = await this.manager();
    return (await manager.streams.getMessage(this.#subjects.stream, { seq: sequence, next_by_subj: subject } as { seq: number }))?.seq;
  }

  /** The sequence of the last message of the stream, as its leader has it. */
  async end(): Promise<number> {
    const manager = await this.manager();
    return (await manager.streams.info(this.#subjects.stream)).state.last_seq;
  }

  /** The rows of a process, as the leader has them. */
  async doc(id: string): Promise<Doc> {
    const found = await this.last(this.#subjects.rowsOf(id));
    return found ? decodeDoc(await this.whole(found), found.sequence) : absent(id);
  }

  /**
   * The version of a process with its rows, as the leader has them. The rows are read behind the version: they may be of a later one, and
   * then say so themselves.
   */
  async process(id: string): Promise<{ version: number; doc: Doc }> {
    const found = await this.last(this.#subjects.whole(id));
    if (!found) return { version: 0, doc: absent(id) };
    const isDoc = this.#subjects.parse(found.subject).what === "d";
    const doc = isDoc ? decodeDoc(await this.whole(found), found.sequence) : await this.doc(id);
    return { version: found.sequence, doc };
  }

  /** The last message of each subject of a list, in no order. A replica answers, which may lag behind by some milliseconds. */
  async lastOfEach(subjects: readonly string[]): Promise<Message[]> {
    const found: Message[] = [];
    for (let from = 0; from < subjects.length; from += PAGE) {
      const multi_last = subjects.slice(from, from + PAGE);
      found.push(...(await this.#collect((manager) => manager.direct.getLastMessagesFor(this.#subjects.stream, { multi_last }))));
    }
    return found;
  }

  /** The next messages of a subject, from a sequence on. A replica answers, which may lag behind. */
  async *from(subject: string, sequence: number): AsyncGenerator<Message> {
    for (let seq = sequence; ;) {
      const page = await this.#collect((manager) =>
        manager.direct.getBatch(this.#subjects.stream, { seq, next_by_subj: subject, batch: PAGE }),
      );
      yield* page;
      const last = page.at(-1);
      if (!last?.pending) return;
      seq = last.sequence + 1;
    }
  }

  /** The body of a message, with the parts that lie before it. */
  async whole({ sequence, headers, body }: Message): Promise<string> {
    const parts = Number(headers?.get(PARTS) || 0);
    if (parts === 0) return body;
    const manager = await this.manager();
    // A replica may lack what the leader has.
    const part = async (seq: number) =>
      (await manager.direct.getMessage(this.#subjects.stream, { seq })) ??
      (await manager.streams.getMessage(this.#subjects.stream, { seq }));
    const found = await Promise.all(Array.from({ length: parts }, (_, place) => part(sequence - parts + place)));
    const bodies = found.map((message) => {
      if (!message) throw refused(`a part of message ${sequence} of the stream ${this.#subjects.stream} is missing`);
      return message.string();
    });
    return bodies.join("") + body;
  }

  /** Removes the messages of a subject before a sequence. */
  async purge(subject: string, before: number): Promise<void> {
    const manager = await this.manager();
    await manager.streams.purge(this.#subjects.stream, { filter: subject, seq: before });
  }

  async manager(): Promise<JetStreamManager> {
    const connection = await this.#link.live();
    if (this.#manager?.of !== connection)
      this.#manager = { of: connection, opened: jetstreamManager(connection, { checkAPI: false, timeout: 5_000 }) };
    return this.#manager.opened;
  }

  /** Gives up what is being received: the connection that it comes by is closed. */
  close(): void {
    this.#receiving.forEach((giveUp) => giveUp());
  }

  /** The messages of one answer. The client of NATS waits for the rest of it for ever, also over a connection that was lost in between. */
  async #collect(ask: (manager: JetStreamManager) => Promise<QueuedIterator<StoredMsg>>): Promise<(Message & { pending: number })[]> {
    const found: (Message & { pending: number })[] = [];
    const messages = await ask(await this.manager());
    const giveUp = () => messages.stop(Object.assign(new Error("the rest of an answer did not come"), { name: "TimeoutError" }));
    this.#receiving.add(giveUp);
    let timer = setTimeout(giveUp, REQUEST_MS);
    try {
      for await (const message of messages) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, REQUEST_MS);
        found.push({ ...received(message)!, pending: message.pending });
      }
    } catch (fault) {
      if ((fault as { code?: number }).code !== 404) throw fault;
    } finally {
      clearTimeout(timer);
      this.#receiving.delete(giveUp);
    }
    return found;
  }
}

function received(message: StoredMsg | null): Message | undefined {
  return message ? { subject: message.subject, sequence: message.seq, headers: message.header, body: message.string() } : undefined;
}

/** The row of a registration, if it is that of the commit that registered the process. */
export function registrationIn(body: string, doc: Doc): Row | undefined {
  const { registered, row } = JSON.parse(body) as { registered: string; row: Row };
  return registered === doc.registered ? row : undefined;
}

/** Waits for a replica that lags behind; gives up for now where it does not catch up. */
export async function lag(tries: number): Promise<void> {
  if (tries > MOST_TRIES) throw Object.assign(new Error("a replica lacks messages"), { name: "TimeoutError" });
  await pause(LAG_MS);
}

const LAG_MS = 5;
const MOST_TRIES = 400;
