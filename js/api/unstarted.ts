/** Reminds the page's author of drivers that were made and never started: nothing runs then, and nothing would say so. */
import { warn } from "../platform/report.js";
import type { RawRegistry } from "../border/raw.js";
import { timer } from "../platform/timer.js";
import type { ProcessRecord } from "../types/public.js";

/** How long a process waits before the reminder, in milliseconds. */
const PATIENCE_MS = 5_000;

/** The drivers of one registry that were not started yet. */
export class Unstarted {
  readonly #raw: Pick<RawRegistry, "call">;
  readonly #kinds = new Set<ReadonlySet<string>>();

  constructor(raw: Pick<RawRegistry, "call">) {
    this.#raw = raw;
  }

  /** A driver was made, with runners for these kinds. Call what is given back once it is started or sweeps. */
  made(kinds: ReadonlySet<string>): () => void {
    this.#kinds.add(kinds);
    return () => void this.#kinds.delete(kinds);
  }

  /** A process was registered here. Warns once for each driver that could run it, if it then waits, held by no driver. */
  registered({ id, identity: { kind } }: ProcessRecord): void {
    const able = [...this.#kinds].filter((kinds) => kinds.has(kind));
    if (able.length === 0) return;
    timer(() => void this.#remind(id, kind, able).catch(() => {}), PATIENCE_MS, false);
  }

  async #remind(id: string, kind: string, able: ReadonlySet<string>[]): Promise<void> {
    const [record, lease] = await Promise.all([this.#raw.call("getProcess", id), this.#raw.call("getProcessLease", id)]);
    const isUnstarted = able.every((kinds) => this.#kinds.has(kinds));
    if (!isUnstarted || record?.status.state !== "running" || lease !== undefined) return;
    able.forEach((kinds) => this.#kinds.delete(kinds));
    warn(
      `longwait: process "${id}" waits to be run, and the driver that has a runner for its kind "${kind}" was never started: call driver.start()`,
    );
  }
}
