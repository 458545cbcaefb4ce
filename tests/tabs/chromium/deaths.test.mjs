/** Tabs and workers that die without a word: others are told, one of them takes over, and the dead can write no more. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chromiumFlags } from "../../../scripts/setup/browsers.mjs";
import * as page from "../page.mjs";
import { launch, tab, tabsForSuite } from "../playwright.mjs";
import { site } from "../site.mjs";

const HOUR = 3_600_000;

describe("when the holder of a lease dies", () => {
  const tabs = tabsForSuite();
  const { opened } = tabs;

  /** Waits for its death elsewhere, takes over there, and finds that the dead one's lease writes nothing. */
  async function takesOver(heir, lease, die) {
    const gone = await heir.begin(page.call, ["ownerGone", lease.owner]);
    await die();
    assert.equal(await gone(), undefined);
    const taken = await heir.run(page.call, ["reclaimProcessLease", "p", heir.owner, lease, HOUR]);
    assert.deepEqual([taken.outcome, taken.lease?.fencingToken], ["acquired", lease.fencingToken + 1]);
    const refused = { refused: "lease_lost" };
    assert.deepEqual(await heir.run(page.call, ["appendEvent", "p", { eventType: "note", lease }]), refused);
    assert.deepEqual(await heir.run(page.call, ["renewProcessLease", lease, HOUR]), refused);
    assert.deepEqual(await heir.run(page.call, ["completeProcessWithLease", lease, { type: "success", value: 1 }]), refused);
    assert.deepEqual(await heir.run(page.call, ["eventsAfter", "p", 0]), []);
  }

  test("a crash of its tab is noticed, and another tab takes over", async (t) => {
    const [holder, heir] = [await opened(t), await opened(t)];
    await holder.run(page.register, "p");
    const { lease } = await holder.run(page.call, ["claimProcessLease", "p", holder.owner, HOUR]);
    await takesOver(heir, lease, async () => {
      const protocol = await tabs.browser.context.newCDPSession(holder.page);
      const crashed = holder.page.waitForEvent("crash");
      // It has nobody left to answer.
      protocol.send("Page.crash").catch(() => {});
      await crashed;
    });
  });

  test("so is the end of its worker", async (t) => {
    const heir = await opened(t);
    await heir.run(page.register, "p");
    const lease = await heir.run(page.claimInWorker, [`${tabs.url}index.js`, t.name]);
    assert.equal(lease.owner.liveness.kind, "web_lock");
    await takesOver(heir, lease, () => heir.run(() => globalThis.worker.terminate()));
  });

  test("of four tabs that all want the lease exactly one gets it, each time, and its fence rises", async (t) => {
    const holder = await opened(t);
    const heirs = await Promise.all([0, 1, 2, 3].map(() => opened(t)));
    await holder.run(page.register, "p");
    let { lease } = await holder.run(page.call, ["claimProcessLease", "p", holder.owner, HOUR]);
    for (let round = 0; round < 20; round++) {
      const races = await Promise.all(
        heirs.map((heir) =>
          heir.begin(async (observed) => {
            await globalThis.registry.ownerGone(observed.owner);
            return globalThis.registry.reclaimProcessLease("p", globalThis.registry.owner, observed, 3_600_000);
          }, lease),
        ),
      );
      // A registry that is closed has died to the others, and its lease is still there.
      const next = holder.run(
        async ([name, last]) => {
          await globalThis.registry.close();
          globalThis.registry = await globalThis.longwait.openRegistry({ name });
          return last;
        },
        [t.name, round],
      );
      const claims = await Promise.all(races.map((race) => race()));
      await next;
      const winners = claims.filter(({ outcome }) => outcome === "acquired");
      assert.equal(winners.length, 1, `round ${round}`);
      const [{ lease: won }] = winners;
      assert.equal(won.fencingToken, lease.fencingToken + 1);
      for (const claim of claims) if (claim.outcome === "busy") assert.deepEqual(claim.holder, won);
      await holder.run(page.call, ["completeProcessLease", won]);
      const owner = await holder.run(() => globalThis.registry.owner);
      lease = (await holder.run(page.call, ["claimProcessLease", "p", owner, HOUR])).lease;
      assert.equal(lease.fencingToken, won.fencingToken + 1);
    }
  });

  test("a duplicate of its tab, which has the same session storage, is another owner", async (t) => {
    const one = await opened(t);
    await one.run(() => sessionStorage.setItem("mark", "mine"));
    const opening = one.page.waitForEvent("popup");
    await one.run(() => void window.open(location.href));
    const popup = await opening;
    t.after(() => popup.close());
    await popup.waitForFunction("globalThis.ready");
    const copy = tab(popup);
    const { owner } = await copy.run(page.open, { name: t.name, owner: { ownerId: one.owner.ownerId } });
    assert.equal(await copy.run(() => sessionStorage.getItem("mark")), "mine");
    assert.equal(owner.ownerId, one.owner.ownerId);
    assert.notEqual(owner.incarnationId, one.owner.incarnationId);
    assert.notEqual(owner.liveness.lockName, one.owner.liveness.lockName);
  });

  test("a watch that is aborted or takes too long leaves the queue, and closing ends the others", async (t) => {
    const [holder, heir] = [await opened(t), await opened(t)];
    const outcomes = await heir.run(async (owner) => {
      const pending = async () => (await navigator.locks.query()).pending.filter(({ name }) => name === owner.liveness.lockName).length;
      const { registry } = globalThis;
      const abort = new AbortController();
      const aborted = registry.ownerGone(owner, { signal: abort.signal }).catch((reason) => reason);
      const late = registry.ownerGone(owner, { timeoutMs: 1 }).catch(({ code }) => code);
      const closed = registry.ownerGone(owner).catch(({ code }) => code);
      abort.abort("enough");
      const seen = [await aborted, await late, await pending()];
      await registry.close();
      return [...seen, await closed, await pending()];
    }, holder.owner);
    assert.deepEqual(outcomes, ["enough", "timeout", 1, "closed", 0]);
  });
});

