/** Reminds the page's author of drivers that were made and never started: nothing runs then, and nothing else would say so. */
import type { RawRegistry } from "../border/raw.js";
import { timer } from "../platform/timer.js";
import type { ProcessRecord } from "../types/public.js";
import { warnOnce } from "./warnings.js";

/** How long a process waits before the reminder, in milliseconds. */
const PATIENCE_MS = 5_000;

type Raw = Pick<RawRegistry, "call">;

/** The drivers that were not started yet, each with the kinds that it has runners for, by their registry. */
const unstarted = new WeakMap<Raw, Map<object, ReadonlySet<string>>>();

/** A driver was made, with runners for these kinds. */
export function driverMade(driver: object, raw: Raw, kinds: ReadonlySet<string>): void {
  const those = unstarted.get(raw) ?? new Map();
  unstarted.set(raw, those.set(driver, kinds));
}

/** A driver is started, or sweeps. */
export function driverBegins(driver: object, raw: Raw): void {
  unstarted.get(raw)?.delete(driver);
}

/** A process was registered here. Warns once of the drivers that could run it, if it then waits, held by no driver. */
export function processRegistered(raw: Raw, { id, identity: { kind } }: ProcessRecord): void {
  const able = [...(unstarted.get(raw) ?? [])].flatMap(([driver, kinds]) => (kinds.has(kind) ? [driver] : []));
  if (able.length === 0) return;
  timer(() => void remind(raw, id, kind, able).catch(() => {}), PATIENCE_MS, false);
}

async function remind(raw: Raw, id: string, kind: string, able: object[]): Promise<void> {
  const [record, lease] = await Promise.all([raw.call("getProcess", id), raw.call("getProcessLease", id)]);
  const those = unstarted.get(raw);
  const isUnstarted = able.every((driver) => those?.has(driver));
  if (!isUnstarted || record?.status.state !== "running" || lease !== undefined) return;
  for (const driver of able) those?.delete(driver);
  warnOnce(
    `process "${id}" waits to be run, and the driver that has a runner for its kind "${kind}" was never started: call driver.start()`,
    "a-driver-that-was-never-started",
  );
}
