/** Rows of the database that cannot be read: what they belong to fails alone, and can be removed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deleteRegistry } from "longwait";
import { eventTypes, external, isProcessError, openRegistry, success } from "./registry.mjs";

await import("fake-indexeddb/auto");

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Does something to the rows of a store, by a connection of its own. */
async function change(name, store, work) {
  const database = await settled(indexedDB.open(name));
  try {
    const transaction = database.transaction(store, "readwrite");
    await work(transaction.objectStore(store));
    await new Promise((done) => (transaction.oncomplete = done));
  } finally {
    database.close();
  }
}

const tamper = (name, store, key, how) => change(name, store, async (rows) => void rows.put(how(await settled(rows.get(key)))));
const drop = (name, store, key) => change(name, store, (rows) => settled(rows.delete(key)));

const fails = (promise, id) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, "storage_failed"), `${error.code}: ${error.message}`);
    assert.equal(error.processId, id);
    assert.match(error.message, new RegExp(`\`${id}\``));
    return true;
  });

/** How a row becomes unreadable; then the registry is opened, so that nothing of it is kept. */
const ways = {
  "whose registration is missing": (name) => drop(name, "registrations", "bad"),
  "whose registration is malformed": (name) => tamper(name, "registrations", "bad", (row) => ({ ...row, registrationHash: 7 })),
  "whose registration is that of another life": (name) =>
    tamper(name, "registrations", "bad", (row) => ({ ...row, registrationHash: "0".repeat(64) })),
  "whose registration is no JSON": (name) => tamper(name, "registrations", "bad", (row) => ({ ...row, createdAtMs: 1n })),
  "whose row is no JSON": (name) => tamper(name, "processes", "bad", (row) => ({ ...row, updatedAtMs: 1n })),
  "whose row is malformed": (name) => tamper(name, "processes", "bad", (row) => ({ ...row, status: "running" })),
  "with a counter beyond 2^53": (name) =>
    tamper(name, "processes", "bad", (row) => ({ ...row, log: { ...row.log, lastSequence: 2 ** 53 } })),
};

let databases = 0;

async function withBad(t, spoil, { ended = false } = {}) {
  const name = `bad-${++databases}`;
  const scope = { sessionId: "s" };
  const first = await openRegistry({ name });
  for (const id of ["a", "bad", "z"]) {
    await first.registerProcess(external(id, { eventTypes, identity: { kind: "k" }, wakeTarget: scope }));
    await first.appendEvent(id, { eventType: "progress" });
    await first.grantHandle(scope, id);
    if (ended) await first.completeProcess(id, success(1));
  }
  await first.close();
  await spoil(name);
  const reported = [];
  const registry = await openRegistry({ name, onCorruption: (error) => reported.push(error) });
  t.after(() => registry.close());
  return { registry, reported, name, scope };
}

const ids = (records) => records.map(({ id, record }) => id ?? record.id);

for (const [what, spoil] of Object.entries(ways))
  describe(`a process ${what}`, () => {
    test("fails alone, with its id in the error", async (t) => {
      const { registry } = await withBad(t, spoil);
      const calls = [
        registry.getProcess("bad"),
        registry.eventsAfter("bad", 0),
        registry.appendEvent("bad", { eventType: "progress" }),
        registry.completeProcess("bad", success(1)),
        registry.awaitTerminal("bad"),
        registry.claimProcessLease("bad", registry.owner, 1_000),
      ];
      const others = [registry.getProcess("a"), registry.appendEvent("z", { eventType: "progress" })];
      await Promise.all(calls.map((call) => fails(call, "bad")));
      const [record, { event }] = await Promise.all(others);
      assert.deepEqual([record.id, event.sequence], ["a", 2]);
    });

    test("is passed over by lists, pages and the change feed, and reported once", async (t) => {
      const { registry, reported, scope } = await withBad(t, spoil);
      assert.deepEqual(ids(await registry.listProcesses()), ["a", "z"]);
      assert.deepEqual(ids(await registry.listNonTerminal()), ["a", "z"]);
      assert.deepEqual(ids(await registry.listProcesses({ kind: "k" }, { limit: 2 })), ["a", "z"]);
      assert.deepEqual(ids(await registry.listProcesses({}, { limit: 1, cursor: "a" })), ["z"]);
      assert.deepEqual(ids(await registry.listHandleGrants(scope)), ["a", "z"]);
      assert.deepEqual(ids((await registry.changedSince()).records), ["a", "z"]);
      const paged = [];
      for (let cursor, n = 0; n < 4; n++) {
        const changes = await registry.changedSince(cursor, 1);
        paged.push(...ids(changes.records));
        cursor = changes.cursor;
      }
      assert.deepEqual(paged, ["a", "z"]);
      assert.deepEqual(
        reported.map(({ code, processId }) => [code, processId]),
        [["storage_failed", "bad"]],
      );
    });

    test("keeps no driver from the work of others", async (t) => {
      const { registry } = await withBad(t, spoil);
      const driver = registry.driver({ runners: { job: () => "done" } });
      driver.start();
      await registry.registerProcess({ id: "job", input: { type: "engine", kind: "job" } });
      assert.deepEqual(await registry.awaitTerminal("job"), success("done"));
      await driver.stop();
    });

    test("keeps neither a prune nor the deletion of a session from what concerns others", async (t) => {
      const { registry, scope } = await withBad(t, spoil, { ended: true });
      const { revokedHandleCount } = await registry.deleteSessionProcessState(scope.sessionId);
      assert.equal(revokedHandleCount, 3);
      const { prunedProcesses } = await registry.pruneTerminalProcesses(Date.now() + 1_000);
      assert.equal(prunedProcesses, 2);
    });

    test("is removed by force alone, and its id is free again", async (t) => {
      const { registry, scope, name } = await withBad(t, spoil);
      await fails(registry.deleteProcess("bad"), "bad");
      await registry.deleteProcess("bad", { force: true });
      assert.equal(await registry.getProcess("bad"), undefined);
      assert.deepEqual((await registry.changedSince()).removed, ["bad"]);
      assert.deepEqual(ids(await registry.listHandleGrants(scope)), ["a", "z"]);
      await registry.registerProcess(external("bad", { eventTypes }));
      assert.equal((await registry.appendEvent("bad", { eventType: "progress" })).event.sequence, 1);
      await change(name, "registrations", async (rows) => assert.equal(await settled(rows.count()), 3));
    });
  });

