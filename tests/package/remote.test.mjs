/** Registries on a store over a network, as a small one of the tests' own: what crosses the seam, and what races and lost answers come to. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openRegistry, eventTypes, external, quietConsole, settled, success } from "./registry.mjs";
import { fault, raced, remoteStore, unsettled } from "./remote-store.mjs";
import { small, useUp } from "./small-memory.mjs";

async function opened(t, storage, options) {
  const registry = await openRegistry({ storage, ...options });
  t.after(() => registry.close());
  return registry;
}

const progress = (payload) => ({ eventType: "progress", payload });
const payloads = async (registry) => (await registry.eventsAfter("p", 0)).map(({ payload }) => payload);

describe("a registry on a remote store", () => {
  test("says so, and is an owner without a lock that would prove its death", async (t) => {
    const registry = await opened(t, await remoteStore(t), { name: "shared", owner: { ownerId: "me" } });
    assert.equal(registry.durability, "remote");
    assert.equal(registry.name, "shared");
    assert.equal(registry.owner.ownerId, "me");
    assert.deepEqual(registry.owner.liveness, { kind: "opaque" });
    assert.equal(await registry.requestPersistence(), "remote");
  });

  test("is called as the store is, unless it is given a name", async (t) => {
    const store = await remoteStore(t);
    assert.equal((await opened(t, store)).name, "rows of a test");
    assert.equal((await opened(t, store, { name: "mine" })).name, "mine");
  });

  test("stamps rows with the time of the store", async (t) => {
    const store = await remoteStore(t);
    const registry = await opened(t, store);
    store.nowMs = 5_000;
    const { createdAtMs } = await registry.registerProcess(external("p", { eventTypes }));
    store.nowMs = 6_000;
    const { event } = await registry.appendEvent("p", progress(1));
    assert.deepEqual([createdAtMs, event.occurredAtMs], [5_000, 6_000]);
  });

  test("hears of what others commit, so that a wait ends", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    await one.registerProcess(external("p", { eventTypes }));
    const woken = new Promise((tell) => other.onWake(tell));
    const waiting = other.awaitTerminal("p");
    await other.getProcess("p");
    await one.completeProcess("p", success(7));
    assert.deepEqual(await waiting, success(7));
    assert.equal((await woken).by, "hint");
  });

  test("needs no more than was heard where a wait is notified, and asks for all where it is not", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    const [, engine] = store.engines;
    await one.registerProcess(external("p", { eventTypes }));
    const modesOfWait = async (after) => {
      const waiting = other.awaitEvent("p", "progress", after);
      await other.getProcess("p");
      engine.modes = [];
      await one.appendEvent("p", progress(1));
      await waiting;
      return engine.modes;
    };
    assert.deepEqual(await modesOfWait(0), ["heard"]);
    engine.hear = () => {};
    assert.deepEqual([...new Set(await modesOfWait(1))], ["readonly"]);
  });

  test("begins what its list found by what was heard, as the claim finds the rest", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    const [, engine] = store.engines;
    await one.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
    const driver = other.driver({ runners: { job: () => new Promise(() => {}) } });
    t.after(() => driver.stop());
    const { started } = await driver.claimAndRunPending();
    assert.deepEqual(started, ["p"]);
    const [heard, claim] = engine.modes.filter((mode) => mode !== "readonly");
    assert.deepEqual([heard, claim], ["heard", "readwrite"]);
  });

  test("feeds changes, whatever the gaps of their numbers", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    for (const id of ["a", "b", "p"]) await one.registerProcess(external(id, { eventTypes }));
    const { cursor, records } = await other.changedSince();
    assert.deepEqual(
      records.map(({ id }) => id),
      ["a", "b", "p"],
    );
    await one.appendEvent("a", progress(1));
    const changed = await other.changedSince(cursor);
    assert.deepEqual([changed.records.map(({ id }) => id), changed.reset], [["a"], undefined]);
    assert.equal(await other.countProcesses(), 3);
  });

  test("answers each call of a turn, also where the first one has nothing to read", async (t) => {
    const registry = await opened(t, await remoteStore(t));
    await registry.registerProcess(external("p", { eventTypes }));
    const answers = await Promise.all([registry.appendEvents("p", []), registry.appendEvent("p", progress(1)), registry.getProcess("p")]);
    assert.deepEqual(answers[0], []);
    assert.equal(answers[1].event.sequence, 1);
  });

  test("reads what was written before in one turn, also where each write needs a transaction of its own", async (t) => {
    const registry = await opened(t, await remoteStore(t));
    await registry.registerProcesses(["p", "q"].map((id) => external(id, { eventTypes })));
    const [, , read] = await Promise.all([
      // The end of a process depends on ranges of rows, which no other write may change.
      registry.completeProcess("q", success(1)),
      registry.appendEvent("p", progress(1)),
      registry.eventsAfter("p", 0),
    ]);
    assert.equal(read.length, 1);
  });

  test("runs what lost a race again, on what the other commit left", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    await one.registerProcess(external("p", { eventTypes }));
    const rival = (payload) => raced(() => other.appendEvent("p", progress(payload)).then(() => undefined));
    // The rival's own commits take no course: they run while this one is under way.
    store.courses.push(rival("rival"));
    const { event } = await one.appendEvent("p", progress("mine"));
    assert.equal(event.sequence, 2);
    assert.deepEqual(await payloads(one), ["rival", "mine"]);
  });

  test("refuses by what the other commit left", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    await one.registerProcess(external("p", { eventTypes }));
    store.courses.push(raced(() => other.completeProcess("p", success(1))));
    await assert.rejects(one.completeProcess("p", success(2)), { code: "replay_conflict" });
    assert.deepEqual(await one.awaitTerminal("p"), success(1));
  });

  test("keeps appends in the order of their calls, where the first loses a race", async (t) => {
    const store = await remoteStore(t);
    const registry = await opened(t, store);
    await registry.registerProcess(external("p", { eventTypes }));
    let second;
    store.courses.push(raced(() => void (second = registry.appendEvent("p", progress(2)))));
    await registry.appendEvent("p", progress(1));
    await second;
    assert.deepEqual(await payloads(registry), [1, 2]);
  });

  for (const isCommitted of [true, false]) {
    test(`rejects with disconnected where an answer never comes, and tries nothing again, ${isCommitted ? "" : "not "}committed`, async (t) => {
      const store = await remoteStore(t);
      const registry = await opened(t, store);
      await registry.registerProcess(external("p", { eventTypes }));
      const cause = new Error("the wire was cut");
      store.courses.push(unsettled(isCommitted, cause));
      await assert.rejects(registry.appendEvent("p", progress(1)), (error) => {
        assert.equal(error.code, "disconnected");
        assert.match(error.message, /^the connection is gone/);
        assert.equal(error.cause, cause);
        return true;
      });
      assert.deepEqual(await payloads(registry), isCommitted ? [1] : []);
    });
  }

  test("passes on what is sent to readers of a stream", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    const run = async ({ stream }) => {
      const words = await stream("words");
      await words.append("hello");
      await words.close();
    };
    const driver = one.driver({ runners: { talk: run } });
    t.after(() => driver.stop());
    await one.registerProcess({ id: "p", input: { type: "engine", kind: "talk" } });
    const read = (async () => {
      const values = [];
      for await (const { value } of other.readStream("p", "words")) values.push(value);
      return values;
    })();
    driver.start();
    assert.deepEqual(await read, ["hello"]);
  });

  test("refuses leases that a failover would outlast, with the path, and takes those of the least length", async (t) => {
    const store = await remoteStore(t);
    store.minLeaseMs = 30_000;
    const registry = await opened(t, store);
    await registry.registerProcess(external("p", { eventTypes }));
    const owner = { ownerId: "o", incarnationId: "i" };
    const short = (path) => ({ code: "invalid_argument", message: new RegExp(`^${path}: must be at least 30000`) });
    await assert.rejects(registry.claimProcessLease("p", owner, 29_999), short("ttlMs"));
    const claim = await registry.claimProcessLease("p", owner, 30_000);
    await assert.rejects(registry.renewProcessLease(claim.lease, 29_999), short("ttlMs"));
    await assert.rejects(registry.reclaimProcessLease("p", owner, claim.lease, 29_999), short("ttlMs"));
    assert.throws(() => registry.driver({ runners: {}, leaseTtlMs: 29_999, renewEveryMs: 1_000 }), short("options.leaseTtlMs"));
    registry.driver({ runners: {} });
  });

  test("is not opened with what is for IndexedDB", async (t) => {
    const storage = await remoteStore(t);
    const refused = (name) => ({ code: "invalid_argument", message: new RegExp(`^options.${name}: is for IndexedDB`) });
    await assert.rejects(openRegistry({ storage, fallback: "memory" }), refused("fallback"));
    await assert.rejects(openRegistry({ storage, durability: "strict" }), refused("durability"));
  });

  test("is not opened where the store cannot be reached, and says why", async (t) => {
    const storage = await remoteStore(t);
    const cause = new Error("refused");
    storage.away = fault("unopened", "disconnected", "no server answers", cause);
    await assert.rejects(openRegistry({ storage }), (error) => error.code === "disconnected" && error.cause === cause);
  });

  test("lets go of the store when it is closed", async (t) => {
    const store = await remoteStore(t);
    const registry = await opened(t, store);
    assert.equal(store.engines.size, 1);
    await registry.close();
    assert.equal(store.engines.size, 0);
    await assert.rejects(registry.getProcess("p"), { code: "closed" });
  });

  test("is closed once the writes of earlier calls are over", async (t) => {
    const store = await remoteStore(t);
    const [one, other] = [await opened(t, store), await opened(t, store)];
    await one.registerProcess(external("p", { eventTypes }));
    let go;
    const gate = new Promise((resolve) => (go = resolve));
    store.courses.push((course, transact) => gate.then(transact));
    const first = one.appendEvent("p", progress(1));
    await settled();
    // It waits for the first one, and is not sent yet.
    const second = one.appendEvent("p", progress(2));
    const closing = one.close();
    await settled();
    go();
    await Promise.all([first, second, closing]);
    assert.deepEqual(await payloads(other), [1, 2]);
  });

  test("is opened again after a trap, as the owner that it was, and keeps its waits", async (t) => {
    const { open } = await small(t);
    const store = await remoteStore(t);
    const registry = await open({ storage: store });
    t.after(() => registry.close());
    await registry.registerProcess(external("p", { eventTypes }));
    const [before] = store.engines;
    const waiting = registry.awaitTerminal("p");
    await useUp(await open());
    const { lease } = await registry.claimProcessLease("p", registry.owner, 30_000);
    assert.deepEqual(lease.owner, registry.owner);
    const [after] = store.engines;
    assert.ok(store.engines.size === 1 && after !== before, "the engine of the dead instance is closed");
    await registry.completeProcess("p", success(7));
    assert.deepEqual(await waiting, success(7));
  });

  test("takes what an engine throws beside its faults for a commit that may have been made", async (t) => {
    const store = await remoteStore(t);
    const registry = await opened(t, store);
    store.courses.push(() => {
      throw new TypeError("a defect");
    });
    await assert.rejects(
      registry.registerProcess(external("p")),
      (error) => error.code === "storage_failed" && error.cause instanceof TypeError,
    );
    const shown = quietConsole(t);
    for (const engine of store.engines) engine.now = () => assert.fail("a defect");
    await registry.registerProcess(external("p"));
    assert.ok(shown.length > 0);
  });
});
