/** What a user would write with the entry for service workers, and mistakes that the types must catch. Compiling this file is the test. */
import { defineProcess, type ProcessRegistry } from "../../js/entries/index.js";
import { traced } from "../../js/entries/opentelemetry.js";
import { handleSync, requestSync, support, type SyncReport } from "../../js/entries/service-worker.js";

const saving = defineProcess<string, number>({ kind: "save" });

export const { sweep } = handleSync(self, {
  open: { name: "notes" },
  processes: [saving.implement(({ input }) => input.length)],
  runners: { note: ({ process }) => process.id },
  through: traced,
  tag: "notes",
  events: ["sync", "push"],
  budgetMs: 10_000,
  concurrency: 4,
});

export const swept: Promise<SyncReport> = sweep("message");

export async function inPage(registry: ProcessRegistry, registration: ServiceWorkerRegistration): Promise<boolean> {
  const { sync, periodicSync, end } = await requestSync(registry, { tag: "notes", registration, periodicMs: 86_400_000 });
  end();
  const { push } = await support();
  return sync && periodicSync && push === "granted";
}

export async function mistakes(registry: ProcessRegistry): Promise<void> {
  // @ts-expect-error: memory is not shared
  handleSync(self, { open: { storage: "memory" } });
  // @ts-expect-error: no such event
  handleSync(self, { events: ["fetch"] });
  // @ts-expect-error: a misspelt option
  handleSync(self, { runner: {} });
  // @ts-expect-error: a sweep runs the work itself
  handleSync(self, { runHandle: { claimAndRunPending: async () => {} } });
  // @ts-expect-error: options are needed
  handleSync(self);
  // @ts-expect-error: a number of milliseconds
  await requestSync(registry, { periodicMs: "1d" });
}
