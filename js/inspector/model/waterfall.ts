/**
 * A process as rows over time. A pure function: the record and the events of the log in, rows with spans and marks out. It knows no
 * registry and no page.
 *
 * The log records how things ended, and not when they began: a span from one record to the next is what can be said, and is marked as estimated
 * where other work may have been done in it.
 */
import type { ProcessEvent, ProcessRecord, StreamInfo } from "../../types/public.js";
import { fieldsOf } from "../../types/recorded.js";
import type { KnownLease } from "./state.js";
import { bytes, duration, plural } from "./words.js";

/** What happens during a span. `begun` is queued, then working, with no border between them: no begin is recorded. */
export type Phase = "queued" | "begun" | "working" | "waiting" | "sleeping" | "retrying" | "paused";

export interface Span {
  readonly phase: Phase;
  readonly fromMs: number;
  /** Absent: it still lasts. */
  readonly untilMs?: number;
  readonly label: string;
  /** The record that its end is known from. */
  readonly sequence?: number;
  /** It ended badly. */
  readonly isFailed?: boolean;
  /** When it began is not recorded: it began at this time or later. */
  readonly isEstimated?: boolean;
}

/** Something at a moment. */
export interface Mark {
  readonly atMs: number;
  readonly sort: "event" | "signal" | "failure" | "cancel" | "end" | "due";
  readonly label: string;
  readonly sequence?: number;
}

export type RowSort = "run" | "step" | "timer" | "signal" | "wait" | "event" | "child" | "stream" | "attachment";

export interface Row {
  /** Unique in the waterfall of a process. */
  readonly key: string;
  readonly sort: RowSort;
  readonly label: string;
  readonly spans: readonly Span[];
  readonly marks: readonly Mark[];
  /** What there is to say in a few words, beside the bar. */
  readonly note: string;
  /** It failed for good. */
  readonly isFailed: boolean;
  /** Of a child: its id. */
  readonly childId?: string;
}

export interface Seen {
  readonly record: ProcessRecord;
  /** Of the log: all, or the last of it. In its order. */
  readonly events: readonly ProcessEvent[];
  /** The lease, as far as it is known. */
  readonly lease?: KnownLease;
  /** When it was first begun, where that was seen. */
  readonly begunMs?: number | undefined;
  readonly children?: readonly ProcessRecord[];
  readonly streams?: readonly StreamInfo[];
  readonly nowMs: number;
}

/** The rows of a process, the one of the process itself first, and the others in the order in which they begin. */
export function waterfall(seen: Seen): Row[] {
  const rows = new Rows(seen);
  for (const event of seen.events) rows.add(event);
  return rows.finish();
}

/** The time that a process takes up: until when, is absent where it has not ended. */
export function range({ record, events }: Pick<Seen, "record" | "events">): { fromMs: number; untilMs?: number } {
  const fromMs = record.createdAtMs;
  if (record.status.state === "running") return { fromMs };
  return { fromMs, untilMs: Math.max(endedAt(record, events), fromMs) };
}

function endedAt(record: ProcessRecord, events: readonly ProcessEvent[]): number {
  return events.findLast(({ semantics }) => semantics.terminal !== undefined)?.occurredAtMs ?? record.updatedAtMs;
}

// ── Payloads of the driver's events ─────────────────────────────────────────

interface Fields {
  readonly key?: string;
  readonly name?: string;
  readonly names?: readonly string[];
  readonly processId?: string;
  readonly timer?: string;
  readonly attempt?: number;
  readonly ordinal?: number;
  readonly dueAtMs?: number;
  readonly retryAtMs?: number;
  readonly timedOut?: boolean;
  readonly givenUp?: boolean;
  readonly reason?: string;
  readonly error?: { readonly code?: string; readonly message?: string };
}

/** The fields of an event, which the driver wrote. */
const fieldsIn = ({ payload }: ProcessEvent): Fields => fieldsOf(payload) as Fields;

