/** `longwait/langgraph` in Chromium: LangGraph's validation suite, and the graphs of docs/langgraph.md, which reloads and crashes interrupt. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { programs } from "../samples/programs.mjs";
import { pageScript } from "../support/page-script.mjs";
import { site } from "./site.mjs";

const served = site();

/** The modules of a sample of the guide. */
const sample = (name) => programs().find(({ page, heading }) => page === "docs/langgraph.md" && heading === name).modules;

/** A program as one script: a file, or the modules of a sample, of which the last one imports the others. */
function bundled(program) {
  if (typeof program === "string") return pageScript({ main: readFileSync(program, "utf8") }, { resolveDir: dirname(program) });
  const modules = program.map(({ file, code }) => [`./${file.replace(".ts", ".js")}`, code]);
  return pageScript({ ...Object.fromEntries(modules), main: `import "${modules.at(-1)[0]}";` });
}

/** A profile of the test's own, with a page of that program. `calls` are what its nodes did outside. */
async function profile(t, program) {
  const script = await bundled(program);
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const calls = [];
  await context.exposeFunction("called", (name) => void calls.push(name));
  const body = `<!doctype html><title>graph</title><link rel="icon" href="data:,"><script type="module" src="graph.js"></script>`;
  await context.route("**/graph.html", (route) => route.fulfill({ contentType: "text/html", body }));
  await context.route("**/graph.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  const opened = async () => {
    const page = await context.newPage();
    page.on("pageerror", (error) => t.diagnostic(String(error.stack)));
    await page.goto(`${served.url}graph.html`);
    await page.waitForFunction(() => globalThis.ready);
    return page;
  };
  return { context, opened, calls };
}

for (const storage of ["memory", "indexeddb"])
  test(`LangGraph's validation suite passes in Chromium on ${storage}`, async (t) => {
    const { opened } = await profile(t, inRepo("tests/langgraph/validation/browser.js"));
    const page = await opened();
    const { passed, others, faults } = await page.evaluate((storage) => validated(storage), storage);
    assert.deepEqual([others, faults], [[], []]);
    assert.equal(passed, 726);
    t.diagnostic(`${passed} tests of LangGraph's validation suite passed`);
  });

test("a graph that asks is resumed after a reload of its page", async (t) => {
  const { opened, calls } = await profile(t, sample("A graph that asks"));
  const page = await opened();
  assert.equal(await page.evaluate(() => question()), "about the tides");
  await page.reload();
  await page.waitForFunction(() => globalThis.ready);
  assert.equal(await page.evaluate(() => question()), "about the tides");
  const { sent, topic } = await page.evaluate(() => answer("yes"));
  assert.deepEqual([sent, topic], ["sent: about the tides", "the tides"]);
  assert.deepEqual(calls, ["write", "send"], "neither is done twice");
});

test("a graph in a process is continued by another tab after a crash in the middle of a node, and after one while it waits", async (t) => {
  const [interrupts] = sample("A graph that asks").filter(({ file }) => file === "context.ts");
  const modules = sample("A run that survives its tab");
  const { file, code } = modules.pop();
  const { context, opened, calls } = await profile(t, [interrupts, ...modules, { file, code: `import "./context.js";\n${code}` }]);
  const crash = async (page) => {
    const crashed = page.waitForEvent("crash");
    const protocol = await context.newCDPSession(page);
    protocol.send("Page.crash").catch(() => {});
    await crashed;
  };
  // What is asked is kept: while a tab takes over, the process waits for nothing.
  const asked = (page) =>
    page.evaluate(async () => {
      for (const changes = registry.hub.subscribe("m"); ; await changes.changed()) {
        globalThis.asked = await waiting("m");
        if (globalThis.asked?.question !== undefined) break;
      }
    });

  const first = await opened();
  await first.evaluate(() => (globalThis.hanging = "deliver"));
  await first.evaluate(() => begin("the tides", "m").then(() => {}));
  await asked(first);
  await crash(first);

  const second = await opened();
  await second.evaluate(() => (globalThis.hanging = "deliver"));
  await asked(second);
  assert.equal(await second.evaluate(() => globalThis.asked.question), "about the tides");
  await second.evaluate(() => globalThis.asked.answer("yes").then(() => {}));
  await second.waitForFunction(() => globalThis.hangs);
  await crash(second);

  const third = await opened();
  const output = await third.evaluate(() => registry.awaitTerminal("m"));
  assert.deepEqual(output, { type: "success", value: "sent: about the tides" });
  assert.deepEqual(calls, ["write", "send", "send"], "the node that did not end is run again, and no other");
});