test("on an insecure origin, which has no Web Locks, an owner is opaque and only its lease's end frees it", async (t) => {
  const served = await site();
  const browser = await launch({ args: [...chromiumFlags, "--host-resolver-rules=MAP insecure.test 127.0.0.1"] });
  t.after(async () => {
    await browser.close();
    await served.close();
  });
  const url = served.url.replace("localhost", "insecure.test");
  const [one, other] = [await browser.openTab(url), await browser.openTab(url)];
  assert.deepEqual(await one.run(() => [isSecureContext, "locks" in navigator]), [false, false]);
  for (const tab of [one, other]) Object.assign(tab, await tab.run(page.open, { name: "insecure" }));
  assert.deepEqual(one.owner.liveness, { kind: "opaque" });
  await one.run(page.register, "p");
  const { lease } = await one.run(page.call, ["claimProcessLease", "p", one.owner, 1_500]);
  assert.deepEqual(await other.run(page.call, ["ownerGone", one.owner]), { refused: "invalid_argument" });
  await one.close();
  assert.equal((await other.run(page.call, ["reclaimProcessLease", "p", other.owner, lease, HOUR])).outcome, "busy");
  const freed = await other.run(
    async ([lease, owner]) => {
      for (;;) {
        const { outcome, lease: taken } = await globalThis.registry.reclaimProcessLease("p", owner, lease, 60_000);
        if (outcome === "acquired") return [Date.now() >= lease.expiresAtMs, taken.fencingToken];
        await globalThis.registry.awaiter.awaitEvent("p", "note", 0, { timeoutMs: 100 }).catch(() => {});
      }
    },
    [lease, other.owner],
  );
  assert.deepEqual(freed, [true, lease.fencingToken + 1]);
});