test("a process whose row is missing is unknown, and force removes what is left of it", async (t) => {
  const { registry } = await withBad(t, (name) => drop(name, "processes", "bad"));
  assert.equal(await registry.getProcess("bad"), undefined);
  await registry.deleteProcess("bad", { force: true });
  await registry.registerProcess(external("bad", { eventTypes }));
  assert.equal((await registry.appendEvent("bad", { eventType: "progress" })).event.sequence, 1);
  await assert.rejects(registry.deleteProcess("never", { force: true }), { code: "unknown_process" });
});

test("a grant that cannot be read is passed over, and takes no other one with it", async (t) => {
  const { registry, reported, scope } = await withBad(t, (name) =>
    tamper(name, "grants", ["session:s", "bad"], (row) => ({ ...row, descriptor: 7 })),
  );
  assert.deepEqual(ids(await registry.listHandleGrants(scope)), ["a", "z"]);
  assert.deepEqual(
    reported.map(({ processId }) => processId),
    ["bad"],
  );
  assert.equal((await registry.deleteSessionProcessState("s")).revokedHandleCount, 2);
});

test("an event that cannot be read fails its own process alone", async (t) => {
  for (const spoilt of [7, { sequence: 2n }]) {
    const { registry } = await withBad(t, (name) => tamper(name, "events", ["bad", 1], (row) => ({ ...row, semantics: spoilt })));
    const [read, other] = [registry.eventsAfter("bad", 0), registry.eventsAfter("a", 0)];
    await fails(read, "bad");
    assert.equal((await other).length, 1);
    assert.equal((await registry.getProcess("bad")).id, "bad");
  }
});

test("a lease that cannot be read fails its own process alone, and fences go on rising once that is removed", async (t) => {
  const { registry } = await withBad(t, (name) => change(name, "leases", async (rows) => void rows.put({ processId: "bad", slot: 7 })));
  await fails(registry.claimProcessLease("bad", registry.owner, 1_000), "bad");
  const { lease } = await registry.claimProcessLease("a", registry.owner, 1_000);
  assert.equal(lease.fencingToken, 1);
  await registry.deleteProcess("bad", { force: true });
  await registry.registerProcess(external("bad"));
  assert.ok((await registry.claimProcessLease("bad", registry.owner, 1_000)).lease.fencingToken > 1);
});

test("a change number beyond 2^53 stops no other process, and the feed misses nothing behind it", async (t) => {
  const { registry } = await withBad(t, (name) => tamper(name, "processes", "bad", (row) => ({ ...row, change: 2 ** 60 })));
  const { cursor } = await registry.changedSince();
  await registry.appendEvent("a", { eventType: "progress" });
  const { records } = await registry.changedSince(cursor);
  assert.deepEqual(ids(records), ["a"]);
  await registry.deleteProcess("bad", { force: true });
  const { records: again, removed } = await registry.changedSince(cursor);
  assert.deepEqual([ids(again), removed], [["a"], ["bad"]]);
});

