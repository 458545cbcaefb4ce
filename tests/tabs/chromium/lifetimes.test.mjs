/** Over IndexedDB, too, what was started lives until it is stopped or closed: the garbage collector ends nothing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collecting, forgetInTab } from "../../lifetimes/in-tab.mjs";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

describe("in a tab whose garbage is collected", () => {
  const { blank, opened } = tabsForSuite(collecting);

  test("a driver that nothing refers to runs its processes to their ends", async (t) => {
    const tab = await blank(t);
    const { collections, outcomes } = await forgetInTab(tab, { name: t.name }, 10);
    assert.ok(collections >= 3);
    assert.deepEqual(outcomes, { completed: 10 });
  });

  test("a listener and waits of a registry that nothing refers to hear of another tab's changes", async (t) => {
    const other = await opened(t);
    await other.run(page.register, "p");
    const tab = await blank(t);
    await tab.run(async (name) => {
      const heard = new Promise((resolve) => (globalThis.hear = resolve));
      const listening = async () => {
        const registry = await globalThis.longwait.openRegistry({ name });
        registry.onChange(globalThis.hear);
        return [registry.awaiter.awaitTerminal("p"), registry.events("p").next(), registry.hub.subscribe("p").changed()];
      };
      globalThis.told = [heard, ...(await listening())];
    }, t.name);
    await tab.run(async () => {
      for (let time = 0; time < 10; time++) {
        globalThis.gc();
        await new Promise((turn) => requestAnimationFrame(turn));
      }
    });
    await other.run(page.appends, ["p", "other", 1]);
    await other.run(page.call, ["completeProcess", "p", { type: "success", value: 7 }]);
    const [heard, end, { value: event }] = await tab.run(() => Promise.all(globalThis.told));
    assert.deepEqual([heard, end, event.payload], ["p", { type: "success", value: 7 }, "other 0"]);
  });

  test("the lock of a registry that nothing refers to is held until its page is gone", async (t) => {
    const other = await opened(t);
    const tab = await blank(t);
    const { liveness } = await tab.run(async (name) => (await globalThis.longwait.openRegistry({ name })).owner, t.name);
    await tab.run(async () => {
      for (let time = 0; time < 10; time++) {
        globalThis.gc();
        await new Promise((turn) => requestAnimationFrame(turn));
      }
    });
    const held = await other.run(async () => (await navigator.locks.query()).held.map(({ name }) => name));
    assert.ok(held.includes(liveness.lockName));
  });
});
