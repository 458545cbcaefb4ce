/** What only Chromium's protocol lets us do to a page with a worker. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

describe("a page with a driver in a worker", () => {
  const tabs = tabsForSuite();
  const { opened } = tabs;

  const drives = (tab, t, kind = "Worker", file = "jobs.js") => tab.run(page.driveIn, [kind, file, { name: t.name }]);

  /** Two tabs with a worker each; the first runs a process that does not end. */
  async function running(t) {
    const [one, other] = [await opened(t), await opened(t)];
    await drives(one, t);
    await one.run(page.work, ["p", "hold"]);
    await one.run(page.began, ["p", 0]);
    await drives(other, t);
    return [one, other];
  }

  const takesOver = async (heir) => assert.equal((await heir.run(page.began, ["p", 1])).payload, 2);

  test("is reloaded: its worker ends with it, and another tab goes on", async (t) => {
    const [one, other] = await running(t);
    await one.page.reload();
    await takesOver(other);
  });

  test("crashes: so does its worker, and another tab goes on", async (t) => {
    const [one, other] = await running(t);
    const protocol = await tabs.browser.context.newCDPSession(one.page);
    // It has nobody left to answer.
    protocol.send("Page.crash").catch(() => {});
    await takesOver(other);
  });

  test("is heard by a dedicated worker, however late that calls drive()", async (t) => {
    const one = await opened(t);
    await drives(one, t, "Worker", "late.js");
    await one.run(page.work, ["p", "double", 1]);
    assert.deepEqual(await one.run(page.end, "p"), { type: "success", value: 2 });
  });

  // Chromium tells of it where the worker throws while the page is just being connected: in every tenth attempt or so.
  test("is told by the clock, if not by the browser, that its shared worker threw, and does not hang", async (t) => {
    const one = await opened(t);
    await one.page.clock.install();
    const refused = await one.begin(page.driveIn, ["SharedWorker", "throws.js", {}]);
    await one.page.clock.fastForward(60_000);
    await one.page.clock.fastForward(1_000);
    const told = await refused();
    assert.match(`${told.refused}: ${told.why}`, /^(timeout: the worker does not answer|internal: the worker failed: .*on purpose)/);
  });

  test("hears the answer of a worker that came while it was busy, however long that is", async (t) => {
    const one = await opened(t);
    const outcome = await one.run(async (name) => {
      const { setTimeout } = globalThis;
      // A minute of a busy page takes a moment here.
      globalThis.setTimeout = (call, span, ...given) => setTimeout(call, span >= 60_000 ? 1 : span, ...given);
      const worker = new Worker(`/jobs.js?${new URLSearchParams({ name })}`, { type: "module" });
      // It drives, as it says, before it is asked.
      await new Promise((said) => worker.addEventListener("message", said, { once: true }));
      const driving = globalThis.longwaitInWorkers.driveIn(worker);
      const end = performance.now() + 500;
      while (performance.now() < end);
      return driving.then(
        ({ owner }) => typeof owner.ownerId,
        ({ code }) => code,
      );
    }, t.name);
    assert.equal(outcome, "string");
  });

  test("drives under a strict content security policy, which is the one that the worker's own script is served with", async (t) => {
    const one = await opened(t);
    let scripts = "'self'";
    await one.page.context().route("**/jobs.js?*", async (route) => {
      const response = await route.fetch();
      const policy = `default-src 'self'; script-src ${scripts}`;
      await route.fulfill({ response, headers: { ...response.headers(), "Content-Security-Policy": policy } });
    });
    assert.equal((await drives(one, t)).refused, "internal");
    scripts += " 'wasm-unsafe-eval'";
    assert.deepEqual((await drives(one, t)).ownerId?.length, 32);
  });
});