test("a cursor of a database that was deleted begins anew and says so, however far the new one has come", async (t) => {
  const { registry, name } = await withBad(t, () => {});
  const { cursor } = await registry.changedSince();
  assert.equal((await registry.changedSince(cursor)).reset, undefined);
  await deleteRegistry(name);
  await assert.rejects(registry.changedSince(cursor), (error) => isProcessError(error, "closed"));
  const again = await openRegistry({ name });
  t.after(() => again.close());
  for (let n = 0; n < 20; n++) await again.registerProcess(external(`new-${n}`));
  const { records, removed, reset, cursor: next } = await again.changedSince(cursor);
  assert.deepEqual([records.length, removed, reset], [20, [], true]);
  assert.deepEqual(await again.changedSince(next), { records: [], removed: [], cursor: next });
  // Version 0.1 named no database.
  assert.equal((await again.changedSince("3")).reset, true);
});

test("by default goes to reportError what is passed over", async (t) => {
  const { registry, name } = await withBad(t, ways["whose registration is missing"]);
  await registry.close();
  const reported = [];
  const own = globalThis.reportError;
  globalThis.reportError = (error) => reported.push(error);
  t.after(() => (own ? (globalThis.reportError = own) : delete globalThis.reportError));
  const again = await openRegistry({ name });
  t.after(() => again.close());
  await again.listProcesses();
  await again.listProcesses();
  assert.deepEqual(
    reported.map(({ processId }) => processId),
    ["bad"],
  );
});

test("a listener of corruption that throws, and one that calls the registry, do no harm", async (t) => {
  const { registry, name } = await withBad(t, ways["whose registration is missing"]);
  await registry.close();
  const reported = [];
  const own = globalThis.reportError;
  globalThis.reportError = (error) => reported.push(error.message);
  t.after(() => (own ? (globalThis.reportError = own) : delete globalThis.reportError));
  let inside;
  const again = await openRegistry({
    name,
    onCorruption({ processId }) {
      inside = again.deleteProcess(processId, { force: true });
      throw new Error("on purpose");
    },
  });
  t.after(() => again.close());
  assert.deepEqual(ids(await again.listProcesses()), ["a", "z"]);
  await inside;
  assert.deepEqual((await again.changedSince()).removed, ["bad"]);
  assert.deepEqual(reported, ["on purpose"]);
});

test("a process that cannot be read holds its concurrency key until it is deleted", async (t) => {
  const name = `bad-${++databases}`;
  const keyed = (id) => ({ id, input: { type: "engine", kind: "job" }, concurrencyKey: "k" });
  const first = await openRegistry({ name });
  const waits = first.driver({ runners: { job: (run) => run.waitForSignal("go") } });
  waits.start();
  await first.registerProcess(keyed("holder"));
  await first.awaitEvent("holder", "process.waiting");
  await first.registerProcess(keyed("next"));
  await first.close();
  await tamper(name, "processes", "holder", (row) => ({ ...row, status: "running" }));

  const registry = await openRegistry({ name, onCorruption() {} });
  t.after(() => registry.close());
  const begun = [];
  const driver = registry.driver({ runners: { job: ({ process }) => void begun.push(process.id) } });
  await driver.claimAndRunPending();
  await driver.idle();
  assert.deepEqual(begun, []);
  await registry.deleteProcess("holder", { force: true });
  await driver.claimAndRunPending();
  await driver.idle();
  assert.deepEqual(begun, ["next"]);
});

describe("a stream with a row that cannot be read", () => {
  /** A stream of three rows, of which this is done to the second. */
  async function withRows(t, how) {
    const name = `bad-${++databases}`;
    const first = await openRegistry({ name });
    await first.registerProcess({ id: "bad", input: { type: "engine", kind: "job" } });
    const driver = first.driver({
      runners: {
        async job({ stream }) {
          const out = await stream("s");
          for (const row of ["a", "b", "c"]) {
            for (let n = 0; n < 2; n++) await out.append(row + n);
            await out.flush();
          }
          await (await stream("other")).append("fine");
        },
      },
    });
    await driver.claimAndRunPending();
    await first.awaitTerminal("bad");
    await first.close();
    await tamper(name, "chunks", ["bad", "s", 2], how);
    const registry = await openRegistry({ name });
    t.after(() => registry.close());
    return registry;
  }

  for (const [what, how] of Object.entries({
    "is no list of chunks": (row) => ({ ...row, values: "b" }),
    "has no attempt": ({ attempt: _, ...row }) => row,
  }))
    test(`which ${what}, gives the chunks before it, names the place, and hinders nothing else`, async (t) => {
      const registry = await withRows(t, how);
      const read = [];
      const reads = async (startIndex) => {
        for await (const { value } of registry.readStream("bad", "s", { startIndex })) read.push(value);
      };
      await fails(reads(0), "bad");
      assert.deepEqual(read.splice(0), ["a0", "a1"]);
      await assert.rejects(reads(3), /`s`, from chunk 2 on/);
      await reads(4);
      assert.deepEqual(read.splice(0), ["c0", "c1"]);
      for await (const { value } of registry.readStream("bad", "other")) read.push(value);
      assert.deepEqual(read, ["fine"]);
      assert.equal((await registry.getProcess("bad")).status.state, "completed");
      await registry.deleteProcess("bad");
    });
});
