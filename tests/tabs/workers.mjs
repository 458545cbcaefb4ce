/** What drivers in workers promise the tabs that wait for them, in any engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as page from "./page.mjs";

const kinds = ["Worker", "SharedWorker"];
const success = (value) => ({ type: "success", value });

/** `two(t)` are two tabs over a database named as the test is. */
export function inWorkers(two) {
  /** Two tabs, or nothing where their engine lacks one of these. */
  async function having(t, ...needed) {
    const tabs = await two(t);
    const lacking = await tabs[0].run((names) => names.filter((name) => !(name in globalThis) && !(name in navigator)), needed);
    if (lacking.length === 0) return tabs;
    t.skip(`this engine has no ${lacking.join(", ")}`);
  }

  const drives = (tab, t, kind) => tab.run(page.driveIn, [kind, "jobs.js", { name: t.name }]);

  /** Registers a process that does not end, and waits until it runs. */
  async function held(tab, id) {
    await tab.run(page.work, [id, "hold"]);
    await tab.run(page.began, [id, 0]);
  }

  for (const kind of kinds) {
    test(`a ${kind} drives what a page registers`, async (t) => {
      const tabs = await having(t, kind);
      if (!tabs) return;
      const [one, other] = tabs;
      const owner = await drives(one, t, kind);
      assert.notEqual(owner.incarnationId, one.owner.incarnationId);
      await other.run(page.work, ["p", "double", 21]);
      assert.deepEqual(await other.run(page.end, "p"), success(42));
    });

    test(`a ${kind} puts out what pages read`, async (t) => {
      const tabs = await having(t, kind);
      if (!tabs) return;
      const reading = await tabs[1].begin(async () => {
        await globalThis.registry.registerProcess({ id: "p", input: { type: "engine", kind: "count", payload: 500 } });
        const numbers = [];
        for await (const { value } of globalThis.registry.readStream("p", "numbers")) numbers.push(value);
        return numbers;
      });
      await drives(tabs[0], t, kind);
      assert.deepEqual(
        await reading(),
        Array.from({ length: 500 }, (_, n) => n),
      );
    });

    test(`a ${kind} that is stopped hands back what it runs, and drives no more until it is asked again`, async (t) => {
      const tabs = await having(t, kind);
      if (!tabs) return;
      const [one, other] = tabs;
      const owner = await drives(one, t, kind);
      await held(one, "p");
      await one.run(page.stop);
      await other.run(() => {
        const runner = () => "driven by the page";
        globalThis.driver = globalThis.registry.driver({ runners: { double: runner, hold: runner } });
        globalThis.driver.start();
      });
      await other.run(page.work, ["q", "double", 1]);
      for (const id of ["p", "q"]) assert.deepEqual(await other.run(page.end, id), success("driven by the page"));
      await other.run(() => globalThis.driver.stop());
      assert.deepEqual(await one.run(page.driveAgain), owner);
      await one.run(page.work, ["r", "double", 1]);
      assert.deepEqual(await other.run(page.end, "r"), success(2));
    });

    test(`a ${kind} that cannot drive says why, and nothing hangs`, async (t) => {
      const tabs = await having(t, kind);
      if (!tabs) return;
      const refused = (file, open = {}) => tabs[0].run(page.driveIn, [kind, file, { name: t.name, ...open }]);
      const codes = [
        await refused("jobs.js", { durability: "none" }),
        await refused("jobs.js", { storage: "memory" }),
        await refused("jobs.js", { wasm: "/missing.wasm" }),
        await refused("missing.js"),
      ];
      assert.deepEqual(
        codes.map(({ refused }) => refused),
        ["invalid_argument", "storage_unavailable", "internal", "internal"],
      );
      assert.match(codes[0].why, /options\.durability/);
      assert.match(codes[2].why, /missing\.wasm/);
    });
  }

  test("a Worker whose module throws says so", async (t) => {
    const [one] = await two(t);
    const { refused, why } = await one.run(page.driveIn, ["Worker", "throws.js", {}]);
    assert.equal(refused, "internal");
    assert.match(why, /on purpose/);
    // It is nobody's mistake but the worker's, and the page hears of that as of any.
    assert.match((await one.run(page.faults)).join(), /on purpose/);
  });

  test("a SharedWorker is one driver for two pages, and outlives the one that made it", async (t) => {
    const tabs = await having(t, "SharedWorker");
    if (!tabs) return;
    const [one, other] = tabs;
    const owner = await drives(one, t, "SharedWorker");
    assert.deepEqual(await drives(other, t, "SharedWorker"), owner);
    await held(one, "p");
    await one.close();
    await other.run(page.work, ["q", "double", 2]);
    assert.deepEqual(await other.run(page.end, "q"), success(4));
    assert.equal((await other.run(page.call, ["eventsAfter", "p", 0])).length, 1);
  });

  const ends = {
    "that is terminated": (tab) => tab.run(() => globalThis.worker.terminate()),
    "whose tab is closed": (tab) => tab.close(),
  };
  for (const [what, die] of Object.entries(ends))
    test(`of a Worker ${what} another one takes over at once`, async (t) => {
      const tabs = await having(t, "locks");
      if (!tabs) return;
      const [one, other] = tabs;
      const owner = await drives(one, t, "Worker");
      await held(one, "p");
      await drives(other, t, "Worker");
      const gone = await other.begin(page.call, ["ownerGone", owner]);
      await die(one);
      await gone();
      assert.deepEqual((await other.run(page.began, ["p", 1])).payload, 2);
    });

  test("to stop a Worker that is gone is fine", async (t) => {
    const tabs = await having(t, "locks");
    if (!tabs) return;
    const [one] = tabs;
    await drives(one, t, "Worker");
    await one.run(() => globalThis.worker.terminate());
    await one.run(page.stop);
  });

  test("what is no worker is refused on both sides", async (t) => {
    const [one] = await two(t);
    const codes = await one.run(async () => {
      const { drive, driveIn } = globalThis.longwaitInWorkers;
      const calls = [driveIn(), driveIn(window), driveIn({}), driveIn(new MessageChannel().port1), drive({ runners: {} })];
      return (await Promise.allSettled(calls)).map(({ reason }) => reason?.code);
    });
    assert.deepEqual(
      codes,
      Array.from({ length: 5 }, () => "invalid_argument"),
    );
  });
}
