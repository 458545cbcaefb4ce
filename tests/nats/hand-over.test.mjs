/** Reports of the demo page that a browser begins and the worker of examples/worker-nats ends, and the other way round. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { serve } from "../../scripts/serve.mjs";
import { killBrowser, launch } from "../tabs/playwright.mjs";
import { program } from "./program.mjs";
import { startServers } from "./servers.mjs";

const REPORT = "weekly-report-1";

let servers, site;
before(async () => {
  servers = await startServers({ count: 3 });
  site = await serve({ port: 0 });
});
after(async () => {
  await site?.close();
  await servers?.close();
});

/** A registry of the test, which runs nothing. */
async function observer(t, namespace) {
  const registry = await openRegistry({ storage: natsStore({ servers: servers.tcp, namespace }) });
  t.after(() => registry.close());
  return registry;
}

/** The inspector, in a browser of its own. */
async function browser(t, namespace) {
  const { context, close } = await launch();
  t.after(close);
  const page = await context.newPage();
  await page.goto(`${site.url}?nats=${servers.ws.join(",")}&namespace=${namespace}`);
  return { page, kill: () => killBrowser(context) };
}

function worker(t, namespace, ...args) {
  const running = program("examples/worker-nats/worker.mjs", args, { NATS_SERVERS: servers.tcp.join(","), NATS_NAMESPACE: namespace });
  t.after(() => running.kill());
  return running;
}

/** Resolves once the step is in the log. */
async function stepDone(registry, name) {
  for await (const { eventType, payload } of registry.events(REPORT)) if (eventType === "process.step" && payload.key === name) return;
}

/** The report ended well, each of its steps is in the log once, and nothing is missing in that. */
async function isWhole(registry) {
  const { type, value } = await registry.awaitTerminal(REPORT);
  assert.equal(type, "success");
  assert.equal(value.approvedBy, "the test");
  const log = await registry.eventsAfter(REPORT, 0);
  assert.deepEqual(
    log.map(({ sequence }) => sequence),
    log.map((_, index) => index + 1),
  );
  const steps = log.filter(({ eventType }) => eventType === "process.step").map(({ payload }) => payload.key);
  for (const name of ["fetch orders", "attach report", "publish"]) assert.equal(steps.filter((step) => step === name).length, 1, name);
  assert.equal(log.filter(({ eventType }) => eventType === "process.completed").length, 1);
}

describe("a report", { concurrency: true }, () => {
  test("that a browser began before it was killed is ended by a worker in Node, once the browser's lease is over", async (t) => {
    const namespace = "from-a-browser";
    const registry = await observer(t, namespace);
    const begun = await browser(t, namespace);
    await begun.page.getByRole("heading", { name: "Weekly report 1" }).waitFor();
    await stepDone(registry, "fetch orders");
    await begun.kill();
    const running = worker(t, namespace);
    await registry.signal(REPORT, "approve", { by: "the test" });
    await running.said(`${REPORT}: run 2 begins here`);
    await running.said(`${REPORT}: ended here`);
    await isWhole(registry);
  });

  test("that a worker in Node began and handed back when it was stopped is ended by a browser", async (t) => {
    const namespace = "from-a-worker";
    const registry = await observer(t, namespace);
    const begun = worker(t, namespace, "report");
    await begun.said(`${REPORT}: run 1 begins here`);
    await stepDone(registry, "fetch orders");
    assert.deepEqual(await begun.kill("SIGTERM"), [0, null]);
    const { page } = await browser(t, namespace);
    await page.getByText("Run by").waitFor();
    await registry.signal(REPORT, "approve", { by: "the test" });
    await isWhole(registry);
    await page.getByText("5 of 5, published").first().waitFor();
  });
});
