/** A page whose network goes and comes: what requires it waits, by the events of the browser. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

/** Starts a driver whose runs note that they were begun, and end with what a request says. */
const drive = () => {
  const fetches = async ({ append, attempt }) => {
    await append({ eventType: "began", payload: attempt });
    return (await fetch("/index.js")).status;
  };
  const retry = { initialIntervalMs: 1, jitter: false };
  const steps = async ({ append, step }) => {
    await append({ eventType: "began" });
    return step("fetch", async ({ attempt }) => [attempt, (await fetch("/index.js")).status], { retry });
  };
  const here = ({ step }) => step("second", ({ attempt }) => (attempt === 1 ? Promise.reject(new Error("one")) : "here"), { retry });
  globalThis.driver = globalThis.registry.driver({ runners: { fetches, steps, here }, onRunError: () => {} });
  globalThis.driver.start();
};

const register = async ([id, kind, policy]) => {
  await globalThis.registry.registerProcess({ id, input: { type: "engine", kind }, eventTypes: [{ name: "began" }], ...policy });
};

const typesOf = async (tab, id) => (await tab.run(page.call, ["eventsAfter", id, 0])).map(({ eventType }) => eventType);

describe("what requires the network", () => {
  const tabs = tabsForSuite();

  /** A tab with a driver. The network is there again after the test. */
  async function driving(t) {
    const { context } = tabs.browser;
    t.after(() => context.setOffline(false));
    const tab = await tabs.opened(t);
    await tab.run(drive);
    return [tab, context];
  }

  test("is not begun while the browser is offline, and begun once it is online; what requires nothing is run", async (t) => {
    const [tab, context] = await driving(t);
    await context.setOffline(true);
    await tab.run(register, ["p", "fetches", { requires: "network" }]);
    await tab.run(register, ["here", "here", {}]);
    assert.equal((await tab.run(page.end, "here")).value, "here");
    await tab.run(() => globalThis.driver.claimAndRunPending());
    assert.deepEqual(await typesOf(tab, "p"), []);
    await context.setOffline(false);
    assert.deepEqual(await tab.run(page.end, "p"), { type: "success", value: 200 });
    assert.deepEqual(await typesOf(tab, "p"), ["began", "process.completed"]);
  });

  /** Has requests fail, and not before the browser says that it is offline. */
  async function failing(tab) {
    await tab.page.route("**/index.js", (route) => route.abort());
    await tab.run(() => {
      const fetched = globalThis.fetch;
      globalThis.fetch = (...given) =>
        fetched(...given).catch(async (error) => {
          await globalThis.gone;
          throw error;
        });
      globalThis.gone = new Promise((resolve) => addEventListener("offline", resolve, { once: true }));
    });
  }

  test("spends one attempt on a network that goes, and makes the next one when it is back", async (t) => {
    const [tab, context] = await driving(t);
    await failing(tab);
    await tab.run(register, ["p", "fetches", { requires: "network", retry: { initialIntervalMs: 1 } }]);
    await tab.run(page.began, ["p", 0]);
    await context.setOffline(true);
    await tab.run(() => globalThis.registry.awaitEvent("p", "process.attempt_failed"));
    await tab.run(() => globalThis.driver.claimAndRunPending());
    assert.deepEqual(await typesOf(tab, "p"), ["began", "process.attempt_failed"]);
    await tab.page.unroute("**/index.js");
    await context.setOffline(false);
    assert.deepEqual(await tab.run(page.end, "p"), { type: "success", value: 200 });
    assert.deepEqual(await typesOf(tab, "p"), ["began", "process.attempt_failed", "began", "process.completed"]);
  });

  test("spends one attempt of a step on a network that goes, and the same run makes the next one when it is back", async (t) => {
    const [tab, context] = await driving(t);
    await failing(tab);
    await tab.run(register, ["p", "steps", { requires: "network" }]);
    await tab.run(page.began, ["p", 0]);
    await context.setOffline(true);
    await tab.run(() => globalThis.registry.awaitEvent("p", "process.step_failed"));
    // An attempt that fails later and requires nothing is repeated: the time of the other one has passed, too.
    await tab.run(register, ["here", "here", {}]);
    assert.equal((await tab.run(page.end, "here")).value, "here");
    assert.deepEqual(await typesOf(tab, "p"), ["began", "process.step_failed"]);
    const { kind, step, attempt } = (await tab.run(page.call, ["getProcess", "p"])).wait;
    assert.deepEqual([kind, step, attempt], ["retry", "fetch", 2]);
    await tab.page.unroute("**/index.js");
    await context.setOffline(false);
    assert.deepEqual(await tab.run(page.end, "p"), { type: "success", value: [2, 200] });
    assert.deepEqual(await typesOf(tab, "p"), ["began", "process.step_failed", "process.step", "process.completed"]);
  });
});
