/** What a user would write with the worker's entry, and mistakes that the types must catch. Compiling this file is the test. */
import type { LeaseOwner, ProcessWorkDriver } from "../../js/entries/index.js";
import { traced } from "../../js/entries/opentelemetry.js";
import { drive, driveIn } from "../../js/entries/worker.js";

export const inWorker: Promise<ProcessWorkDriver> = drive({
  open: { name: "jobs", durability: "strict" },
  runners: {
    double: ({ process }) =>
      process.input.type === "engine" && typeof process.input.payload === "number" ? process.input.payload * 2 : null,
  },
  leaseTtlMs: 60_000,
  through: traced,
});

export async function inPage(): Promise<LeaseOwner> {
  const worker =
    typeof SharedWorker === "function"
      ? new SharedWorker(new URL("./jobs.js", import.meta.url), { type: "module" })
      : new Worker(new URL("./jobs.js", import.meta.url), { type: "module" });
  const { owner, stop } = await driveIn(worker);
  await stop();
  return owner;
}

export async function mistakes(): Promise<void> {
  // @ts-expect-error: memory is not shared
  await drive({ open: { storage: "memory" } });
  // @ts-expect-error: nor is it where there is no IndexedDB
  await drive({ open: { fallback: "memory" } });
  // @ts-expect-error: a misspelt option
  await drive({ runner: {} });
  // @ts-expect-error: the address of a worker is no worker
  await driveIn("jobs.js");
  // @ts-expect-error: nor is a port
  await driveIn(new MessageChannel().port1);
}
