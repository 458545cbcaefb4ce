/** How many processes fit a filter. */
import type { Snapshot } from "../types/observe.js";
import type { ListFilter, ProcessRecord } from "../types/public.js";
import type { Changes, OfAll } from "./changes.js";
import { fits, mayFit } from "./filter.js";
import { ObservedThing } from "./observed.js";
import { failed, LOADING, present } from "./snapshots.js";

/** Of how many processes it is remembered whether they fit. */
const MOST_KNOWN = 10_000;

/** Counts again when a process begins or ceases to fit, or may have: not while one that fits only changes. */
export class ObservedCount extends ObservedThing<Snapshot<number>> implements OfAll {
  /** Whether these processes were counted. Those that changed during a count are not among them. */
  private readonly known = new Map<string, boolean>();
  private isCounting = false;
  private isBehind = false;

  constructor(
    private readonly changes: Changes,
    private readonly filter: ListFilter,
    over: () => void,
  ) {
    super(LOADING, over);
  }

  protected begin(): () => void {
    const end = this.changes.followAll(this);
    this.onLost();
    return end;
  }

  onRecords(records: ReadonlyMap<string, ProcessRecord | undefined>): void {
    let isNew = false;
    for (const [id, record] of records) {
      const counted = record !== undefined && fits(record, this.filter);
      // Of what cannot ever fit, nothing was or will be counted.
      if (!counted && this.known.get(id) === undefined && record !== undefined && !mayFit(record, this.filter)) continue;
      if (this.known.get(id) === counted) continue;
      isNew = true;
      if (this.isCounting) this.known.delete(id);
      else this.known.set(id, counted);
    }
    if (isNew) this.onLost();
  }

  /** Counts, and once more where it is counting: that may be of before. */
  onLost(): void {
    this.isBehind = true;
    if (!this.isCounting) void this.count();
  }

  onFault(fault: unknown): void {
    this.show(failed(fault, this.snapshot));
  }

  find(): undefined {}

  private async count(): Promise<void> {
    this.isCounting = true;
    try {
      while (this.isBehind) {
        this.isBehind = false;
        if (this.known.size > MOST_KNOWN) this.known.clear();
        const counted = await this.changes.registry.countProcesses(this.filter);
        if (this.snapshot.status !== "present" || this.snapshot.value !== counted) this.show(present(counted));
      }
    } catch (fault) {
      this.onFault(fault);
    } finally {
      this.isCounting = false;
    }
  }
}
