/** Recorded logs: what they hold, and how a process continues from one as if what ended it had not come. */
import type { Json, ProcessAwaitOutput, ProcessEvent, ProcessRegistry } from "../types/public.js";
import type { RecordedLog } from "../types/testing.js";
import { invalid } from "./span.js";

/** A process as it was exported. */
export interface Recorded {
  readonly id: string;
  readonly kind: string;
  readonly version: number | undefined;
  /** When it was last changed, in epoch milliseconds. */
  readonly updatedAtMs: number;
  readonly parentId: string | undefined;
  /** It without its end, as an export. */
  readonly begun: string;
  /** It as it was exported. */
  readonly whole: string;
  /** What its log has. */
  readonly steps: ReadonlySet<string>;
  readonly timers: ReadonlySet<string>;
  /** The waits for signals, by their names and how often that was waited for before. */
  readonly signals: ReadonlySet<string>;
  readonly processes: ReadonlySet<string>;
  /** How it ended, if it did. */
  readonly end: ProcessAwaitOutput | undefined;
}

/** The processes of a log: of an export, or of the events of one process, to which `registry` gives a registration of that kind. */
export async function recordedIn(log: RecordedLog, registry: ProcessRegistry, kind: string, input: Json): Promise<Recorded[]> {
  const given = await gathered(log);
  const lines = isEvents(given) ? await asExport(given, registry, kind, input) : given.flatMap((text) => String(text).split("\n"));
  return processesIn(lines.filter((line) => line.trim() !== "").map(parsed));
}

async function gathered(log: RecordedLog): Promise<readonly unknown[]> {
  if (typeof log === "string") return [log];
  const all: unknown[] = [];
  try {
    for await (const part of log as Iterable<unknown>) all.push(part);
  } catch (cause) {
    if (cause instanceof TypeError && !(Symbol.iterator in Object(log)) && !(Symbol.asyncIterator in Object(log))) throw noLog();
    throw cause;
  }
  // Lines may be cut anywhere.
  return all.every((part) => typeof part === "string") ? [all.join(all.every((part) => !part.includes("\n")) ? "\n" : "")] : all;
}

const noLog = () => invalid("world.replay: the log must be NDJSON, what exportProcesses() gives, or the events of one process");

const isEvents = (given: readonly unknown[]): given is ProcessEvent[] =>
  given.length > 0 && given.every((part) => typeof part === "object" && part !== null && "eventType" in part);

function parsed(line: string, place: number): Line {
  try {
    return JSON.parse(line) as Line;
  } catch (cause) {
    throw invalid(`world.replay: line ${place + 1} of the log is no JSON (${(cause as Error).message})`);
  }
}

/** A line of an export, as far as it is looked at. */
interface Line {
  readonly longwait?: string;
  readonly process?: Head;
  readonly event?: ExportedEvent;
  readonly end?: string;
  readonly withdrawn?: string;
}

interface Head {
  readonly registration: { readonly id: string; readonly identity: { readonly kind: string } };
  readonly policy?: { readonly [name: string]: Json };
  readonly updatedAtMs: number;
  readonly lastSequence: number;
  readonly [name: string]: unknown;
}

type ExportedEvent = Pick<ProcessEvent, "sequence" | "eventType" | "payload" | "replayKey" | "semantics" | "occurredAtMs">;

/** The events of one process, as an export of it. */
async function asExport(events: readonly ProcessEvent[], registry: ProcessRegistry, kind: string, input: Json): Promise<string[]> {
  const id = events[0]!.processId;
  const own = events.map(({ eventType }) => eventType).filter((type) => !/^(process|signal)\./.test(type));
  const eventTypes = [...new Set(own)].map((name) => ({ name }));
  await registry.registerProcess({ id, input: { type: "engine", kind, payload: input }, eventTypes });
  const lines: string[] = [];
  for await (const line of registry.exportProcesses({ ids: [id] })) lines.push(line);
  await registry.deleteProcess(id, { force: true });
  const [begin, head, ...rest] = lines as [string, string, ...string[]];
  const { process } = JSON.parse(head) as { process: Head };
  const { occurredAtMs } = events.at(-1)!;
  const whole = { process: { ...process, lastSequence: events.length, createdAtMs: events[0]!.occurredAtMs, updatedAtMs: occurredAtMs } };
  const logged = events.map(({ sequence, eventType, payload, replayKey, semantics: { terminal }, occurredAtMs }) => {
    const event = {
      sequence,
      eventType,
      payload,
      ...(replayKey !== undefined && { replayKey }),
      semantics: { ...(terminal && { terminal }) },
      occurredAtMs,
    };
    return JSON.stringify({ event });
  });
  return [begin, JSON.stringify(whole), ...logged, ...rest];
}

