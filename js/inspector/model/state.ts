/** What a process is doing, in one word. The record says most of it; whether an active process is being run, its lease does. */
import type { ProcessLease, ProcessRecord } from "../../types/public.js";
import { duration, short } from "./words.js";

export type State =
  "running" | "queued" | "scheduled" | "working" | "waiting" | "sleeping" | "retrying" | "paused" | "completed" | "failed" | "cancelled";

export const STATE_WORDS: Readonly<Record<State, string>> = {
  running: "Running",
  queued: "Queued",
  scheduled: "Scheduled",
  working: "Working",
  waiting: "Waiting",
  sleeping: "Sleeping",
  retrying: "Retrying",
  paused: "Paused",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** The lease of a process; `null` where it has none, and `undefined` where that is not known. */
export type KnownLease = ProcessLease | null | undefined;

/** A process that has not ended, is in no wait and is not paused is `running` until its lease is known. */
export function stateOf(record: ProcessRecord, lease: KnownLease, nowMs: number): State {
  const { status, paused, wait, input } = record;
  if (status.state !== "running") return status.state;
  if (paused !== undefined) return "paused";
  if (wait !== undefined) {
    switch (wait.kind) {
      case "start":
        return "scheduled";
      case "retry":
        return "retrying";
      case "timer":
        return "sleeping";
      case "signal":
      case "process":
        return "waiting";
    }
  }
  if (record.startAtMs !== undefined && record.startAtMs > nowMs) return "scheduled";
  if (input.type === "external" || lease === undefined) return "running";
  return lease !== null && lease.expiresAtMs > nowMs ? "working" : "queued";
}

/** What a process waits for, in a few words; `undefined` where it waits for nothing. */
export function waitWords({ wait, paused, status, requires }: ProcessRecord, nowMs: number): string | undefined {
  if (status.state !== "running") return undefined;
  if (paused !== undefined) return paused.reason === undefined ? "paused" : `paused: ${paused.reason}`;
  if (wait === undefined) return undefined;
  switch (wait.kind) {
    case "start":
      return `begins ${inTime(wait.untilMs, nowMs)}`;
    case "retry": {
      const begins = requires === "network" && wait.untilMs <= nowMs ? "once it is online" : inTime(wait.untilMs, nowMs);
      return `${wait.step === undefined ? "" : `step “${wait.step}”: `}attempt ${wait.attempt} begins ${begins}`;
    }
    case "timer":
      return `timer “${wait.key}” is due ${inTime(wait.untilMs, nowMs)}`;
    case "process":
      return `waits for the end of ${wait.processId}`;
    case "signal":
      return `waits for signal “${(wait.names ?? [wait.name]).join("” or “")}”`;
  }
}

const inTime = (untilMs: number, nowMs: number): string => (untilMs > nowMs ? `in ${duration(roughly(untilMs - nowMs))}` : "now");

/** A span that is counted down: tenths of a second would flicker. */
const roughly = (ms: number): number => (ms < 10_000 ? Math.ceil(ms / 1_000) * 1_000 : ms);

/** Where the holder of a lease is: in this page, in another one or a worker, or nowhere, as its lock is free: a driver takes its lease over. */
export type Holder = "here" | "elsewhere" | "gone";

/** Who holds a lease, in a few words. */
export function holderWords({ owner }: ProcessLease, holder: Holder | undefined): string {
  switch (holder) {
    case "here":
      return "this tab";
    case "gone":
      return `a tab that is gone (${short(owner.ownerId)})`;
    default:
      return `another tab or worker (${short(owner.ownerId)})`;
  }
}

/** How an ended process ended, in one line. */
export function endWords({ status }: ProcessRecord): string | undefined {
  if (status.state === "running") return undefined;
  const { awaitOutput } = status;
  switch (awaitOutput.type) {
    case "success":
      return undefined;
    case "failure":
      return `${awaitOutput.code}: ${awaitOutput.message}`;
    case "cancelled":
      return awaitOutput.message;
  }
}
