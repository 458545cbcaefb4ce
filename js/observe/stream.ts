/** What a stream says, as a value that grows. */
import { isProcessError } from "../types/errors.js";
import { timer } from "../platform/timer.js";
import type { Snapshot, StreamContent } from "../types/observe.js";
import type { Json, ProcessRecord, StreamChunk } from "../types/public.js";
import type { Changes } from "./changes.js";
import { ObservedProcess } from "./observed.js";
import { ABSENT, failed, present } from "./snapshots.js";

/** The chunks of the last attempt; at most one snapshot in each span. */
export class ObservedStream extends ObservedProcess<Snapshot<StreamContent>> {
  private values: Json[] = [];
  private attempt = 0;
  private isEnded = false;
  private madeAtMs: number | undefined;
  private reading: AbortController | undefined;
  /** Set while a snapshot has to wait. */
  private cancelPause: (() => void) | undefined;
  private isBehind = false;

  constructor(
    changes: Changes,
    id: string,
    private readonly name: string,
    private readonly throttleMs: number,
    over: () => void,
  ) {
    super(changes, id, over);
  }

  protected override begin(): () => void {
    const end = super.begin();
    return () => {
      end();
      this.stop();
    };
  }

  /** The process comes or goes. What it writes to the stream is read elsewhere. */
  onRecord(record: ProcessRecord | undefined): void {
    if (record?.createdAtMs === this.madeAtMs && this.snapshot.status !== "loading" && this.snapshot.status !== "error") return;
    this.madeAtMs = record?.createdAtMs;
    this.stop();
    [this.values, this.attempt, this.isEnded] = [[], 0, false];
    if (record === undefined) return this.show(ABSENT);
    this.showNow();
    void this.read((this.reading = new AbortController()));
  }

  onFault(fault: unknown): void {
    this.stop();
    this.show(failed(fault, this.snapshot));
  }

  private stop(): void {
    this.reading?.abort();
    this.reading = undefined;
    this.cancelPause?.();
    this.cancelPause = undefined;
    this.isBehind = false;
  }

  private async read(reading: AbortController): Promise<void> {
    try {
      for await (const chunk of this.changes.registry.readStream(this.id, this.name, { signal: reading.signal })) {
        if (this.reading !== reading) return;
        this.add(chunk);
      }
      if (this.reading !== reading) return;
      this.isEnded = true;
      this.showNow();
    } catch (fault) {
      // Where the process is gone, its record says so.
      if (this.reading === reading && !isProcessError(fault, "unknown_process")) this.onFault(fault);
    }
  }

  private add({ attempt, value }: StreamChunk): void {
    if (attempt !== this.attempt) this.values = [];
    this.attempt = attempt;
    this.values.push(value);
    this.isBehind = true;
    if (this.cancelPause === undefined) this.showNow();
  }

  private showNow(): void {
    this.isBehind = false;
    this.show(present({ values: [...this.values], attempt: this.attempt, isEnded: this.isEnded }));
    this.cancelPause?.();
    this.cancelPause = timer(() => {
      this.cancelPause = undefined;
      if (this.isBehind) this.showNow();
    }, this.throttleMs);
  }
}