/** What a wait is for, and how it is shown. */
function awaited({ name, names, processId, timer }: Fields): { row: string; sort: RowSort; label: string; words: string } {
  if (timer !== undefined) return { row: `timer ${timer}`, sort: "timer", label: timer, words: `sleeps until timer “${timer}” is due` };
  if (processId !== undefined)
    return { row: `process ${processId}`, sort: "wait", label: processId, words: `waits for the end of ${processId}` };
  const all = names ?? [name ?? ""];
  return { row: `signal ${all.join(", ")}`, sort: "signal", label: all.join(", "), words: `waits for signal “${all.join("” or “")}”` };
}

const errorWords = ({ error }: Fields): string => error?.message ?? error?.code ?? "failed";

// ── Rows ────────────────────────────────────────────────────────────────────

interface Making {
  key: string;
  sort: RowSort;
  label: string;
  spans: Span[];
  marks: Mark[];
  note: string;
  isFailed: boolean;
  childId?: string;
  /** Of a step: its attempts so far, and when the next one may begin. */
  attempts: number;
  retryAtMs?: number | undefined;
}

/** A wait that was begun and has not ended yet, as far as the log was read. */
interface Open {
  readonly row: Making;
  readonly phase: "waiting" | "sleeping";
  readonly fromMs: number;
  readonly label: string;
  readonly dueAtMs?: number | undefined;
}

class Rows {
  private readonly made = new Map<string, Making>();
  private readonly open = new Map<string, Open>();
  private readonly run: Making;
  /** What the process itself does since a moment. */
  private phase: Phase;
  private sinceMs: number;
  private phaseLabel: string;
  private isEstimated = false;
  /** The last record of the driver: what it records next was begun no sooner than this. */
  private recordedMs: number;
  private endedMs: number | undefined;
  /** Where the log is not read from its beginning. */
  private readonly isCut: boolean;

  constructor(private readonly seen: Seen) {
    const { record, events } = seen;
    this.isCut = (events[0]?.sequence ?? 1) > 1;
    this.run = this.row("run", "run", record.identity.label ?? record.identity.kind);
    this.sinceMs = this.isCut && events[0] !== undefined ? events[0].occurredAtMs : record.createdAtMs;
    this.recordedMs = this.sinceMs;
    this.phase = this.isCut ? "working" : "queued";
    this.phaseLabel = this.isCut ? "working" : "queued";
    if (!this.isCut) this.begin();
  }

  /** From the registration to the first run. */
  private begin(): void {
    const { record, begunMs, lease } = this.seen;
    const seenMs = begunMs ?? (lease?.fencingToken === 1 ? lease.claimedAtMs : undefined);
    if (record.startAtMs !== undefined && record.startAtMs > this.sinceMs) {
      this.enter("sleeping", this.sinceMs, `begins at its start time`);
      if (record.startAtMs <= this.seen.nowMs) this.enter("queued", record.startAtMs, "queued");
    }
    if (seenMs !== undefined) {
      this.enter("working", Math.max(seenMs, this.sinceMs), "working");
      this.recordedMs = this.sinceMs;
    } else if (record.input.type === "external") {
      this.enter("working", this.sinceMs, "working elsewhere");
    } else if (this.seen.events.length > 0 || record.status.state !== "running" || lease != null) {
      this.enter("begun", this.sinceMs, "queued, then working");
      this.isEstimated = true;
    }
  }

  add(event: ProcessEvent): void {
    const { eventType, occurredAtMs: atMs } = event;
    const fields = fieldsIn(event);
    if (event.semantics.terminal !== undefined && this.endedMs === undefined) return this.end(event);
    switch (eventType) {
      case "process.step":
        return this.step(event, fields);
      case "process.step_failed":
        return this.stepFailed(event, fields);
      case "process.attempt_failed":
        return this.attemptFailed(event, fields);
      case "process.timer":
        return this.timer(event, fields);
      case "process.waiting":
        return this.wait(event, fields);
      case "process.resumed":
        return this.resumed(event, fields);
      case "process.paused":
        this.enter("paused", atMs, fields.reason === undefined ? "paused" : `paused: ${fields.reason}`);
        return;
      case "process.unpaused":
        this.enter("begun", atMs, "queued, then working");
        return;
      case "process.cancel_requested":
        this.mark(this.run, event, "cancel", fields.reason === undefined ? "cancel requested" : `cancel requested: ${fields.reason}`);
        return;
      default:
        return this.other(event);
    }
  }

