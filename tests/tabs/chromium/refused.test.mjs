/** Storage that the user, the browser or a frame's embedder refuses, and a page that is too busy to hear that it was granted. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { launch, tabsForSuite } from "../playwright.mjs";
import { site } from "../site.mjs";

/** How a registry opens: what it keeps rows in, or the code of the refusal. */
const opens = (options) =>
  globalThis.longwait.openRegistry(options).then(
    async (registry) => {
      await registry.registerProcess({ id: "p", input: { type: "external" } });
      const { durability } = registry;
      await registry.close();
      return durability;
    },
    ({ code, message }) => `${code}: ${message}`,
  );

describe("storage that is refused", () => {
  test("by blocked cookies is unavailable, and memory where that is allowed", async (t) => {
    const profile = mkdtempSync(join(tmpdir(), "longwait-refused-"));
    mkdirSync(join(profile, "Default"));
    writeFileSync(join(profile, "Default", "Preferences"), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
    const [served, browser] = [await site(), await launch({ profile })];
    t.after(async () => {
      await browser.close();
      await served.close();
      rmSync(profile, { recursive: true, force: true });
    });
    const tab = await browser.openTab(served.url);
    const refusal = await tab.run(
      () =>
        new Promise((resolve) => {
          const request = indexedDB.open("bare");
          request.onerror = () => resolve(request.error.name);
          request.onsuccess = () => resolve("granted");
        }),
    );
    assert.equal(refusal, "UnknownError", "Chromium has changed its way to refuse: this test shows nothing any more");
    assert.match(await tab.run(opens, {}), /^storage_unavailable: .*UnknownError/);
    assert.equal(await tab.run(opens, { fallback: "memory" }), "memory");
  });

  describe("to a frame", () => {
    const tabs = tabsForSuite();
    test("without an origin is unavailable, and memory where that is allowed", async (t) => {
      const tab = await tabs.blank(t);
      await tab.run((url) => {
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts";
        frame.src = url;
        document.body.append(frame);
        return new Promise((loaded) => (frame.onload = loaded));
      }, tabs.url);
      const frame = tab.page.frames()[1];
      await frame.waitForFunction("globalThis.ready");
      assert.match(await frame.evaluate(opens, {}), /^storage_unavailable: .*SecurityError/);
      assert.equal(await frame.evaluate(opens, { fallback: "memory" }), "memory");
    });

    for (const name of [
      "SecurityError",
      "UnknownError",
      "InvalidStateError",
      "NotAllowedError",
      "AbortError",
      "a name that is yet to be made",
    ])
      for (const how of ["by an event", "by a throw", "by its property"])
        test(`with a fault named ${name}, ${how}, is unavailable, and memory where that is allowed`, async (t) => {
          const tab = await tabs.blank(t);
          await tab.run(
            ([name, how]) => {
              const refuse = () => {
                throw new DOMException("denied", name);
              };
              if (how === "by its property") Object.defineProperty(globalThis, "indexedDB", { get: refuse });
              IDBFactory.prototype.open = function () {
                if (how === "by a throw") refuse();
                const request = { error: new DOMException("denied", name) };
                queueMicrotask(() => request.onerror({ preventDefault() {} }));
                return request;
              };
            },
            [name, how],
          );
          assert.match(await tab.run(opens, {}), new RegExp(`^storage_unavailable: .*${name}: denied`));
          assert.equal(await tab.run(opens, { fallback: "memory" }), "memory");
        });
  });
});

describe("a request to open that the browser never answers", () => {
  const tabs = tabsForSuite();

  test("is asked again, and the registry opens", async (t) => {
    const tab = await tabs.blank(t);
    const opened = await tab.run(
      async ([name, opens]) => {
        const { setTimeout } = globalThis;
        // Seconds of silence take a moment here.
        globalThis.setTimeout = (call, span, ...given) => setTimeout(call, span >= 1_000 ? 1 : span, ...given);
        let lost = 2;
        const { open } = IDBFactory.prototype;
        IDBFactory.prototype.open = function (...given) {
          return lost-- > 0 ? {} : open.apply(this, given);
        };
        return (0, eval)(opens)({ name });
      },
      [t.name, String(opens)],
    );
    assert.match(opened, /^(evictable|persistent)$/);
  });
});

describe("a browser that never answers a question beside the database", () => {
  const tabs = tabsForSuite();

  for (const [what, silence] of Object.entries({
    "whether the data is kept": () => (StorageManager.prototype.persisted = () => new Promise(() => {})),
    "for the lock of the owner": () => (LockManager.prototype.request = () => new Promise(() => {})),
    "who holds a lock": () => (LockManager.prototype.query = () => new Promise(() => {})),
  }))
    test(`(${what}) keeps no registry from opening, working and closing`, async (t) => {
      const tab = await tabs.blank(t);
      await tab.run(() => {
        const { setTimeout } = globalThis;
        // Seconds of silence take a moment here.
        globalThis.setTimeout = (call, span, ...given) => setTimeout(call, span >= 1_000 ? 1 : span, ...given);
      });
      await tab.run(silence);
      const outcome = await tab.run(async (name) => {
        const registry = await globalThis.longwait.openRegistry({ name });
        const driver = registry.driver({ runners: { job: () => 7 } });
        driver.start();
        await registry.registerProcess({ id: "p", input: { type: "external" } });
        await registry.registerProcess({ id: "job", input: { type: "engine", kind: "job" } });
        const { lease } = await registry.claimProcessLease("p", registry.owner, 60_000);
        const claim = await registry.reclaimProcessLease("p", { ownerId: "other", incarnationId: "1" }, lease, 60_000);
        const { value } = await registry.awaitTerminal("job");
        await driver.stop();
        await registry.close();
        return [claim.outcome, value];
      }, t.name);
      assert.deepEqual(outcome, ["busy", 7]);
    });
});

describe("a page that is busy while its database is opened", () => {
  const tabs = tabsForSuite();
  const TIMES = Number(process.env.LONGWAIT_TIMES ?? 1);

  test(`opens it all the same, however long that is (${TIMES} of ${TIMES})`, async (t) => {
    const outcomes = [];
    for (let n = 0; n < TIMES; n++) {
      const tab = await tabs.blank(t);
      outcomes.push(
        await tab.run((name) => {
          const opening = globalThis.longwait.openRegistry({ name });
          const end = performance.now() + 6_500;
          while (performance.now() < end);
          return opening.then(
            async (registry) => (await registry.close(), "opened"),
            ({ code }) => code,
          );
        }, `busy ${n}`),
      );
      await tab.close();
    }
    console.log(`opened ${outcomes.filter((outcome) => outcome === "opened").length} of ${TIMES}`);
    assert.deepEqual(outcomes, Array(TIMES).fill("opened"));
  });
});
