/**
 * A worker in Node that runs the jobs of the demo pages: what their browsers left, and what its arguments name.
 *
 *   node examples/worker-nats/worker.mjs            waits for work, until Ctrl+C
 *   node examples/worker-nats/worker.mjs report     begins a report first
 */

import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { runners, startReport } from "../../www/report-job.js";

// Those of `npm run cluster`.
const { NATS_SERVERS = "nats://127.0.0.1:4311,nats://127.0.0.1:4321,nats://127.0.0.1:4331", NATS_NAMESPACE = "demo" } = process.env;

const registry = await openRegistry({ storage: natsStore({ servers: NATS_SERVERS.split(","), namespace: NATS_NAMESPACE }) });

/** A runner that says what it does. */
const said = (run) => async (context) => {
  const { id } = context.process;
  console.log(`${id}: run ${context.attempt} begins here`);
  const result = await run(context);
  console.log(`${id}: ended here`);
  return result;
};
const driver = registry.driver({ runners: Object.fromEntries(Object.entries(runners).map(([kind, run]) => [kind, said(run)])) });

if (process.argv[2] === "report") console.log(`${await startReport(registry)}: registered`);
driver.start();
console.log("waiting for work");

/** Hands back what it runs, so that another driver has it at once. One that is killed cannot: its leases end after 30 s. */
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, async () => {
    await registry.close();
    console.log("handed back what was running");
  });