  finish(): Row[] {
    const { record, children = [], streams = [] } = this.seen;
    const endMs = this.endedMs ?? (record.status.state === "running" ? undefined : record.updatedAtMs);
    this.live(endMs);
    this.pushPhase(endMs);
    for (const { row, phase, fromMs, label, dueAtMs } of this.open.values()) {
      const untilMs = endMs === undefined ? undefined : Math.max(fromMs, Math.min(endMs, dueAtMs ?? endMs));
      row.spans.push({ phase, fromMs, ...(untilMs !== undefined && { untilMs }), label });
      if (endMs !== undefined) row.note ||= "not needed";
      else if (dueAtMs !== undefined) row.marks.push({ atMs: dueAtMs, sort: "due", label: "due" });
    }
    for (const child of children) this.child(child);
    for (const stream of streams) this.stream(stream);
    for (const { name, size, type, updatedAtMs } of record.attachments ?? []) {
      const row = this.row(`attachment ${name}`, "attachment", name);
      row.marks.push({ atMs: updatedAtMs, sort: "event", label: `attached ${bytes(size)}` });
      row.note = [bytes(size), type].filter((part) => part !== "").join(", ");
    }
    return Array.from(this.made.values(), finished);
  }

  // ── The process ───────────────────────────────────────────────────────────

  /** From now on the process does something else. What it did until then becomes a span. */
  private enter(phase: Phase, atMs: number, label: string): void {
    if (this.phase === phase && this.phaseLabel === label) return;
    this.pushPhase(atMs);
    [this.phase, this.sinceMs, this.phaseLabel, this.isEstimated] = [phase, Math.max(atMs, this.sinceMs), label, false];
  }

  private pushPhase(untilMs: number | undefined): void {
    if (untilMs !== undefined && untilMs <= this.sinceMs) return;
    const { phase, sinceMs: fromMs, phaseLabel: label, isEstimated } = this;
    this.run.spans.push({ phase, fromMs, ...(untilMs !== undefined && { untilMs }), label, ...(isEstimated && { isEstimated }) });
  }

  private working(atMs: number): void {
    this.recordedMs = atMs;
    if (this.phase !== "paused") this.enter("working", atMs, "working");
  }

  private end(event: ProcessEvent): void {
    const { terminal } = event.semantics;
    this.endedMs = event.occurredAtMs;
    const { awaitOutput, state } = terminal ?? {};
    const why =
      awaitOutput?.type === "failure" || awaitOutput?.type === "cancelled" ? `${state}: ${awaitOutput.message}` : (state ?? "ended");
    this.mark(this.run, event, "end", why);
    this.run.isFailed = state === "failed";
    this.run.note = state ?? "";
  }

  private attemptFailed(event: ProcessEvent, fields: Fields): void {
    const attempt = fields.attempt ?? 1;
    this.mark(this.run, event, "failure", `attempt ${attempt} failed: ${errorWords(fields)}`);
    this.run.attempts = attempt;
    this.recordedMs = event.occurredAtMs;
    if (fields.retryAtMs === undefined) return;
    this.enter("retrying", event.occurredAtMs, `waits for attempt ${attempt + 1}`);
    this.enterLater("begun", fields.retryAtMs, `attempt ${attempt + 1}: queued, then working`);
  }

  /** What begins by itself at a time that may not have come. */
  private later: { phase: Phase; atMs: number; label: string } | undefined;

  private enterLater(phase: Phase, atMs: number, label: string): void {
    this.later = { phase, atMs, label };
  }

  private catchUp(atMs: number): void {
    const { later } = this;
    this.later = undefined;
    if (later !== undefined && later.atMs < atMs) this.enter(later.phase, later.atMs, later.label);
  }

