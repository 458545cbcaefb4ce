/** The module of docs/opentelemetry.md in Chromium: a tab crashes in the middle of a run, and another one takes over, in the same trace. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blocks } from "../samples/programs.mjs";
import { pageScript } from "../support/page-script.mjs";
import { until } from "../support/until.mjs";
import { site } from "./site.mjs";

const served = site();
const SAMPLE = blocks("docs/opentelemetry.md").find(({ heading }) => heading === "In a browser").code;

/** What an exporter sends to a backend, which here is the test. */
const EXPORTER = `
  const sent = (span) => {
    const { name, attributes, links, parentSpanContext } = span;
    const { spanId: id, traceId } = span.spanContext();
    return { name, attributes, links, id, traceId, parentId: parentSpanContext?.spanId };
  };
  export const exporter = {
    export(spans, done) {
      globalThis.collect(spans.map(sent)).then(() => done({ code: 0 }));
    },
    shutdown: async () => {},
    forceFlush: async () => {},
  };
`;

/** The sample, which shows the test what it exports. */
const bundled = () =>
  pageScript({
    main: `${SAMPLE}\nObject.assign(globalThis, { registry, flush: () => provider.forceFlush() });\n`,
    "./exporter.js": EXPORTER,
  });

test("a tab that takes over a crashed one continues its trace, makes no second span of its steps, and is linked to its run", async (t) => {
  const script = await bundled();
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const spans = [];
  const asked = [];
  await context.exposeFunction("collect", (some) => void spans.push(...some));
  await context.route("**/traced.html", (route) =>
    route.fulfill({ contentType: "text/html", body: `<!doctype html><title>traced</title><script type="module">${script}</script>` }),
  );
  await context.route("**/prices/*", (route) => {
    asked.push(route.request().headers().traceparent);
    return route.fulfill({ json: 7 });
  });
  const opened = async () => {
    const page = await context.newPage();
    await page.goto(`${served.url}traced.html`);
    await page.waitForFunction(() => globalThis.registry);
    return page;
  };

  const named = (name) => spans.filter((span) => span.name === name);
  /** Resolves once a page has exported spans. Some are made once the log was read, which may be after what they show. */
  const exported = async (page, ...names) => {
    while (names.some((name) => named(name).length === 0)) await page.evaluate(() => flush());
  };

  const first = await opened();
  await first.evaluate(() => registry.registerProcess({ id: "o", input: { type: "engine", kind: "order" } }));
  await until(first, async () => (await registry.getProcess("o")).wait?.kind === "signal");
  await exported(first, "register order", "step price");
  const crashed = first.waitForEvent("crash");
  const protocol = await context.newCDPSession(first);
  protocol.send("Page.crash").catch(() => {});
  await crashed;

  const second = await opened();
  const output = await second.evaluate(async () => {
    await registry.signal("o", "paid");
    return registry.awaitTerminal("o");
  });
  assert.deepEqual(output, { type: "success", value: 7 });

  await exported(second, "run order", "wait signal");
  const [[registering], [step, ...otherSteps], [run, ...otherRuns], [wait]] = [
    "register order",
    "step price",
    "run order",
    "wait signal",
  ].map(named);
  assert.deepEqual([otherSteps, otherRuns], [[], []], "the run of the tab that crashed has not ended");
  assert.equal(run.attributes["longwait.run.attempt"], 2);
  assert.equal(run.parentId, registering.id);
  assert.deepEqual(
    run.links.map(({ context }) => [context.spanId, context.traceId]),
    [[step.parentId, registering.traceId]],
  );
  assert.equal(wait.parentId, run.id);
  assert.deepEqual(asked, [`00-${registering.traceId}-${step.id}-01`], "the server is asked once, below the step");
});
