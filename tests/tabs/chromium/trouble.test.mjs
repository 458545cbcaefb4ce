/** Trouble of a page that drives: code that does not load, a disk that is full. It is never how a process ends. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

/** Starts a driver that notes down how often its runner was called, and registers nothing. */
const drive = () => {
  globalThis.calls = [];
  globalThis.reports = [];
  globalThis.reportError = (error) => globalThis.reports.push(error.code);
  globalThis.driver = globalThis.registry.driver({
    runners: {
      async job({ attempt, append, step }) {
        globalThis.calls.push(attempt);
        await append({ eventType: "began", payload: attempt });
        const work = await step("work", async () => {
          await globalThis.atWork?.();
          return "x";
        });
        return work.length;
      },
    },
  });
  globalThis.driver.start();
};

const schema = { name: "began", payloadSchema: { type: "number" } };

describe("a page that drives", () => {
  const tabs = tabsForSuite();

  test("and cannot load the validator runs nothing, reports it and leaves the process to others", async (t) => {
    const [one, other] = [await tabs.opened(t), await tabs.opened(t)];
    await one.page.route("**/schema.js", (route) => route.abort());
    await one.run(drive);
    const registration = { id: "p", input: { type: "engine", kind: "job" }, eventTypes: [schema], recovery: "abandon" };
    await other.run(page.call, ["registerProcess", registration]);
    await one.page.waitForFunction(() => globalThis.reports.length > 0);
    assert.deepEqual(await one.run(() => [globalThis.reports[0], globalThis.calls]), ["internal", []]);
    assert.equal((await other.run(page.call, ["getProcess", "p"])).status.state, "running");
    // Nothing was run, so this is the first attempt, also of what is not to be run again.
    await other.run(drive);
    assert.deepEqual(await other.run(page.end, "p"), { type: "success", value: 1 });
    assert.deepEqual(await other.run(() => globalThis.calls), [1]);
  });

  test("and can load it later begins then by itself", async (t) => {
    const [one, other] = [await tabs.opened(t), await tabs.opened(t)];
    await one.page.route("**/schema.js", (route) => route.abort());
    await one.run(drive);
    await other.run(page.call, ["registerProcess", { id: "p", input: { type: "engine", kind: "job" }, eventTypes: [schema] }]);
    await one.page.waitForFunction(() => globalThis.reports.length > 0);
    await one.page.unroute("**/schema.js");
    assert.deepEqual(await other.run(page.end, "p"), { type: "success", value: 1 });
    assert.deepEqual(await one.run(() => globalThis.calls), [1]);
  });

  test("and finds the disk full while a step is recorded hands the process back, and ends it once there is room", async (t) => {
    const one = await tabs.opened(t);
    // As the browser has it: the transaction aborts with that error, whatever was put in it.
    await one.run(() => {
      const { put, add } = IDBObjectStore.prototype;
      let full = false;
      const refusing = (write) =>
        function (...given) {
          if (full) throw new DOMException("no room is left", "QuotaExceededError");
          return write.apply(this, given);
        };
      Object.assign(IDBObjectStore.prototype, { put: refusing(put), add: refusing(add) });
      globalThis.fill = (now) => (full = now);
      globalThis.atWork = () => globalThis.fill(globalThis.calls.length === 1);
    });
    await one.run(drive);
    await one.run(page.call, ["registerProcess", { id: "p", input: { type: "engine", kind: "job" }, eventTypes: [{ name: "began" }] }]);
    await one.page.waitForFunction(() => globalThis.reports.includes("quota_exceeded"));
    assert.equal((await one.run(page.call, ["getProcess", "p"])).status.state, "running");
    await one.run(() => globalThis.fill(false));
    assert.deepEqual(await one.run(page.end, "p"), { type: "success", value: 1 });
    assert.ok((await one.run(() => globalThis.calls.length)) >= 2);
  });
});
