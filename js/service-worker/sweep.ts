/** One bounded sweep: opens the registry, runs what can be run until that is over or waits, and closes it. */
import { openRegistry } from "../entries/index.js";
import type { ProcessRecord, ProcessRegistry, ProcessWorkDriver } from "../entries/index.js";
import type { SyncOptions, SyncReport } from "../types/service-worker.js";
import { CLOSING } from "./closing.js";
import { isWorkLeft, timeOf } from "./left.js";
import { refused } from "./refused.js";

/** How long a page that is being closed may hold what it runs, and how often it is looked whether it still does, in milliseconds. */
const CLOSING_MS = 3_000;
const PAUSE_MS = 100;

/** What is swept with. */
export interface Sweep {
  open: SyncOptions["open"];
  through: (registry: ProcessRegistry) => ProcessRegistry;
  driver: Omit<SyncOptions, "open" | "through">;
}

/** `endsAt` is by `performance.now()`. */
export async function sweep({ open, through, driver }: Sweep, reason: string, endsAt: number): Promise<SyncReport> {
  const deadline = deadlineAt(endsAt);
  try {
    const registry = await opened(open, deadline);
    try {
      if (registry.durability === "memory") throw refused("memory is not shared with pages", "storage_unavailable");
      // The one look of a sweep that has nothing to do.
      if ((await registry.countProcesses()) === 0) return { started: [], left: false };
      return await driven(through(registry), driver, reason, deadline);
    } finally {
      await registry.close();
    }
  } finally {
    deadline.end();
  }
}

async function driven(registry: ProcessRegistry, given: Sweep["driver"], reason: string, deadline: Deadline): Promise<SyncReport> {
  const driver = registry.driver(given);
  const started = new Set<string>();
  const patience = deadlineAt(performance.now() + (reason === CLOSING ? CLOSING_MS : 0));
  try {
    while (!deadline.isOver()) {
      const sweeping = driver.claimAndRunPending(reason);
      // One that the deadline cuts off ends with the driver.
      sweeping.catch(() => {});
      const swept = await Promise.race([sweeping, deadline.over]);
      if (swept === undefined) break;
      for (const id of swept.started) started.add(id);
      if (swept.failed.length > 0) break;
      if (swept.started.length > 0) await quiet(registry, driver, started, deadline);
      else if (swept.busy.length > 0 && !patience.isOver() && !deadline.isOver()) await pause(PAUSE_MS);
      else if (!(await untilNextAttempt(registry, started, deadline))) break;
    }
  } finally {
    patience.end();
    // Gives back what is not finished: others continue it at once.
    await driver.stop();
  }
  return { started: [...started].sort(), left: await isWorkLeft(registry, kindsOf(given)) };
}

/** Resolves once these have ended, or wait for what does not come before the deadline. */
async function quiet(registry: ProcessRegistry, driver: ProcessWorkDriver, ids: Set<string>, deadline: Deadline): Promise<void> {
  let wake = () => {};
  const unsubscribe = registry.onChange((id) => ids.has(id) && wake());
  const over = Promise.race([driver.idle(), deadline.over]).then(() => true);
  try {
    for (let isOver = false; !isOver;) {
      // Before the records are read, so that no change goes unnoticed.
      const changed = new Promise<boolean>((resolve) => (wake = () => resolve(false)));
      const running = await runningOf(registry, ids);
      isOver = running.every((record) => isParked(record, deadline)) || (await Promise.race([over, changed]));
    }
  } finally {
    unsubscribe();
  }
}

/** Whether a process waits for what does not come before the deadline, or for its next run. */
function isParked(record: ProcessRecord, deadline: Deadline): boolean {
  const { wait } = record;
  if (wait === undefined) return false;
  return (wait.kind === "retry" && wait.step === undefined) || (timeOf(record) ?? Infinity) > deadline.epochMs;
}

/** Waits until one of these may be run again that failed: resolves with whether one may before the deadline. */
async function untilNextAttempt(registry: ProcessRegistry, ids: Set<string>, deadline: Deadline): Promise<boolean> {
  const running = await runningOf(registry, ids);
  const next = Math.min(...running.map((record) => timeOf(record) ?? Infinity));
  if (next > deadline.epochMs) return false;
  const due = deadlineAt(performance.now() + next - Date.now());
  await Promise.race([due.over, deadline.over]);
  due.end();
  return true;
}

async function runningOf(registry: ProcessRegistry, ids: Set<string>): Promise<ProcessRecord[]> {
  const records = await Promise.all([...ids].map((id) => registry.getProcess(id)));
  return records.filter((record) => record?.status.state === "running") as ProcessRecord[];
}

/** The registry; one that opens too late is closed again. */
async function opened(open: SyncOptions["open"], deadline: Deadline): Promise<ProcessRegistry> {
  const opening = openRegistry(open);
  const registry = await Promise.race([opening, deadline.over]);
  if (registry) return registry;
  opening.then(
    (late) => late.close(),
    () => {},
  );
  throw refused("the registry was not open when the sweep had to end", "timeout");
}

function kindsOf({ runners = {}, processes = [] }: Sweep["driver"]): (kind: string) => boolean {
  const kinds = new Set([...Object.keys(runners), ...processes.map(({ kind }) => kind)]);
  return (kind) => kinds.has(kind);
}

const pause = (ms: number) => new Promise((over) => setTimeout(over, ms));

type Deadline = ReturnType<typeof deadlineAt>;

/** A moment by `performance.now()`, and about when that is in epoch milliseconds. */
function deadlineAt(at: number) {
  const leftMs = Math.max(at - performance.now(), 0);
  let timer: ReturnType<typeof setTimeout>;
  const over = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, leftMs, undefined)));
  return { over, epochMs: Date.now() + leftMs, isOver: () => performance.now() >= at, end: () => clearTimeout(timer) };
}