  /** What the record says of a process that has not ended. */
  private live(endMs: number | undefined): void {
    const { record, lease } = this.seen;
    const nowMs = endMs ?? this.seen.nowMs;
    this.catchUp(nowMs);
    if (endMs !== undefined) return;
    const { wait, paused } = record;
    if (paused !== undefined) return this.enter("paused", paused.sinceMs, this.phase === "paused" ? this.phaseLabel : "paused");
    if (wait?.kind === "process") this.enter("waiting", wait.sinceMs, `waits for the end of ${wait.processId}`);
    if (wait?.kind === "signal") this.enter("waiting", wait.sinceMs, `waits for signal “${wait.name}”`);
    const nothing = wait === undefined && this.phase !== "queued" && this.phase !== "sleeping";
    if (nothing && lease === null && record.input.type !== "external") this.enter("queued", this.sinceMs, "queued");
  }

  // ── Its parts ─────────────────────────────────────────────────────────────

  private step(event: ProcessEvent, fields: Fields): void {
    const row = this.row(`step ${fields.key}`, "step", fields.key ?? "step");
    this.attempt(row, event, `attempt ${row.attempts + 1}`, false);
    row.note = row.attempts > 1 ? plural(row.attempts, "attempt") : "";
    this.working(event.occurredAtMs);
  }

  private stepFailed(event: ProcessEvent, fields: Fields): void {
    const row = this.row(`step ${fields.key}`, "step", fields.key ?? "step");
    const attempt = fields.attempt ?? row.attempts + 1;
    row.attempts = attempt - 1;
    this.attempt(row, event, `attempt ${attempt} failed: ${errorWords(fields)}`, true);
    const { retryAtMs, key } = fields;
    row.isFailed = retryAtMs === undefined;
    row.note = row.isFailed ? `failed after ${plural(attempt, "attempt")}` : `${plural(attempt, "attempt")} failed`;
    this.working(event.occurredAtMs);
    if (retryAtMs === undefined) return;
    row.retryAtMs = retryAtMs;
    this.enter("retrying", event.occurredAtMs, `waits for attempt ${attempt + 1} of step “${key}”`);
    this.enterLater("working", retryAtMs, "working");
  }

  private attempt(row: Making, event: ProcessEvent, label: string, isFailed: boolean): void {
    this.catchUp(event.occurredAtMs);
    const { occurredAtMs: untilMs, sequence } = event;
    const last = row.spans.at(-1);
    const { retryAtMs } = row;
    row.retryAtMs = undefined;
    const knownMs = this.seen.children?.map(({ status, updatedAtMs }) => (status.state === "running" ? 0 : updatedAtMs)) ?? [];
    // It began after what is recorded before it, and, as a rule, after the children that had ended by then.
    let fromMs = Math.max(Math.min(this.recordedMs, untilMs), ...knownMs.filter((ms) => ms <= untilMs));
    if (retryAtMs !== undefined && last?.untilMs !== undefined) {
      const startMs = Math.min(retryAtMs, untilMs);
      row.spans.push({ phase: "retrying", fromMs: last.untilMs, untilMs: startMs, label: `waits for attempt ${row.attempts + 1}` });
      fromMs = Math.max(startMs, fromMs);
    }
    row.attempts++;
    row.isFailed = false;
    row.spans.push({ phase: "working", fromMs, untilMs, label, sequence, isEstimated: true, ...(isFailed && { isFailed }) });
  }

  private timer(event: ProcessEvent, { key = "timer", dueAtMs }: Fields): void {
    this.wait(event, { timer: key }, dueAtMs);
  }

  private wait(event: ProcessEvent, fields: Fields, dueAtMs: number | undefined = undefined): void {
    const { occurredAtMs: fromMs } = event;
    const { row: key, sort, label, words } = awaited(fields);
    const row = this.row(key, sort, label);
    const phase = sort === "timer" ? "sleeping" : "waiting";
    if (dueAtMs !== undefined) row.note = duration(dueAtMs - fromMs);
    this.open.set(`${key} ${fields.ordinal ?? 1}`, { row, phase, fromMs, label: words, dueAtMs });
    this.recordedMs = fromMs;
    this.enter(phase, fromMs, words);
  }

