/**
 * The log of a thread, read from its end backwards, as far as a question needs. It decides which stretch is read next, and which checkpoint is the
 * newest; what is in a checkpoint it does not know.
 *
 * Ids of checkpoints rise with time, and LangGraph's newest checkpoint is that with the highest id. As a rule it is the last one in the log, too, but not
 * where a thread was copied in another order, or where two tabs put at once. So each header names the highest id before it, if its own is not that, and
 * what was not read yet cannot hold a higher one than the headers that were read say.
 */
import { ProcessError } from "../types/errors.js";
import { withHelp } from "../types/help.js";
import type { ProcessEvent, ProcessRegistry } from "../types/public.js";
import { CHECKPOINT, HEADERS, VALUE, type CheckpointPayload, type Held, type ValuePayload, type WritesPayload } from "./log.js";
import type { Stored } from "./stored.js";

/** A header, and its place in the log. */
export interface Header<P> {
  readonly sequence: number;
  readonly payload: P;
}

/** How many events are read first. A step of a graph has about ten. Each further stretch is four times as long. */
const FIRST = 64;

export class History {
  readonly #registry: ProcessRegistry;
  readonly #processId: string;
  readonly #checkpoints = new Map<string, Header<CheckpointPayload>>();
  readonly #writes = new Map<string, Header<WritesPayload>[]>();
  /** Headers behind this sequence are known, up to the end. */
  #from = 0;
  #stretch = FIRST;
  /** The sequence of the last event; 0 where there is none. */
  end = 0;

  private constructor(registry: ProcessRegistry, processId: string) {
    [this.#registry, this.#processId] = [registry, processId];
  }

  /**
   * The history of a process as it is now. `hint` is where its log once ended, which saves a read: from there on all is read.
   * @throws `unknown_process`.
   */
  static async of(registry: ProcessRegistry, processId: string, hint?: number): Promise<History> {
    const history = new History(registry, processId);
    if (hint !== undefined && (await history.#readFrom(hint - FIRST))) return history;
    // There is no hint, or the thread was deleted and begun anew.
    const [last] = await registry.recentEvents(processId, 1);
    if (last !== undefined) await history.#readFrom(last.sequence - FIRST);
    return history;
  }

  async #readFrom(from: number): Promise<boolean> {
    this.#from = Math.max(0, from);
    const events = await this.#registry.eventsAfter(this.#processId, this.#from, { types: HEADERS });
    this.#learn(events);
    // The last event of a batch is its header.
    this.end = events.at(-1)?.sequence ?? 0;
    return events.length > 0;
  }

  /** Reads the stretch before what is known. */
  async #extend(): Promise<void> {
    const to = this.#from;
    this.#stretch *= 4;
    const from = Math.max(0, to - this.#stretch);
    const events = await this.#registry.eventsAfter(this.#processId, from, { types: HEADERS, limit: to - from });
    this.#from = from;
    this.#learn(events.filter(({ sequence }) => sequence <= to));
  }

  #learn(events: readonly ProcessEvent[]): void {
    for (const { eventType, sequence, payload } of events)
      if (eventType === CHECKPOINT) this.#learnCheckpoint({ sequence, payload: payload as unknown as CheckpointPayload });
      else this.#learnWrites({ sequence, payload: payload as unknown as WritesPayload });
  }

  /** Of one that was put again, the last is meant. */
  #learnCheckpoint(header: Header<CheckpointPayload>): void {
    const known = this.#checkpoints.get(header.payload.id);
    if (known === undefined || known.sequence < header.sequence) this.#checkpoints.set(header.payload.id, header);
  }

  #learnWrites(header: Header<WritesPayload>): void {
    const known = this.#writes.get(header.payload.checkpoint);
    if (known === undefined) this.#writes.set(header.payload.checkpoint, [header]);
    else known.push(header);
  }

  /** The checkpoint of that id. */
  async checkpoint(id: string): Promise<Header<CheckpointPayload> | undefined> {
    while (!this.#checkpoints.has(id) && this.#from > 0) await this.#extend();
    return this.#checkpoints.get(id);
  }

  /** The checkpoint with the highest id. */
  async newest(): Promise<Header<CheckpointPayload> | undefined> {
    for await (const header of this.descending()) return header;
    return undefined;
  }

  /** The checkpoints from the highest id down: of ids below `before`, where that is given. */
  async *descending(before?: string): AsyncGenerator<Header<CheckpointPayload>> {
    for (let last = before; ;) {
      const unread = this.#highestUnread();
      for (const header of this.#inOrder()) {
        const { id } = header.payload;
        if (last !== undefined && id >= last) continue;
        if (unread !== undefined && id < unread) break;
        yield header;
        last = id;
      }
      if (unread === undefined) return;
      await this.#extend();
    }
  }

  #inOrder(): Header<CheckpointPayload>[] {
    return [...this.#checkpoints.values()].sort(({ payload: one }, { payload: other }) => (one.id > other.id ? -1 : 1));
  }

  /** No checkpoint that was not read has a higher id than this one; nothing where all are read. */
  #highestUnread(): string | undefined {
    if (this.#from === 0) return undefined;
    let first: Header<CheckpointPayload> | undefined;
    let highest = "";
    for (const header of this.#checkpoints.values()) {
      if (first === undefined || header.sequence < first.sequence) first = header;
      const { newest } = header.payload;
      if (newest !== undefined && !this.#checkpoints.has(newest) && newest > highest) highest = newest;
    }
    if (first === undefined) return ANY;
    const below = first.payload.newest ?? first.payload.id;
    return below > highest ? below : highest;
  }

  /** What was written to a checkpoint, in the order of the log. */
  async writes({ payload: { id, since } }: Header<CheckpointPayload>): Promise<Header<WritesPayload>[]> {
    while (this.#from > since) await this.#extend();
    return [...(this.#writes.get(id) ?? [])].sort((one, other) => one.sequence - other.sequence);
  }

  /** The first write to a checkpoint that was read, if any. */
  firstWrite(id: string): number | undefined {
    const sequences = this.#writes.get(id)?.map(({ sequence }) => sequence);
    return sequences && Math.min(...sequences);
  }

  /** The value that a header holds. */
  async value({ sequence }: Header<unknown>, channel: string, held: Held): Promise<Stored> {
    if ("value" in held) return held.value;
    const at = absolute(held.at, sequence);
    const [event] = await this.#registry.eventsAfter(this.#processId, at - 1, { limit: 1 });
    const found = event?.sequence === at && event.eventType === VALUE ? (event.payload as unknown as ValuePayload) : undefined;
    if (found?.channel === channel) return found.value;
    const message = withHelp(`event ${at} of \`${this.#processId}\` is not a value of channel \`${channel}\``, "storage_failed");
    throw new ProcessError(message, { code: "storage_failed", processId: this.#processId });
  }
}

/** A sequence, of one that may count back from that of a header. */
export const absolute = (at: number, header: number): number => (at < 0 ? header + at : at);

/** Is above every id. */
const ANY = "\uffff\uffff";
