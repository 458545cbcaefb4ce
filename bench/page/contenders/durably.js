/**
 * @coji/durably in a browser, by its documentation (docs/llms.md in the package, "Browser Usage"): SQLite in the origin private
 * file system through sqlocal, the only storage that it has for browsers, and the intervals that are given there.
 */
import { createDurably, defineJob } from "@coji/durably";
import { SQLocalKysely } from "sqlocal/kysely";
import { z } from "zod";

/** `run()` triggers a job of one step and resolves with its result. Nothing is polled while it is paused, as it is at first. */
export async function open(database, pollingIntervalMs = 100) {
  const sqlocal = new SQLocalKysely(`${database}.sqlite3`);
  const job = defineJob({ name: "job", input: z.object({ n: z.number() }), run: (step, { n }) => step.run("double", () => n * 2) });
  const durably = createDurably({
    dialect: sqlocal.dialect,
    pollingIntervalMs,
    leaseRenewIntervalMs: 500,
    leaseMs: 3000,
    jobs: { job },
  });
  await durably.migrate();
  return {
    run: async (n) => (await durably.jobs.job.triggerAndWait({ n })).output,
    resume: () => durably.start(),
    pause: () => durably.stop(),
    close: () => sqlocal.destroy(),
    /** Where it really keeps what it is given. */
    storage: async () => (await sqlocal.getDatabaseInfo()).storageType,
  };
}
