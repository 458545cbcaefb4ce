/** How long the data lasts, as the browser and the person who uses it decide. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tabsForSuite } from "../playwright.mjs";

describe("asking the browser to keep the data", () => {
  const tabs = tabsForSuite();

  /** A registry, and what its listener was told. */
  async function opened(t, options = {}) {
    const one = await tabs.opened(t, options);
    await one.run(() => {
      globalThis.told = [];
      globalThis.registry.onDurabilityChange((level) => globalThis.told.push(level));
    });
    return { one, durability: one.durability };
  }
  const ask = ({ one }) =>
    one.run(async () => [await globalThis.registry.requestPersistence(), globalThis.registry.durability, globalThis.told]);
  const decide = async (permission, setting) => {
    const session = await tabs.browser.browser.newBrowserCDPSession();
    const { browserContextIds } = await session.send("Target.getBrowserContexts");
    for (const browserContextId of browserContextIds)
      await session.send("Browser.setPermission", {
        permission: { name: permission },
        setting,
        origin: new URL(tabs.url).origin,
        browserContextId,
      });
  };

  test("changes nothing where the answer is no", async (t) => {
    await decide("persistent-storage", "denied");
    const registry = await opened(t);
    assert.equal(registry.durability, "evictable");
    assert.deepEqual(await ask(registry), ["evictable", "evictable", []]);
  });

  test("leaves memory what it is", async (t) => {
    const registry = await opened(t, { storage: "memory" });
    assert.deepEqual(await ask(registry), ["memory", "memory", []]);
  });

  test("tells who listens where the answer is yes, once; registries opened later know", async (t) => {
    const registry = await opened(t);
    await decide("persistent-storage", "granted");
    assert.deepEqual(await ask(registry), ["persistent", "persistent", ["persistent"]]);
    assert.deepEqual(await ask(registry), ["persistent", "persistent", ["persistent"]]);
    assert.equal((await opened(t)).durability, "persistent");
  });
});
