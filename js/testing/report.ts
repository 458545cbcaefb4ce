/** Where the processes of a world stand, in words. */
import type { ProcessLease, ProcessRecord, RunWait, WaitState } from "../types/public.js";
import type { Pump } from "./pump.js";
import { isInCode } from "./running.js";
import type { TestTab } from "../types/testing.js";

type Wait = WaitState | RunWait;

/** Whether a wait is for that: a signal's name, the key of a timer or step, the id of a process; or `"start"` and `"retry"`. */
export function isFor(wait: Wait, name: string | undefined): boolean {
  if (name === undefined) return true;
  switch (wait.kind) {
    case "signal":
      return (wait.names ?? [wait.name]).includes(name);
    case "timer":
      return wait.key === name;
    case "process":
      return wait.processId === name;
    case "retry":
      return name === (wait.step ?? "retry");
    case "start":
      return name === "start";
  }
}

/** A line for each process that has not ended. */
export function described(running: [ProcessRecord, ProcessLease | undefined][], pump: Pump, tabs: readonly TestTab[]): string {
  const lines = running.map(([record, lease]) => `  "${record.id}" (${record.identity.kind}): ${standsAt(record, lease, pump, tabs)}`);
  return lines.length > 0 ? lines.join("\n") : "  no processes that have not ended";
}

function standsAt(record: ProcessRecord, lease: ProcessLease | undefined, pump: Pump, tabs: readonly TestTab[]): string {
  const run = [...pump.runs].filter(({ processId, isAwake }) => processId === record.id && isAwake()).at(-1);
  if (run !== undefined && isInCode(run))
    return `runs in ${run.tab}, attempt ${run.attempt}, ${run.steps.length > 0 ? `in its step "${run.steps[0]}"` : "between two calls of longwait"}`;
  const held = lease && `held by ${lease.owner.ownerId}${stateOf(lease.owner.ownerId, tabs)}`;
  const waits = record.paused
    ? "is paused"
    : ((record.wait && waitsFor(record.wait)) ?? (run ? `runs in ${run.tab}` : "waits to be begun"));
  return [waits, ...(held === undefined ? [] : [held])].join(", ");
}

function stateOf(name: string, tabs: readonly TestTab[]): string {
  const state = tabs.find((tab) => tab.name === name)?.state ?? "running";
  return state === "running" ? "" : `, which is ${state}`;
}

function waitsFor(wait: Wait): string {
  switch (wait.kind) {
    case "signal":
      return `waits for the signal ${(wait.names ?? [wait.name]).map((name) => `"${name}"`).join(" or ")}`;
    case "timer":
      return `waits for its timer "${wait.key}" until ${time(wait.untilMs)}`;
    case "process":
      return `waits for the end of "${wait.processId}"`;
    case "retry":
      return `waits for attempt ${wait.attempt}${wait.step === undefined ? "" : ` of its step "${wait.step}"`} until ${time(wait.untilMs)}`;
    case "start":
      return `is to be begun at ${time(wait.untilMs)}`;
  }
}

const time = (ms: number) => new Date(ms).toISOString();
