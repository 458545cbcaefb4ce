/** Reports of the demo page that a browser begins and the worker of examples/worker-nats ends, and the other way round. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { serve } from "../../scripts/serve.mjs";
import { killBrowser, launch } from "../tabs/playwright.mjs";
import { program } from "./program.mjs";
import { isWhole } from "./report.mjs";
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

/** Resolves once the report has ended, and all of it is there once. */
async function endsWhole(registry) {
  const { value } = await registry.awaitTerminal(REPORT);
  assert.deepEqual(value, { published: true, approvedBy: "the test", week: 1 });
  isWhole(await registry.eventsAfter(REPORT, 0));
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
    await endsWhole(registry);
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
    await endsWhole(registry);
    await page.getByText("5 of 5, published").first().waitFor();
  });
});
