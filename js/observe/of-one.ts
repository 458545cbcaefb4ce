/** What is observed of one process: its record, how it ends, and its last events. */
import { isProcessError, ProcessCancelledError, ProcessFailedError } from "../types/errors.js";
import type { ResultSnapshot, Snapshot } from "../types/observe.js";
import type { Json, ProcessEvent, ProcessRecord } from "../types/public.js";
import type { Changes } from "./changes.js";
import { ObservedProcess, ObservedThing } from "./observed.js";
import { ABSENT, failed, LOADING, present } from "./snapshots.js";

/** The record. */
export class ObservedRecord extends ObservedProcess<Snapshot<ProcessRecord>> {
  onRecord(record: ProcessRecord | undefined): void {
    if (record === undefined) this.show(ABSENT);
    else if (this.snapshot.status !== "present" || this.snapshot.value !== record) this.show(present(record));
  }

  onFault(fault: unknown): void {
    this.show(failed(fault, this.snapshot));
  }
}

/** How it ends: a part of the record. */
export class ObservedResult extends ObservedProcess<ResultSnapshot<Json>> {
  private shownFor: object | undefined;

  onRecord(record: ProcessRecord | undefined): void {
    if (record === undefined) return this.show(ABSENT);
    const { status } = record;
    // Errors are made anew: an outcome that is still the same object is shown already.
    if (status === this.shownFor && this.snapshot.status !== "error") return;
    this.shownFor = status;
    this.show(resultOf(this.id, status, this.snapshot));
  }

  onFault(fault: unknown): void {
    this.shownFor = undefined;
    this.show(failed<undefined>(fault));
  }
}

function resultOf(id: string, status: ProcessRecord["status"], before: ResultSnapshot<Json>): ResultSnapshot<Json> {
  if (status.state === "running") return before.status === "running" ? before : { status: "running" };
  const { awaitOutput } = status;
  switch (awaitOutput.type) {
    case "success":
      return { status: "completed", value: awaitOutput.value };
    case "failure":
      return { status: "failed", error: new ProcessFailedError(id, awaitOutput) };
    case "cancelled":
      return { status: "cancelled", error: new ProcessCancelledError(id, awaitOutput) };
  }
}

/** Its last events of some types. What is known already is not read again. */
export class ObservedEvents extends ObservedProcess<Snapshot<readonly ProcessEvent[]>> {
  private events: readonly ProcessEvent[] = [];
  /** How far the log has been read. */
  private readTo: number | undefined;
  /** When the process was made that the events are of: another one may have its id later. */
  private madeAtMs: number | undefined;
  private isReading = false;
  private isBehind = false;

  constructor(
    changes: Changes,
    id: string,
    private readonly types: readonly string[] | undefined,
    private readonly last: number,
    over: () => void,
  ) {
    super(changes, id, over);
  }

  onRecord(record: ProcessRecord | undefined): void {
    if (this.madeAtMs !== record?.createdAtMs) [this.events, this.readTo] = [[], undefined];
    this.madeAtMs = record?.createdAtMs;
    if (record === undefined) return this.show(ABSENT);
    this.isBehind = true;
    if (!this.isReading) void this.read();
  }

  onFault(fault: unknown): void {
    this.show(failed(fault, this.snapshot));
  }

  private async read(): Promise<void> {
    this.isReading = true;
    try {
      while (this.isBehind) {
        this.isBehind = false;
        const { events, madeAtMs, readTo } = this;
        const [more, end] = readTo === undefined ? await this.readLast() : [await this.readAfter(readTo), readTo];
        // Another process by now: its record has said so, and has asked for another read.
        if (madeAtMs !== this.madeAtMs) continue;
        this.readTo = Math.max(end, more.at(-1)?.sequence ?? 0);
        if (more.length > 0) this.events = [...events, ...more].slice(-this.last);
        if (more.length > 0 || this.snapshot.status !== "present") this.show(present(this.events));
      }
    } catch (fault) {
      // Where the process is gone, its record says so.
      if (!isProcessError(fault, "unknown_process")) this.onFault(fault);
    } finally {
      this.isReading = false;
    }
  }

  /** The last events, and where the log ended before they were read. Of some types: in a stretch from the end that grows until it holds enough. */
  private async readLast(): Promise<[ProcessEvent[], number]> {
    const recent = await this.changes.registry.recentEvents(this.id, this.types === undefined ? this.last : 1);
    const end = recent.at(-1)?.sequence ?? 0;
    if (this.types === undefined) return [recent, end];
    for (let stretch = FIRST_STRETCH * this.last; ; stretch *= FIRST_STRETCH) {
      const after = Math.max(0, end - stretch);
      const events = await this.readAfter(after);
      if (events.length >= this.last || after === 0) return [events, end];
    }
  }

  private readAfter(sequence: number): Promise<ProcessEvent[]> {
    return this.changes.registry.eventsAfter(this.id, sequence, { ...(this.types && { types: [...this.types] }) });
  }
}

/** So many times as many events as are shown are looked at first, and so many times as many each time that those were not enough. */
const FIRST_STRETCH = 8;

/** The last event of a type. */
export class ObservedLatestEvent extends ObservedThing<Snapshot<ProcessEvent>> {
  constructor(
    private readonly events: ObservedEvents,
    over: () => void,
  ) {
    super(LOADING, over);
  }

  protected begin(): () => void {
    const look = () => {
      const { snapshot } = this.events;
      const event = snapshot.value?.at(-1);
      if (snapshot.status === "error") this.show(failed(snapshot.error, this.snapshot));
      else if (event !== undefined) {
        if (event !== this.snapshot.value || this.snapshot.status === "error") this.show(present(event));
      } else this.show(snapshot.status === "loading" ? LOADING : ABSENT);
    };
    const end = this.events.listen(look);
    look();
    return end;
  }

  onFault(fault: unknown): void {
    this.show(failed(fault, this.snapshot));
  }
}