  private resumed(event: ProcessEvent, fields: Fields): void {
    const key = `${awaited(fields).row} ${fields.ordinal ?? 1}`;
    const open = this.open.get(key);
    this.open.delete(key);
    const { occurredAtMs: untilMs, sequence } = event;
    if (open !== undefined) {
      const { row, phase, fromMs, label } = open;
      row.spans.push({ phase, fromMs, untilMs, label, sequence });
      if (fields.timedOut === true) row.note = "timed out";
      else if (fields.givenUp === true) row.note = "given up";
      else if (phase === "waiting") row.note = `waited ${duration(untilMs - fromMs)}`;
    }
    this.working(untilMs);
  }

  private other(event: ProcessEvent): void {
    const signal = event.eventType.startsWith("signal.") ? event.eventType.slice("signal.".length) : undefined;
    if (signal !== undefined) this.mark(this.row(`signal ${signal}`, "signal", signal), event, "signal", `signal “${signal}”`);
    else this.mark(this.row(`event ${event.eventType}`, "event", event.eventType), event, "event", event.eventType);
  }

  private child(record: ProcessRecord): void {
    const row = this.row(`child ${record.id}`, "child", record.identity.label ?? record.id);
    row.childId = record.id;
    const { createdAtMs: fromMs, updatedAtMs, status } = record;
    const phase = record.paused ? "paused" : record.wait ? "waiting" : "working";
    if (status.state === "running") row.spans.push({ phase, fromMs, label: "running" });
    else row.spans.push({ phase: "working", fromMs, untilMs: updatedAtMs, label: status.state, isFailed: status.state === "failed" });
    row.isFailed = status.state === "failed";
    row.note = status.state;
  }

  private stream({ name, chunks, closed }: StreamInfo): void {
    const row = this.row(`stream ${name}`, "stream", name);
    row.note = `${plural(chunks, "chunk")}${closed ? ", closed" : ""}`;
  }

  private row(key: string, sort: RowSort, label: string): Making {
    let row = this.made.get(key);
    if (row === undefined) {
      row = { key, sort, label, spans: [], marks: [], note: "", isFailed: false, attempts: 0 };
      this.made.set(key, row);
    }
    return row;
  }

  private mark(row: Making, { occurredAtMs: atMs, sequence }: ProcessEvent, sort: Mark["sort"], label: string): void {
    row.marks.push({ atMs, sort, label, sequence });
  }
}

function finished({ attempts: _attempts, retryAtMs, spans, ...row }: Making): Row {
  const last = spans.at(-1);
  // A failed attempt that is to be repeated waits for that now.
  const waits = retryAtMs !== undefined && last?.untilMs !== undefined;
  const shown = waits ? [...spans, { phase: "retrying", fromMs: last.untilMs, label: "waits for the next attempt" } satisfies Span] : spans;
  const due = waits ? [{ atMs: retryAtMs, sort: "due", label: "next attempt" } satisfies Mark] : [];
  const marks = row.sort === "event" && row.note === "" && row.marks.length > 1 ? plural(row.marks.length, "event") : row.note;
  return { ...row, spans: shown, marks: [...row.marks, ...due], note: marks };
}

/** A row in words, for those who do not see its bar. */
export function rowWords({ sort, label, spans, marks, note }: Row, nowMs: number): string {
  const parts = spans.map(({ phase, fromMs, untilMs, label, isFailed }) => {
    const took = duration((untilMs ?? nowMs) - fromMs);
    return `${isFailed ? label : phase === "working" && sort === "run" ? "working" : label} ${untilMs === undefined ? `for ${took} so far` : took}`;
  });
  const moments = marks.length > 3 ? [plural(marks.length, "event")] : marks.map(({ label }) => label);
  return [`${SORT_WORDS[sort]} ${label}`, note, ...parts, ...moments].filter((part) => part !== "").join(", ");
}

export const SORT_WORDS: Readonly<Record<RowSort, string>> = {
  run: "Process",
  step: "Step",
  timer: "Timer",
  signal: "Signal",
  wait: "Wait",
  event: "Event",
  child: "Child",
  stream: "Stream",
  attachment: "Attachment",
};
