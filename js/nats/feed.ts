/** What the server sends of all that changes, in the order of the stream: it fills the view, and is the hint to those who wait. */
import { DeliverPolicy, jetstream, type ConsumerMessages, type JsMsg, type PushConsumer } from "@nats-io/jetstream";
import { disconnected } from "./fault.js";
import { type Link, PATIENCE_MS, within } from "./link.js";
import { type Message, PARTS, type Messages, QUIET, WRITER } from "./stored.js";
import type { Subjects } from "./subjects.js";
import type { View } from "./view.js";

/** How long what the leader has may take to arrive, in ms, until it is looked at whether it is still being sent. */
const CATCH_UP_MS = 2_000;

/** Hears of what the feed receives. */
export interface FeedListener {
  /** Another client has committed to a process. */
  hear(id: string): void;
  /** A message of a process has events. They may be known, or lie behind others that were not received. */
  receiveEvents(id: string, message: Message): void;
}

export class Feed {
  /** The sequence up to which everything was received. */
  position = 0;
  readonly #link: Link;
  readonly #view: View;
  readonly #messages: Messages;
  readonly #subjects: Subjects;
  readonly #writer: string;
  readonly #listener: FeedListener;
  #consumer: PushConsumer | undefined;
  #following: ConsumerMessages | undefined;
  #starting: Promise<void> | undefined;
  #isClosed = false;
  /** Whether the view has all processes that there were when this client began. */
  isFilled = false;
  #filled!: () => void;
  readonly #fill = new Promise<void>((resolve) => {
    this.#filled = () => {
      this.isFilled = true;
      resolve();
    };
  });
  /** Bodies that lie in parts, and are being fetched. */
  readonly #fetching = new Set<Promise<unknown>>();
  readonly #arrivals = new Set<() => void>();
  #look: Look | undefined;

  constructor(link: Link, view: View, messages: Messages, subjects: Subjects, writer: string, listener: FeedListener) {
    this.#link = link;
    this.#view = view;
    this.#messages = messages;
    this.#subjects = subjects;
    this.#writer = writer;
    this.#listener = listener;
  }

  /** Begins to follow, or begins again behind what was received. The client of NATS keeps the order, and fills gaps. */
  start(): Promise<void> {
    return (this.#starting ??= this.#start().finally(() => (this.#starting = undefined)));
  }

  async #start(): Promise<void> {
    this.#following?.stop();
    const consumer = await this.#link.patiently(async () =>
      jetstream(await this.#link.live()).consumers.getPushConsumer(this.#subjects.stream, {
        filter_subjects: this.#subjects.followed,
        deliver_policy: this.position === 0 ? DeliverPolicy.LastPerSubject : DeliverPolicy.StartSequence,
        ...(this.position > 0 && { opt_start_seq: this.position + 1 }),
      }),
    );
    if (this.#isClosed) return;
    this.#consumer = consumer;
    const { num_pending, delivered } = await consumer.info(true);
    if (num_pending === 0 && delivered.consumer_seq === 0) this.#filled();
    this.#following = await consumer.consume({ callback: (message) => this.#receive(message) });
  }

  stop(): void {
    this.#isClosed = true;
    this.#following?.stop();
    this.#filled();
    this.#arrivals.forEach((look) => look());
  }

  /** Resolves once the view has all processes; and with `isFresh`, all that was committed before this call. */
  async loaded(isFresh: boolean): Promise<void> {
    await this.#link.live();
    await within(this.#fill, PATIENCE_MS);
    if (!this.isFilled) throw disconnected();
    if (isFresh) await this.#caughtUp();
    if (this.#fetching.size > 0) await Promise.allSettled(this.#fetching);
  }

  /** Resolves once everything up to a sequence was received that is followed. */
  async reached(sequence: number): Promise<void> {
    const limit = performance.now() + PATIENCE_MS;
    while (this.position < sequence && !this.#isClosed) {
      if (performance.now() >= limit) throw disconnected();
      await this.#arrival(performance.now() + CATCH_UP_MS, () => this.position >= sequence || this.#isClosed);
      if (this.position < sequence) await this.#caughtUp();
    }
    if (this.#fetching.size > 0) await Promise.allSettled(this.#fetching);
  }

  #receive(message: JsMsg): void {
    const { subject, seq, headers } = message;
    const { kind, token } = this.#subjects.parse(subject);
    const came = { subject, sequence: seq, headers, body: message.string() };
    const isInParts = Boolean(headers?.get(PARTS));
    if (kind === "g") this.#view.raiseGuard(token, seq);
    else if (isInParts) this.#fetch(token, came);
    else this.#view.receive(token, came.body, seq);
    this.position = Math.max(this.position, seq);
    if (message.info.pending === 0) this.#filled();
    this.#arrivals.forEach((arrived) => arrived());
    if (kind === "p" && !isInParts) this.#announce(token, came);
  }

  /** Says what another client has committed to a process, once the view has it. */
  #announce(token: string, message: Message): void {
    const { subject, headers } = message;
    const [writer] = headers?.get(WRITER).split(":") ?? [];
    if (writer === this.#writer) return;
    const id = this.#view.idOf(token);
    if (this.#subjects.hasEvents(subject)) this.#listener.receiveEvents(id, message);
    if (!headers?.get(QUIET)) this.#listener.hear(id);
  }

  #fetch(token: string, message: Message): void {
    // Where a part is missing, a later commit has removed it, and its message comes.
    const fetching = this.#messages
      .whole(message)
      .then((body) => {
        this.#view.receive(token, body, message.sequence);
        this.#announce(token, { ...message, body });
      })
      .catch(() => undefined)
      .finally(() => this.#fetching.delete(fetching));
    this.#fetching.add(fetching);
  }

  /** Calls at one time share a look; one that comes while it is under way needs the next. */
  #caughtUp(): Promise<void> {
    const look = this.#look;
    if (!look) return this.#begin();
    const begin = () => this.#begin();
    return (look.next ??= look.at.then(begin, begin));
  }

  #begin(): Promise<void> {
    const look: Look = { at: Promise.resolve() };
    look.at = this.#catchUp().finally(() => {
      if (this.#look === look) this.#look = undefined;
    });
    this.#look = look;
    return look.at;
  }

  /**
   * Waits until all rows were received that the leader had when this began. The server that sends them may be a replica, which lags behind
   * and does not know.
   */
  async #catchUp(): Promise<void> {
    const limit = performance.now() + PATIENCE_MS;
    for (let end: number | undefined; !this.#isClosed && this.position < (end ?? Infinity);) {
      const next = await this.#link.patiently(() => this.#messages.next(this.#subjects.rows, this.position + 1));
      if (next === undefined) return;
      // More may be stored all the time. What is behind this was stored since.
      end ??= await this.#link.patiently(() => this.#messages.end());
      if (next > end) return;
      await this.#arrival(performance.now() + CATCH_UP_MS, () => this.position >= next || this.#isClosed);
      if (this.position >= next) continue;
      if (performance.now() >= limit) throw disconnected();
      // Perhaps the server is gone that kept the consumer.
      if (!(await this.#consumer!.info().catch(() => undefined))) await this.start();
    }
  }

  /** Resolves once what was received is enough, or at the limit. */
  #arrival(limit: number, isEnough: () => boolean): Promise<void> {
    if (isEnough()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#arrivals.delete(look);
        resolve();
      };
      const look = () => isEnough() && done();
      const timer = setTimeout(done, Math.max(0, limit - performance.now()));
      this.#arrivals.add(look);
    });
  }
}

/** A look at how far the server is; `next`: the one behind it, where that was asked for. */
interface Look {
  at: Promise<void>;
  next?: Promise<void>;
}
