/** What is read of one process: its record, the end of its log, its children, its streams and its lease. */
import type { ListSnapshot, Snapshot } from "../../types/observe.js";
import type { ProcessEvent, ProcessRecord, ProcessRegistry, StreamInfo } from "../../types/public.js";
import type { Holder, KnownLease } from "../model/state.js";
import type { Seen } from "../model/waterfall.js";
import { holderOf } from "./holder.js";
import type { Reader } from "./reader.js";
import { follow } from "./watch.js";

/** How many events of the end of a log are read for a waterfall, and how many more each time that a person asks for earlier ones. */
export const EVENTS = 1_000;
const MOST_CHILDREN = 200;
const LEASE_EVERY_MS = 1_000;

export class Reading {
  record: Snapshot<ProcessRecord> = { status: "loading" };
  events: Snapshot<readonly ProcessEvent[]> = { status: "loading" };
  children: ListSnapshot<ProcessRecord> | undefined;
  lease: KnownLease;
  /** Where the holder of the lease is. */
  holder: Holder | undefined;
  streams: readonly StreamInfo[] = [];
  private last = EVENTS;
  private endEvents: () => void;
  private readonly ends: (() => void)[];
  private isOver = false;

  constructor(
    readonly reader: Reader,
    readonly id: string,
    private readonly changed: () => void,
    private readonly failed: (error: unknown) => void,
  ) {
    this.ends = [
      follow(reader, { type: "process", id }, (record) => {
        this.record = record;
        this.changed();
        void this.readStreams();
        void this.readLease();
      }),
      follow(reader, { type: "processes", filter: { parentId: id, status: "any" }, order: "oldest", limit: MOST_CHILDREN }, (children) => {
        this.children = children;
        this.changed();
      }),
      reader.every(LEASE_EVERY_MS, () => this.readLease()),
    ];
    this.endEvents = this.followEvents();
  }

  end(): void {
    this.isOver = true;
    this.endEvents();
    for (const end of this.ends) end();
  }

  /** Whether the log began before what was read of it. */
  get hasEarlier(): boolean {
    return (this.events.value?.[0]?.sequence ?? 1) > 1;
  }

  /** The sequence of the last event. */
  get lastSequence(): number {
    return this.events.value?.at(-1)?.sequence ?? 0;
  }

  readEarlier(): void {
    this.last += EVENTS;
    const endBefore = this.endEvents;
    this.endEvents = this.followEvents();
    endBefore();
  }

  /** What a waterfall is made of, once there is a record. */
  seen(nowMs: number): Seen | undefined {
    const record = this.record.value;
    if (record === undefined) return undefined;
    return {
      record,
      events: this.events.value ?? [],
      lease: this.lease,
      begunMs: begins(this.reader.registry).get(beginKey(record)),
      children: this.children?.value ?? [],
      streams: this.streams,
      nowMs,
    };
  }

  private followEvents(): () => void {
    return follow(this.reader, { type: "events", id: this.id, last: this.last }, (events) => {
      this.events = events;
      this.changed();
    });
  }

  private async readLease(): Promise<void> {
    const record = this.record.value;
    if (record === undefined) return;
    if (record.status.state !== "running") return this.setLease(null);
    try {
      const lease = (await this.reader.registry.getProcessLease(this.id)) ?? null;
      if (lease?.fencingToken === 1) begins(this.reader.registry).set(beginKey(record), lease.claimedAtMs);
      this.setLease(lease, lease === null ? undefined : await holderOf(lease, this.reader.registry.owner));
    } catch (error) {
      if ((error as { code?: string }).code !== "unknown_process") this.fault(error);
    }
  }

  private setLease(lease: KnownLease, holder: Holder | undefined = undefined): void {
    const { lease: before } = this;
    const isSame = before !== undefined && before?.leaseToken === lease?.leaseToken && before?.expiresAtMs === lease?.expiresAtMs;
    if (isSame && this.holder === holder) return;
    [this.lease, this.holder] = [lease, holder];
    if (!this.isOver) this.changed();
  }

  private async readStreams(): Promise<void> {
    if (this.record.status !== "present") return;
    try {
      this.streams = await this.reader.registry.listStreams(this.id);
      if (!this.isOver) this.changed();
    } catch (error) {
      if ((error as { code?: string }).code !== "unknown_process") this.fault(error);
    }
  }

  private fault(error: unknown): void {
    if (!this.isOver) this.failed(error);
  }
}

// ── When processes were first begun ─────────────────────────────────────────

/** The log does not say when a run begins, and its lease is gone at its end: what was seen of leases is remembered. */
const BEGINS = new WeakMap<ProcessRegistry, Map<string, number>>();

function begins(registry: ProcessRegistry): Map<string, number> {
  let known = BEGINS.get(registry);
  if (known === undefined) BEGINS.set(registry, (known = new Map()));
  return known;
}

/** An id may be taken again once its process was deleted. */
const beginKey = ({ id, createdAtMs }: ProcessRecord): string => `${createdAtMs} ${id}`;
