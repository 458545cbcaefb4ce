/**
 * The changes of one registry, for all that observes it: one listener, one read of each record that changed. It decides when a record is
 * read, and refuses to know who shows it.
 */
import { afterwards } from "../platform/intrinsics.js";
import type { ChangeReceiver, ProcessRecord, ProcessRegistry } from "../types/public.js";
import { shared } from "./same.js";

/** What follows one process. */
export interface OfOne {
  /** The record, when it is first known and each time it has changed; `undefined` where there is none. */
  onRecord(record: ProcessRecord | undefined): void;
  /** It could not be read; it is read again when it changes. */
  onFault(fault: unknown): void;
}

/** What follows all processes. */
export interface OfAll {
  /** Each of these processes has changed, or is first read: this is what it is now. Those that could not be read are not among them. */
  onRecords(records: ReadonlyMap<string, ProcessRecord | undefined>): void;
  /** Anything may have changed. */
  onLost(): void;
  /** Nothing can be read any more. */
  onFault(fault: unknown): void;
  /** The record of that id, where it is at hand. */
  find(id: string): ProcessRecord | undefined;
}

interface Followed {
  readonly by: Set<OfOne>;
  /** The last read. Until there is one, its process is on the list of what is to be read. */
  known?: { record: ProcessRecord | undefined };
}

/**
 * No process has this id. A receiver for it waits all the time: so the hub's poller runs, which finds the changes of which no
 * notification came; it is woken where those cannot be named; and it rejects once the registry is closed.
 */
const NO_PROCESS = "longwait: observers";

export class Changes {
  private readonly one = new Map<string, Followed>();
  private readonly all = new Set<OfAll>();
  private readonly unread = new Set<string>();
  private isReading = false;
  private stop: (() => void) | undefined;

  constructor(readonly registry: ProcessRegistry) {}

  /** Follows one process. Gives what ends that. */
  follow(id: string, follower: OfOne): () => void {
    this.begin();
    let followed = this.one.get(id);
    if (followed === undefined) {
      followed = { by: new Set() };
      this.one.set(id, followed);
      const record = this.unread.has(id) || this.isReading ? undefined : this.found(id);
      if (record !== undefined) followed.known = { record };
      else this.read(id);
    }
    followed.by.add(follower);
    if (followed.known !== undefined) follower.onRecord(followed.known.record);
    return () => {
      followed.by.delete(follower);
      if (followed.by.size === 0 && this.one.get(id) === followed) this.one.delete(id);
      this.endIfUnused();
    };
  }

  /** Follows all processes. Gives what ends that. */
  followAll(follower: OfAll): () => void {
    this.begin();
    this.all.add(follower);
    return () => {
      this.all.delete(follower);
      this.endIfUnused();
    };
  }

  private begin(): void {
    if (this.stop !== undefined) return;
    const receiver = this.registry.hub.subscribe(NO_PROCESS);
    const off = this.registry.onChange((id) => {
      if (this.all.size > 0 || this.one.has(id)) this.read(id);
    });
    this.stop = () => {
      off();
      receiver.close();
    };
    void this.listen(receiver, this.stop);
  }

  private async listen(receiver: ChangeReceiver, stop: () => void): Promise<void> {
    try {
      for (;;) {
        await receiver.changed();
        for (const id of this.one.keys()) this.read(id);
        for (const follower of [...this.all]) follower.onLost();
      }
    } catch (fault) {
      if (this.stop !== stop) return; // It was ended, and the receiver with it.
      for (const { by } of [...this.one.values()]) for (const follower of [...by]) follower.onFault(fault);
      for (const follower of [...this.all]) follower.onFault(fault);
    }
  }

  private endIfUnused(): void {
    if (this.one.size > 0 || this.all.size > 0) return;
    const { stop } = this;
    this.stop = undefined;
    stop?.();
    this.unread.clear();
  }

  private found(id: string): ProcessRecord | undefined {
    for (const follower of this.all) {
      const record = follower.find(id);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** Reads a process soon: what is asked for in one turn is one transaction. */
  private read(id: string): void {
    this.unread.add(id);
    if (this.isReading) return;
    this.isReading = true;
    afterwards(() => void this.readAll());
  }

  private async readAll(): Promise<void> {
    while (this.unread.size > 0) {
      const ids = [...this.unread];
      this.unread.clear();
      const outcomes = await Promise.allSettled(ids.map((id) => this.registry.getProcess(id)));
      const records = new Map<string, ProcessRecord | undefined>();
      outcomes.forEach((outcome, n) => {
        const id = ids[n] as string;
        if (outcome.status === "fulfilled") records.set(id, this.publish(id, outcome.value));
        else for (const follower of [...(this.one.get(id)?.by ?? [])]) follower.onFault(outcome.reason);
      });
      if (records.size > 0) for (const follower of [...this.all]) follower.onRecords(records);
    }
    this.isReading = false;
  }

  /** Passes a record to what follows the process. Gives it, with what is equal to the one before as the objects that it was. */
  private publish(id: string, read: ProcessRecord | undefined): ProcessRecord | undefined {
    const followed = this.one.get(id);
    if (followed === undefined) return read;
    const { known } = followed;
    const record = shared(known?.record, read);
    followed.known = { record };
    for (const follower of [...followed.by]) follower.onRecord(record);
    return record;
  }
}
