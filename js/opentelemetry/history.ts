/** What earlier runs of a process left in its log: which waits came out then, and which attempts failed. What they did has spans already. */
import type { ProcessEvent, ProcessRegistry } from "../types/public.js";
import { fieldsOf } from "../types/recorded.js";

/** What a wait is for, as a text that tells it from others of its run, without its place among those for the same thing. */
export type Thing = string;

export const forSignals = (names: readonly unknown[]): Thing => `signal/${[...new Set(names.map(text))].sort().join(",")}`;
export const forTimer = (key: unknown): Thing => `timer/${text(key)}`;
export const forProcess = (id: unknown): Thing => `process/${text(id)}`;

/** What is no text, the call itself refuses. */
export const text = (given: unknown): string => (typeof given === "string" ? given : "");

/** What is known of the log before a run. */
export interface History {
  /** How the `ordinal`th wait for a thing came out in an earlier run; nothing where it did not. */
  wait(thing: Thing, ordinal: number): "came out" | "given up" | undefined;
  /** When the attempt before this one of a step failed, in epoch milliseconds. */
  stepFailed(key: string, attempt: number): number | undefined;
  /** When the run before this one failed, in epoch milliseconds; nothing where it ended otherwise. */
  runFailed(attempt: number): number | undefined;
}

const NONE: History = { wait: () => undefined, stepFailed: () => undefined, runFailed: () => undefined };

const TYPES = ["process.resumed", "process.step_failed", "process.attempt_failed"];

/** Reads the log. One that cannot be read is as an empty one: then something may have two spans, and nothing else is wrong. */
export async function historyOf(registry: Pick<ProcessRegistry, "eventsAfter">, processId: string): Promise<History> {
  try {
    return made(await registry.eventsAfter(processId, 0, { types: TYPES }));
  } catch {
    return NONE;
  }
}

function made(log: readonly ProcessEvent[]): History {
  const waits = new Map<string, "came out" | "given up">();
  const steps = new Map<string, number>();
  const runs = new Map<number, number>();
  for (const { eventType, payload, occurredAtMs } of log) {
    const { name, names, processId, timer, ordinal, givenUp, key, attempt } = fieldsOf(payload);
    if (eventType === "process.step_failed") steps.set(`${attempt}:${key}`, occurredAtMs);
    else if (eventType === "process.attempt_failed") runs.set(attempt as number, occurredAtMs);
    else {
      const thing =
        timer !== undefined
          ? forTimer(timer)
          : processId !== undefined
            ? forProcess(processId)
            : forSignals(name !== undefined ? [name] : Array.isArray(names) ? names : []);
      waits.set(`${ordinal}:${thing}`, givenUp === true ? "given up" : "came out");
    }
  }
  return {
    wait: (thing, ordinal) => waits.get(`${ordinal}:${thing}`),
    stepFailed: (key, attempt) => steps.get(`${attempt - 1}:${key}`),
    // It counts the runs that threw. Where others were lost, a run that has begun since may have shown the pause.
    runFailed: (attempt) => runs.get(attempt - 1),
  };
}
