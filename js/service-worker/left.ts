/** Whether work is left that a driver can continue without an answer from elsewhere. */
import type { ProcessRecord, ProcessRegistry } from "../entries/index.js";

/** How far ahead a time may be that still counts, in milliseconds. */
const SOON_MS = 3_600_000;

/** How many processes are read at a time, and how often at the most: beyond that there is taken to be work. */
const PAGE = 64;
const PAGES = 4;

/** Of the kinds that `isOurs` accepts. Reads a few pages of processes at the most. */
export async function isWorkLeft(registry: ProcessRegistry, isOurs: (kind: string) => boolean): Promise<boolean> {
  const soon = Date.now() + SOON_MS;
  const counts = (record: ProcessRecord) => {
    const { input, identity, paused, wait } = record;
    if (input.type === "external" || paused !== undefined || !isOurs(identity.kind)) return false;
    return wait === undefined || (timeOf(record) ?? Infinity) <= soon;
  };
  const some = await Promise.all([false, true].map((waiting) => isAny(registry, waiting, counts)));
  return some.includes(true);
}

/** The time at which its wait is over, in epoch milliseconds; none for one that waits for something else, or not at all. */
export function timeOf({ wait }: ProcessRecord): number | undefined {
  return wait !== undefined && "untilMs" in wait ? wait.untilMs : undefined;
}

async function isAny(registry: ProcessRegistry, waiting: boolean, counts: (record: ProcessRecord) => boolean): Promise<boolean> {
  let cursor: string | undefined;
  for (let page = 0; page < PAGES; page++) {
    const records = await registry.listProcesses({ waiting }, { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    if (records.some(counts)) return true;
    if (records.length < PAGE) return false;
    cursor = records.at(-1)?.id;
  }
  return true;
}