function processesIn(all: readonly Line[]): Recorded[] {
  if (all[0]?.longwait !== "processes") throw noLog();
  const found = new Map<string, Recorded>();
  let begun: { head: Head; events: ExportedEvent[]; rest: Line[] } | undefined;
  for (const line of all) {
    if (line.process) begun = { head: line.process, events: [], rest: [] };
    else if (line.event) begun?.events.push(line.event);
    else if (line.withdrawn !== undefined) begun = undefined;
    else if (line.end !== undefined && begun) {
      found.set(line.end, recorded(begun.head, begun.events, [...begun.rest, line], all[0]));
      begun = undefined;
    } else begun?.rest.push(line);
  }
  return [...found.values()];
}

/** What of a process says when it is begun, and what became of it, is left out: it is begun at once. */
const LEFT_OUT = ["wait", "paused", "begun", "debouncedSinceMs", "crashes"];
const KEPT_POLICY = ["version", "labels", "parentId"];

function recorded(head: Head, events: readonly ExportedEvent[], rest: readonly Line[], begin: Line): Recorded {
  const { id, identity } = head.registration;
  const ends = events.findIndex(({ eventType, semantics }) => semantics.terminal !== undefined || eventType === "process.cancel_requested");
  const log = ends < 0 ? events : events.slice(0, ends);
  const process = Object.fromEntries(Object.entries(head).filter(([name]) => !LEFT_OUT.includes(name)));
  const policy = Object.fromEntries(Object.entries(head.policy ?? {}).filter(([name]) => KEPT_POLICY.includes(name)));
  const begunAt = Math.min(Number(head.begunAt ?? 0), log.length);
  const exported = (process: object, log: readonly ExportedEvent[]) =>
    [begin, { process }, ...log.map((event) => ({ event })), ...rest, { complete: { processes: 1 } }]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join("");
  const keys = (type: string) =>
    new Set(log.filter(({ eventType }) => eventType === type).map(({ payload }) => String(Object(payload).key)));
  const waits = log
    .filter(({ eventType }) => eventType === "process.waiting" || eventType === "process.resumed")
    .map(({ payload }) => payload as Facts);
  return {
    id,
    kind: identity.kind,
    version: head.policy?.version as number | undefined,
    updatedAtMs: head.updatedAtMs,
    parentId: head.policy?.parentId as string | undefined,
    begun: exported({ ...process, policy, lastSequence: log.length, ...(head.begunAt !== undefined && { begunAt }) }, log),
    whole: exported(head, events),
    steps: new Set([...keys("process.step"), ...keys("process.step_failed")]),
    timers: keys("process.timer"),
    signals: new Set(waits.flatMap(({ name, names, ordinal }) => ((name ?? names) ? [waitKey(names ?? [name!], ordinal ?? 1)] : []))),
    processes: new Set(waits.flatMap(({ processId }) => processId ?? [])),
    end: events.find(({ semantics }) => semantics.terminal !== undefined)?.semantics.terminal?.awaitOutput,
  };
}

/** What the log says of a wait. */
interface Facts {
  readonly name?: string;
  readonly names?: string[];
  readonly processId?: string;
  readonly ordinal?: number;
}

/** Names a wait for signals among those of its process. */
export const waitKey = (names: readonly string[], ordinal: number): string => `${[...new Set(names)].sort().join(" or ")}#${ordinal}`;
