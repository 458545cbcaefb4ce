/** What two tabs of one profile promise each other, in any engine. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { opensOldDatabases } from "./old-databases.mjs";
import * as page from "./page.mjs";
import { site } from "./site.mjs";
import { readsStreams } from "./streams.mjs";
import { inWorkers } from "./workers.mjs";

/**
 * `launch()` resolves with a browser: `openTab(url)` and `close()`. A tab has `run(work, argument)`, which runs a function in
 * it and resolves with what it answers, `begin(work, argument)`, which resolves as soon as that runs with a function that
 * waits for the answer, and `close()`.
 */
export function twoTabs(name, launch) {
  describe(`two tabs in ${name}`, () => {
    let served, browser;
    before(async () => {
      served = await site();
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await served?.close();
    });

    opensOldDatabases(async (t) => {
      const tab = await browser.openTab(served.url);
      t.after(() => tab.close());
      return tab;
    });

    /** Two tabs over one new database. */
    async function two(t) {
      const tabs = [];
      for (let n = 0; n < 2; n++) {
        const tab = await browser.openTab(served.url);
        t.after(async () => {
          if (tab.isOpen()) assert.deepEqual(await tab.run(page.faults), []);
          await tab.close();
        });
        tabs.push(Object.assign(tab, await tab.run(page.open, { name: t.name })));
      }
      return tabs;
    }

    readsStreams(two);

    test("append to one process at the same time: the log is dense, and nothing is lost", async (t) => {
      const [one, other] = await two(t);
      await one.run(page.register, "p");
      const [mine, theirs] = [await one.begin(page.appends, ["p", "one", 40]), await other.begin(page.appends, ["p", "other", 40])];
      const acknowledged = [...(await mine()), ...(await theirs())];
      const log = await one.run(page.call, ["eventsAfter", "p", 0]);
      assert.deepEqual(
        log.map(({ sequence }) => sequence),
        Array.from({ length: 80 }, (_, n) => n + 1),
      );
      assert.deepEqual(
        acknowledged.sort((a, b) => a - b),
        log.map(({ sequence }) => sequence),
      );
      assert.equal(new Set(log.map(({ payload }) => payload)).size, 80);
    });

    test("resolve each other's waits", async (t) => {
      const [one, other] = await two(t);
      await one.run(page.register, "p");
      const ended = await other.begin(page.end, "p");
      await one.run(page.call, ["completeProcess", "p", { type: "success", value: 7 }]);
      assert.deepEqual(await ended(), { type: "success", value: 7 });
    });

    test("hear of each other's changes, and follow a log that the other one writes without a gap", async (t) => {
      const [one, other] = await two(t);
      await one.run(page.register, "p");
      await other.run(() => {
        globalThis.heard = [];
        globalThis.registry.onChange((id) => globalThis.heard.push(id));
        globalThis.followed = (async () => {
          const events = [];
          for await (const event of globalThis.registry.events("p", { untilTerminal: true })) events.push(event.sequence);
          return events;
        })();
      });
      await one.run(page.appends, ["p", "one", 20]);
      await one.run(page.call, ["completeProcess", "p", { type: "success", value: null }]);
      assert.deepEqual(
        await other.run(() => globalThis.followed),
        Array.from({ length: 21 }, (_, n) => n + 1),
      );
      assert.deepEqual([...new Set(await other.run(() => globalThis.heard))], ["p"]);
    });

    test("read a file that is attached in the other, byte for byte, and still once their registry is closed", async (t) => {
      const [one, other] = await two(t);
      const attached = await one.run(async () => {
        const bytes = new Uint8Array(3_000_000).map((_, n) => (n * n + (n >> 8)) % 251);
        const attachments = { file: new File([bytes], "a.bin", { type: "application/x-a", lastModified: 86_400_000 }) };
        const { attachments: infos } = await globalThis.registry.registerProcess({ id: "p", input: { type: "external" }, attachments });
        return infos.map(({ name, size, type, fileName, lastModifiedMs }) => [name, size, type, fileName, lastModifiedMs]);
      });
      assert.deepEqual(attached, [["file", 3_000_000, "application/x-a", "a.bin", 86_400_000]]);
      await one.close();
      const read = await other.run(async (name) => {
        const file = await globalThis.registry.getAttachment("p", "file");
        const isRight = async (blob) => {
          const bytes = new Uint8Array(await blob.arrayBuffer());
          return bytes.length === 3_000_000 && bytes.every((byte, n) => byte === (n * n + (n >> 8)) % 251);
        };
        const before = await isRight(file);
        await globalThis.registry.close();
        globalThis.registry = await globalThis.longwait.openRegistry({ name });
        const again = await globalThis.registry.getAttachment("p", "file");
        return [file instanceof File, file.name, file.type, file.lastModified, before, await isRight(file), await isRight(again)];
      }, t.name);
      assert.deepEqual(read, [true, "a.bin", "application/x-a", 86_400_000, true, true, true]);
    });

    test("let a session in one of them await what was granted to it in the other, and nothing else", async (t) => {
      const [one, other] = await two(t);
      for (const id of ["granted", "hidden"]) await one.run(page.register, id);
      await one.run(page.call, ["grantHandle", { sessionId: "s" }, "granted"]);
      const seen = await other.begin(async () => {
        const session = globalThis.registry.session({ sessionId: "s" });
        const hidden = await session.awaitTerminal("hidden").catch(({ code }) => code);
        await session.signal("granted", "go", 1);
        return [hidden, (await session.awaitTerminal("granted")).value];
      });
      const signal = await one.run(() => globalThis.registry.awaiter.awaitEvent("granted", "signal.go"));
      await one.run(page.call, ["completeProcess", "granted", { type: "success", value: signal.payload }]);
      assert.deepEqual(await seen(), ["unknown_process", 1]);
    });

    test("are each an owner of its own, that is proven alive by a Web Lock", async (t) => {
      const [one, other] = await two(t);
      assert.notEqual(one.owner.incarnationId, other.owner.incarnationId);
      if (!(await one.run(() => "locks" in navigator))) return t.skip("this engine has no Web Locks: owners are opaque");
      for (const { owner } of [one, other])
        assert.deepEqual(owner.liveness, { kind: "web_lock", lockName: `longwait:${t.name}:owner:${owner.incarnationId}` });
    });

    test("take over from each other at once when one is closed, and not before", async (t) => {
      const [one, other] = await two(t);
      if (!(await one.run(() => "locks" in navigator))) return t.skip("this engine has no Web Locks: a lease ends by its time alone");
      await one.run(page.register, "p");
      const { lease } = await one.run(page.call, ["claimProcessLease", "p", one.owner, 3_600_000]);
      const reclaim = () => other.run(page.call, ["reclaimProcessLease", "p", other.owner, lease, 60_000]);
      assert.deepEqual(await reclaim(), { outcome: "busy", holder: lease });
      const gone = await other.begin(page.call, ["ownerGone", lease.owner]);
      assert.deepEqual(await other.run(page.call, ["ownerGone", lease.owner, { timeoutMs: 0 }]), { refused: "timeout" });
      await one.close();
      await gone();
      // What has happened already is found whatever the limit.
      assert.equal((await other.run(page.call, ["ownerGone", lease.owner, { timeoutMs: 0 }])) ?? null, null);
      const taken = await reclaim();
      assert.deepEqual([taken.outcome, taken.lease?.fencingToken], ["acquired", lease.fencingToken + 1]);
      const late = await other.run(page.call, ["appendEvent", "p", { eventType: "note", lease }]);
      assert.deepEqual(late, { refused: "lease_lost" });
    });

    test("share the work: each process is run once, wherever it was registered", async (t) => {
      const tabs = await two(t);
      for (const [n, tab] of tabs.entries()) await tab.run(page.drive, `tab ${n}`);
      const ids = Array.from({ length: 20 }, (_, n) => `p${n}`);
      for (const [n, id] of ids.entries()) await tabs[n % 2].run(page.start, [id, "quick"]);
      for (const id of ids) {
        const { value } = await tabs[0].run(page.end, id);
        assert.match(value, /^tab [01]$/);
        const log = await tabs[0].run(page.call, ["eventsAfter", id, 0]);
        assert.deepEqual(
          log.map(({ eventType }) => eventType),
          ["process.completed"],
        );
      }
    });

    test("work together where one of them drives nothing: the other one runs what that registers, signals and awaits", async (t) => {
      const [driving, other] = await two(t);
      await driving.run(page.drive, "the other");
      await other.run(page.start, ["p", "job"]);
      await other.run(page.logged, ["p", "process.waiting"]);
      await other.run(page.call, ["appendEvent", "p", { eventType: "signal.go", payload: 7 }]);
      const value = { first: "the other", payload: 7, second: "the other", attempt: 1 };
      assert.deepEqual(await other.run(page.end, "p"), { type: "success", value });
    });

    test("go on with what the other one began, when that is closed, and repeat no finished step", async (t) => {
      const [one, other] = await two(t);
      await one.run(page.drive, "one");
      await one.run(page.start, ["p", "job"]);
      await one.run(page.logged, ["p", "process.waiting"]);
      if (!(await one.run(() => "locks" in navigator))) return t.skip("this engine has no Web Locks: a lease ends by its time alone");
      await other.run(page.drive, "other");
      await one.close();
      await other.run(() => globalThis.driver.signal("p", "go", 7));
      const value = { first: "one", payload: 7, second: "other", attempt: 2 };
      assert.deepEqual(await other.run(page.end, "p"), { type: "success", value });
      const log = await other.run(page.call, ["eventsAfter", "p", 0]);
      assert.deepEqual(log.map(({ eventType }) => eventType).filter((type) => type === "process.step").length, 2);
    });

    test("sleep until one time, whichever of them is there for it, and try again what fails", async (t) => {
      const [one, other] = await two(t);
      if (!(await one.run(() => "locks" in navigator))) return t.skip("this engine has no Web Locks: a lease ends by its time alone");
      await one.run(page.drive, "one");
      await one.run(page.start, ["p", "sleeper"]);
      await one.run(page.logged, ["p", "process.timer"]);
      await other.run(page.drive, "other");
      const [timer] = await other.run(page.call, ["eventsAfter", "p", 0, { types: ["process.timer"] }]);
      await one.close();
      const { value } = await other.run(page.end, "p");
      assert.deepEqual({ ...value, now: 0 }, { now: 0, tries: [2, "p/wake"], attempt: 2, who: "other" });
      assert.ok(value.now >= timer.payload.dueAtMs, `woke at ${value.now}, before ${timer.payload.dueAtMs}`);
      const log = await other.run(page.call, ["eventsAfter", "p", 0]);
      assert.deepEqual(
        log.map(({ eventType }) => eventType),
        ["process.timer", "process.resumed", "process.step_failed", "process.step", "process.completed"],
      );
    });

    test("hand over to each other when a driver is stopped, and cancel what the other one runs", async (t) => {
      const [one, other] = await two(t);
      await one.run(page.drive, "one");
      await one.run(page.start, ["p", "job"]);
      await one.run(page.start, ["q", "patient"]);
      await one.run(page.logged, ["p", "process.waiting"]);
      await other.run(page.drive, "other");
      await other.run(page.call, ["requestCancel", "q", "enough"]);
      assert.deepEqual(await other.run(page.end, "q"), { type: "cancelled", message: "enough" });
      await one.run(page.stopDriver);
      await one.run(() => globalThis.driver.signal("p", "go", null));
      const { value } = await one.run(page.end, "p");
      assert.deepEqual(value, { first: "one", payload: null, second: "other", attempt: 2 });
    });

    test("go on as before when the clock is set back an hour under them and no hint arrives any more", async (t) => {
      const [one, other] = await two(t);
      await one.run(page.drive, "one");
      await other.run(page.start, ["p", "job"]);
      await other.run(page.logged, ["p", "process.waiting"]);
      for (const tab of [one, other]) await tab.run(page.setBack, 3_600_000);
      await other.run(page.start, ["q", "quick"]);
      assert.deepEqual(await one.run(page.end, "q"), { type: "success", value: "one" });
      await other.run(page.call, ["appendEvent", "p", { eventType: "signal.go", payload: 7 }]);
      assert.deepEqual(await other.run(page.end, "p"), { type: "success", value: { first: "one", payload: 7, second: "one", attempt: 1 } });
    });

    test("come to the same where waits race and one of them hands over in the middle, and lose no signal", async (t) => {
      const [one, other] = await two(t);
      await one.run(page.drive, "one");
      await one.run(page.start, ["p", "racer"]);
      const signals = (sent) =>
        one.run(async (sent) => {
          for (const [name, payload] of sent) await globalThis.registry.signal("p", name, payload);
        }, sent);
      await signals([
        ["b", "b1"],
        ["a", "a1"],
      ]);
      const seen = async (races) => {
        const steps = () => other.run(page.call, ["eventsAfter", "p", 0, { types: ["process.step"] }]);
        for (let after = 0; (await steps()).length < races; after = (await steps()).at(-1)?.sequence ?? 0)
          await other.run(([after]) => globalThis.registry.awaitEvent("p", "process.step", after).then(() => {}), [after]);
        return (await steps()).map(({ payload }) => payload.value);
      };
      const before = await seen(2);
      await one.run(page.stopDriver);
      await signals([
        ["a", "a2"],
        ["b", "b2"],
      ]);
      await other.run(page.drive, "other");
      const { value } = await other.run(page.end, "p");
      assert.deepEqual(value.slice(0, 2), before);
      assert.deepEqual([...value].sort(), ["a1", "a2", "b1", "b2"]);
    });

    inWorkers(two);
  });
}
