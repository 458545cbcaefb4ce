/**
 * A list of processes that is kept up to date without being read again: a change is put in its place. Several windows, each of the first so
 * many rows, share one list.
 */
import type { ListSnapshot } from "../types/observe.js";
import type { ListFilter, Page, ProcessRecord } from "../types/public.js";
import type { Changes, OfAll } from "./changes.js";
import { comparing, fits } from "./filter.js";
import { ObservedThing } from "./observed.js";
import { failed, LIST_LOADING, present } from "./snapshots.js";
import { shared } from "./same.js";

export class SharedList implements OfAll {
  /** The beginning of the list, without a gap; of a list that is longer, one more than any window shows. */
  private rows: ProcessRecord[] = [];
  private readonly byId = new Map<string, ProcessRecord>();
  /** Whether nothing follows the rows. */
  isComplete = false;
  isRead = false;
  private isReading = false;
  /** Whether the rows have to be read from the beginning. */
  private isStale = true;
  /** What changed while a page was read, which may be from before or after that. */
  private readonly pending = new Map<string, ProcessRecord | undefined>();
  private readonly windows = new Set<ListWindow>();
  private readonly compare: (one: ProcessRecord, other: ProcessRecord) => number;
  private end: (() => void) | undefined;

  constructor(
    private readonly changes: Changes,
    private readonly filter: ListFilter,
    private readonly order: NonNullable<Page["order"]>,
    private readonly over: () => void,
  ) {
    this.compare = comparing(order);
  }

  add(window: ListWindow): () => void {
    this.end ??= this.changes.followAll(this);
    this.windows.add(window);
    this.readOn();
    return () => {
      this.windows.delete(window);
      if (this.windows.size > 0) return;
      this.over();
      this.end?.();
    };
  }

  /** The first rows. */
  first(limit: number): ProcessRecord[] {
    return this.rows.slice(0, limit);
  }

  has(more: number): boolean {
    return this.rows.length > more;
  }

  find(id: string): ProcessRecord | undefined {
    return this.byId.get(id);
  }

  onRecords(records: ReadonlyMap<string, ProcessRecord | undefined>): void {
    if (this.isReading || !this.isRead) {
      for (const [id, record] of records) this.pending.set(id, record);
      return;
    }
    if (this.place(records)) this.lookAgain();
    this.readOn();
  }

  onLost(): void {
    this.isStale = true;
    this.readOn();
  }

  onFault(fault: unknown): void {
    this.isStale = true;
    for (const window of [...this.windows]) window.onFault(fault);
  }

  private lookAgain(): void {
    for (const window of [...this.windows]) window.look();
  }

  // ── Reading ───────────────────────────────────────────────────────────────

  /** One more row than is shown says whether there are more. */
  private get wanted(): number {
    return Math.max(...Array.from(this.windows, ({ limit }) => limit)) + 1;
  }

  private readOn(): void {
    const isShort = this.rows.length < this.wanted && !this.isComplete;
    if (!this.isReading && this.windows.size > 0 && (this.isStale || isShort)) void this.readPage();
  }

  private async readPage(): Promise<void> {
    this.isReading = true;
    try {
      const fromStart = this.isStale;
      this.isStale = false;
      const cursor = fromStart ? undefined : this.rows.at(-1)?.id;
      const limit = fromStart ? Math.max(this.wanted, this.rows.length) : this.wanted - this.rows.length;
      const page = await this.changes.registry.listProcesses(this.filter, {
        order: this.order,
        ...(cursor !== undefined && { cursor }),
        ...(Number.isFinite(limit) && { limit }),
      });
      if (fromStart) this.renew(page);
      else for (const record of page) if (!this.byId.has(record.id)) this.put(this.rows.length, record);
      this.isComplete = page.length < limit;
      this.isRead = true;
      this.place(this.pending);
    } catch (fault) {
      this.isReading = false;
      return this.onFault(fault);
    } finally {
      this.pending.clear();
    }
    this.isReading = false;
    this.lookAgain();
    this.readOn();
  }

  private renew(page: ProcessRecord[]): void {
    this.rows = page.map((record) => shared(this.byId.get(record.id), record));
    this.byId.clear();
    for (const record of this.rows) this.byId.set(record.id, record);
  }

  // ── Placing ───────────────────────────────────────────────────────────────

  /** Puts what changed in its place. Answers whether that made a difference. */
  private place(records: ReadonlyMap<string, ProcessRecord | undefined>): boolean {
    let isNew = false;
    for (const [id, record] of records) isNew = this.placeOne(id, record) || isNew;
    const most = this.wanted;
    if (this.rows.length > most) {
      for (const { id } of this.rows.splice(most)) this.byId.delete(id);
      this.isComplete = false;
    }
    return isNew;
  }

  private placeOne(id: string, read: ProcessRecord | undefined): boolean {
    const old = this.byId.get(id);
    const record = read !== undefined && fits(read, this.filter) ? read : undefined;
    if (old === undefined) return record !== undefined && this.insert(record);
    const at = this.indexOf(old);
    if (record !== undefined && record.createdAtMs === old.createdAtMs) {
      const row = shared(old, record);
      if (row === old) return false;
      this.rows[at] = row;
      this.byId.set(id, row);
      return true;
    }
    this.rows.splice(at, 1);
    this.byId.delete(id);
    if (record !== undefined) this.insert(record);
    return true;
  }

  private insert(record: ProcessRecord): boolean {
    const at = this.indexOf(record);
    // Behind the last row of a longer list there may be others first.
    if (at === this.rows.length && !this.isComplete) return false;
    this.put(at, record);
    return true;
  }

  private put(at: number, record: ProcessRecord): void {
    this.rows.splice(at, 0, record);
    this.byId.set(record.id, record);
  }

  /** The place of a record in the order, by halves: neither its age nor its id ever changes. */
  private indexOf(record: ProcessRecord): number {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(this.rows[middle] as ProcessRecord, record) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The first rows of a list. */
export class ListWindow extends ObservedThing<ListSnapshot<ProcessRecord>> {
  constructor(
    private readonly list: () => SharedList,
    readonly limit: number,
    over: () => void,
  ) {
    super(LIST_LOADING, over);
  }

  private shared: SharedList | undefined;

  protected begin(): () => void {
    this.shared = this.list();
    const end = this.shared.add(this);
    this.look();
    return end;
  }

  look(): void {
    const { shared, limit, snapshot } = this;
    if (!shared?.isRead) return;
    const rows = shared.first(limit);
    const hasMore = shared.has(limit);
    const isLoadingMore = rows.length < limit && !shared.isComplete;
    const more = { hasMore: hasMore || isLoadingMore, isLoadingMore };
    const before = snapshot.value;
    const isSame = before?.length === rows.length && rows.every((row, n) => row === before[n]);
    if (isSame && snapshot.status === "present" && snapshot.hasMore === more.hasMore && snapshot.isLoadingMore === isLoadingMore) return;
    this.show({ ...present(isSame ? before : rows), ...more });
  }

  onFault(fault: unknown): void {
    this.show({ ...failed(fault, this.snapshot), hasMore: this.snapshot.hasMore, isLoadingMore: false });
  }
}
