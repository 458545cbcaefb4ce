/** A page that is put into the back-forward cache and taken out again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

const HOUR = 3_600_000;

describe("a page in the back-forward cache", () => {
  // Playwright switches the cache off.
  const tabs = tabsForSuite({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  const { opened } = tabs;

  /** Sends the page away while `meanwhile` runs, and brings it back: the same page, not another load of it. */
  async function awayAndBack({ page, run }, meanwhile, leaving = () => {}) {
    await run(() => {
      globalThis.mark = "same page";
      addEventListener("pageshow", ({ persisted }) => (globalThis.restored = persisted));
    });
    const left = page.waitForURL("**/elsewhere/");
    // In one turn, so that what begins there is under way when the page leaves.
    await run(`{ (${leaving})(); location.href = "elsewhere/"; }`);
    await left;
    await meanwhile();
    await page.goBack({ waitUntil: "commit" });
    await page.waitForFunction("globalThis.ready");
    const why = () => performance.getEntriesByType("navigation")[0]?.notRestoredReasons;
    assert.deepEqual(await run(() => [globalThis.mark, globalThis.restored]), ["same page", true], JSON.stringify(await run(why)));
  }

  test("is kept there although its registry is open, and its waits resolve with what they missed", async (t) => {
    const [one, other] = [await opened(t), await opened(t)];
    await one.run(page.register, "p");
    await one.run(page.register, "q");
    await one.run(() => {
      const { awaiter } = globalThis.registry;
      globalThis.ends = Promise.all([awaiter.awaitTerminal("p"), awaiter.awaitTerminal("q")]);
    });
    const end = (id) => other.run(page.call, ["completeProcess", id, { type: "success", value: id }]);
    await awayAndBack(one, () => end("p"));
    await end("q");
    const ends = await one.run(() => globalThis.ends);
    assert.deepEqual(
      ends.map(({ value }) => value),
      ["p", "q"],
    );
  });

  test("counts as dead meanwhile; back again it holds its lock, and has lost what was taken over", async (t) => {
    const [one, other] = [await opened(t), await opened(t)];
    await one.run(page.register, "p");
    await one.run(page.register, "q");
    const leases = [];
    for (const id of ["p", "q"]) leases.push((await one.run(page.call, ["claimProcessLease", id, one.owner, HOUR])).lease);
    const [taken, kept] = leases;
    await awayAndBack(one, async () => {
      await other.run(page.call, ["ownerGone", one.owner]);
      const claim = await other.run(page.call, ["reclaimProcessLease", "p", other.owner, taken, HOUR]);
      assert.deepEqual([claim.outcome, claim.lease?.fencingToken], ["acquired", 2]);
    });
    await one.page.waitForFunction(
      async (name) => (await navigator.locks.query()).held.some((lock) => lock.name === name),
      one.owner.liveness.lockName,
    );
    assert.deepEqual(await one.run(page.call, ["appendEvent", "p", { eventType: "note", lease: taken }]), { refused: "lease_lost" });
    assert.equal((await one.run(page.call, ["appendEvent", "q", { eventType: "note", lease: kept }])).event.sequence, 1);
    const claim = await other.run(page.call, ["reclaimProcessLease", "q", other.owner, kept, HOUR]);
    assert.equal(claim.outcome, "busy");
  });

  test("is kept there although it watches an owner, and hears of its end after it is back", async (t) => {
    const [one, other] = [await opened(t), await opened(t)];
    await one.run((owner) => (globalThis.gone = globalThis.registry.ownerGone(owner).then(() => "gone")) && undefined, other.owner);
    await awayAndBack(one, () => {});
    assert.equal(await one.run(() => Promise.race([globalThis.gone, navigator.locks.query().then(() => "alive")])), "alive");
    await other.close();
    assert.equal(await one.run(() => globalThis.gone), "gone");
  });

  test("is dropped from there when its worker holds a lock and somebody asks for it, and all who wait hear of that end", async (t) => {
    const [one, other, third] = [await opened(t), await opened(t), await opened(t)];
    await one.run(page.register, "p");
    const { owner } = await one.run(page.claimInWorker, [`${tabs.url}index.js`, t.name]);
    const gone = (tab) => tab.begin(page.call, ["ownerGone", owner, { timeoutMs: 20_000 }]);
    const early = await gone(other);
    const left = one.page.waitForURL("**/elsewhere/");
    await one.run(() => void (location.href = "elsewhere/"));
    await left;
    const late = await gone(third);
    assert.deepEqual([await early(), await late()], [undefined, undefined]);
  });

  test("hands its work over meanwhile; back again its runs are told that they have lost it, and it goes on driving", async (t) => {
    const [one, other] = [await opened(t), await opened(t)];
    await one.run(page.drive, "one");
    await one.run(page.start, ["p", "job"]);
    await one.run(page.start, ["q", "job"]);
    for (const id of ["p", "q"]) await one.run(page.logged, [id, "process.waiting"]);
    await awayAndBack(one, async () => {
      await other.run(page.drive, "other");
      await other.run(() => globalThis.driver.signal("p", "go", 1));
      const { value } = await other.run(page.end, "p");
      assert.deepEqual(value, { first: "one", payload: 1, second: "other", attempt: 2 });
      await other.run(page.stopDriver);
    });
    // The other one has taken q as well, and handed it back.
    await other.run(() => globalThis.driver.signal("q", "go", 2));
    const { value } = await one.run(page.end, "q");
    assert.deepEqual(value, { first: "one", payload: 2, second: "one", attempt: 3 });
    assert.deepEqual(await one.run(page.faults), []);
  });

  test("has appended once whatever was under way when it left", async (t) => {
    const one = await opened(t);
    await one.run(page.register, "p");
    await awayAndBack(
      one,
      () => {},
      () => {
        const append = (n) => globalThis.registry.appendEvent("p", { eventType: "note", payload: n });
        const ten = (from) => Array.from({ length: 10 }, (_, n) => append(from + n));
        const before = ten(0);
        addEventListener("pagehide", () => (globalThis.appended = Promise.all([...before, ...ten(10)])), { once: true });
      },
    );
    const appended = await one.run(() => globalThis.appended);
    const log = await one.run(page.call, ["eventsAfter", "p", 0]);
    assert.deepEqual(
      log.map(({ sequence }) => sequence),
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
    assert.deepEqual(
      appended.map(({ event }) => event.sequence).sort((a, b) => a - b),
      log.map(({ sequence }) => sequence),
    );
    assert.equal(new Set(log.map(({ payload }) => payload)).size, 20);
  });
});
