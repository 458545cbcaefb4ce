/** Every method once, through the built package on the memory store: what goes in, what comes out. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deleteRegistry } from "longwait";
import { eventTypes, external, isProcessError, open, openRegistry, settled, success } from "./registry.mjs";

const rejects = (promise, code, processId) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, code), `${error?.code}: ${error?.message}`);
    if (processId !== undefined) assert.equal(error.processId, processId);
    return true;
  });

describe("opening", () => {
  test("and deleting need IndexedDB, or say so, and a database has a name", async () => {
    for (const name of ["", 7, null, "x".repeat(901)]) await rejects(deleteRegistry(name), "invalid_argument");
    if (globalThis.indexedDB === undefined) await rejects(deleteRegistry("nobody"), "storage_unavailable");
    else await deleteRegistry("nobody");
  });

  test("a memory registry says what it is", async (t) => {
    const registry = await open(t, { storage: "memory", name: "mine", owner: { ownerId: "me" } });
    assert.equal(registry.name, "mine");
    assert.equal(registry.durability, "memory");
    assert.equal(registry.owner.ownerId, "me");
    assert.ok(registry.owner.incarnationId.length > 0);
    assert.deepEqual(registry.owner.liveness, { kind: "opaque" });
  });

  test("by default the name is longwait and the owner random, each time another incarnation", async (t) => {
    const byDefault = { storage: "memory", name: undefined };
    const [a, b] = [await open(t, byDefault), await open(t, byDefault)];
    assert.equal(a.name, "longwait");
    assert.notEqual(a.owner.incarnationId, b.owner.incarnationId);
  });

  test("without IndexedDB, as in Node, it rejects or falls back to memory as asked", async (t) => {
    const own = Object.getOwnPropertyDescriptor(globalThis, "indexedDB");
    delete globalThis.indexedDB;
    t.after(() => own && Object.defineProperty(globalThis, "indexedDB", own));
    await rejects(openRegistry(), "storage_unavailable");
    const registry = await open(t, { storage: "indexeddb", fallback: "memory" });
    assert.equal(registry.durability, "memory");
    assert.equal((await registry.registerProcess(external("p"))).id, "p");
  });
});

describe("deleting", () => {
  test("removes one process that has ended, and with force one that has not", async (t) => {
    const registry = await open(t);
    for (const id of ["ended", "runs", "stays"]) await registry.registerProcess(external(id, { eventTypes }));
    await registry.completeProcess("ended", success(1));
    const { cursor } = await registry.changedSince();
    await rejects(registry.deleteProcess("runs"), "not_terminal", "runs");
    await rejects(registry.deleteProcess("nobody", { force: true }), "unknown_process", "nobody");
    await rejects(registry.deleteProcess("ended", { force: "yes" }), "invalid_argument");
    const waits = registry.awaitTerminal("runs");
    waits.catch(() => {});
    assert.equal(await registry.deleteProcess("ended"), undefined);
    await registry.deleteProcess("runs", { force: true });
    await rejects(waits, "unknown_process", "runs");
    assert.deepEqual((await registry.changedSince(cursor)).removed, ["ended", "runs"]);
    assert.deepEqual(
      (await registry.listProcesses({ status: "any" })).map(({ id }) => id),
      ["stays"],
    );
  });

  test("aborts a run with unknown_process, and what it returns is not recorded", async (t) => {
    const registry = await open(t);
    const began = deferred();
    const aborted = deferred();
    const driver = registry.driver({
      runners: {
        job: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => {
              aborted.resolve(signal.reason.code);
              reject(signal.reason);
            });
            began.resolve();
          }),
      },
    });
    driver.start();
    await registry.registerProcess({ id: "job", input: { type: "engine", kind: "job" } });
    await began.promise;
    await registry.deleteProcess("job", { force: true });
    assert.equal(await aborted.promise, "unknown_process");
    await driver.stop();
    assert.equal(await registry.getProcess("job"), undefined);
  });

  test("a cursor of another registry in memory is of another store", async (t) => {
    const [one, other] = [await open(t), await open(t)];
    await one.registerProcess(external("p"));
    const { cursor } = await one.changedSince();
    assert.deepEqual([(await other.changedSince(cursor)).reset, (await one.changedSince(cursor)).reset], [true, undefined]);
    await rejects(one.changedSince("nonsense"), "invalid_argument");
  });
});

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

describe("processes", () => {
  test("are registered, read and listed", async (t) => {
    const registry = await open(t);
    const record = await registry.registerProcess({
      id: "b",
      input: { type: "tool_call", call: { callId: "1", toolName: "search", args: { q: [1, null] }, custom: { x: 1 } } },
      eventTypes,
      wakeTarget: { sessionId: "s" },
      envRef: "env",
      recovery: "abandon",
    });
    assert.deepEqual(record.identity, { kind: "tool", label: "search" });
    assert.deepEqual(record.input.call, { callId: "1", toolName: "search", args: { q: [1, null] }, custom: { x: 1 } });
    assert.deepEqual(record.status, { state: "running" });
    assert.deepEqual(record.provenance, { originator: { type: "host" } });
    assert.deepEqual([record.wakeTarget, record.envRef, record.recovery], [{ sessionId: "s" }, "env", "abandon"]);
    assert.match(record.registrationHash, /^[0-9a-f]{64}$/);
    assert.ok(record.createdAtMs > 1.6e12 && record.updatedAtMs === record.createdAtMs);
    assert.deepEqual(record.eventTypes.map(({ name }) => name).sort(), [
      "done",
      "process.cancel_requested",
      "process.cancelled",
      "process.completed",
      "process.failed",
      "process.resumed",
      "process.waiting",
      "progress",
    ]);
    await registry.registerProcess(external("a"));
    assert.deepEqual(await registry.getProcess("b"), record);
    assert.equal(await registry.getProcess("nobody"), undefined);
    const list = async (...query) => (await registry.listProcesses(...query)).map(({ id }) => id);
    assert.deepEqual(await list(), ["a", "b"]);
    assert.deepEqual(await list({ kind: "tool" }), ["b"]);
    assert.deepEqual(await list({ status: "completed" }), []);
    assert.deepEqual(await list({ status: "any" }, { limit: 1 }), ["a"]);
    assert.deepEqual(await list({}, { limit: 1, cursor: "a" }), ["b"]);
    assert.deepEqual(
      (await registry.listNonTerminal({ limit: 1 })).map(({ id }) => id),
      ["a"],
    );
  });

  test("are listed and counted by labels, parent, version and pauses, and by age", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("parent"));
    await registry.registerProcess(external("b", { labels: { user: "1", team: "x" }, version: 2 }));
    await registry.registerProcess(external("a", { labels: { user: "1" }, parentId: "parent" }));
    await registry.pauseProcess("a");
    const list = async (...query) => (await registry.listProcesses(...query)).map(({ id }) => id);
    for (const [filter, fitting] of [
      [{ labels: { user: "1" } }, ["a", "b"]],
      [{ labels: { user: "1", team: "x" } }, ["b"]],
      [{ parentId: "parent" }, ["a"]],
      [{ version: 2 }, ["b"]],
      [{ paused: true, kind: "external" }, ["a"]],
      [{ status: "failed" }, []],
    ]) {
      assert.deepEqual(await list(filter), fitting);
      assert.equal(await registry.countProcesses(filter), fitting.length);
    }
    assert.equal(await registry.countProcesses(), 3);
    const newest = await list({}, { order: "newest" });
    assert.deepEqual(newest, (await list({}, { order: "oldest" })).reverse());
    assert.deepEqual(await list({}, { order: "newest", cursor: newest[0] }), newest.slice(1));
    await rejects(list({}, { order: "oldest", cursor: "nobody" }), "invalid_argument");
  });

  test("registered again alike are the same, registered otherwise are refused", async (t) => {
    const registry = await open(t);
    const record = await registry.registerProcess(external("p", { identity: { kind: "k", definition: { v: 1 } } }));
    assert.deepEqual(await registry.registerProcess({ identity: { definition: { v: 1.0 }, kind: "k" }, ...external("p") }), record);
    await rejects(registry.registerProcess(external("p")), "registration_conflict", "p");
    assert.deepEqual((await registry.listProcesses({ definition: { v: 1 } })).length, 1);
    assert.deepEqual((await registry.listProcesses({ definition: { v: 2 } })).length, 0);
  });

  test("take one external reference", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const ref = { backend: "queue", id: "7", metadata: { region: "x" } };
    const record = await registry.setExternalRef("p", ref);
    assert.deepEqual(record.externalRef, ref);
    assert.deepEqual(await registry.setExternalRef("p", ref), record);
    await rejects(registry.setExternalRef("p", { backend: "queue", id: "8" }), "external_ref_conflict", "p");
    await rejects(registry.setExternalRef("nobody", ref), "unknown_process", "nobody");
  });

  test("go into a wait and out of it", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const wait = { kind: "signal", name: "approve", eventType: "signal.approve", key: "k", ordinal: 1, sinceMs: 5 };
    assert.deepEqual((await registry.setProcessWait("p", wait)).wait, wait);
    assert.equal((await registry.listProcesses({ waiting: true })).length, 1);
    assert.equal("wait" in (await registry.clearProcessWait("p")), false);
    assert.equal((await registry.listProcesses({ waiting: true })).length, 0);
    await rejects(registry.clearProcessWait("nobody"), "unknown_process");
  });

  test("complete once", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const record = await registry.completeProcess("p", success({ n: 1 }));
    assert.deepEqual(record.status, { state: "completed", awaitOutput: success({ n: 1 }) });
    assert.deepEqual(await registry.completeProcess("p", success({ n: 1 })), record);
    await rejects(registry.completeProcess("p", success(2)), "replay_conflict", "p");
    await rejects(registry.completeProcess("p", { type: "cancelled", message: "late" }), "already_terminal", "p");
    const [event] = await registry.eventsAfter("p", 0);
    assert.equal(event.eventType, "process.completed");
    assert.equal(event.replayKey, "process:p:terminal:process.completed");
    assert.deepEqual(event.semantics, { terminal: { state: "completed", awaitOutput: success({ n: 1 }) } });
  });

  test("fail and are cancelled with what there is to say about it", async (t) => {
    const registry = await open(t);
    for (const id of ["f", "c"]) await registry.registerProcess(external(id));
    const failure = { type: "failure", class: "timeout", code: "slow", message: "too slow", raw: [1], control: { retry: false } };
    assert.deepEqual((await registry.completeProcess("f", failure)).status, { state: "failed", awaitOutput: failure });
    assert.equal((await registry.completeProcess("c", { type: "cancelled", message: "no" })).status.state, "cancelled");
  });

  test("are asked to cancel, once per reason", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const first = await registry.requestCancel("p", "bored");
    assert.equal(first.event.eventType, "process.cancel_requested");
    assert.deepEqual(first.event.payload, { reason: "bored" });
    const again = await registry.requestCancel("p", "bored");
    assert.deepEqual([again.replayed, again.event], [true, first.event]);
    assert.equal((await registry.requestCancel("p")).replayed, false);
    assert.equal((await registry.getProcess("p")).status.state, "running");
  });

  test("are pruned when they ended long enough ago, and may come again", async (t) => {
    const registry = await open(t);
    for (const id of ["old", "live"]) await registry.registerProcess(external(id));
    const { updatedAtMs } = await registry.completeProcess("old", success(null));
    assert.deepEqual(await registry.pruneTerminalProcesses(updatedAtMs), { prunedProcesses: 0, prunedEvents: 0 });
    assert.deepEqual(await registry.pruneTerminalProcesses(updatedAtMs + 1), { prunedProcesses: 1, prunedEvents: 1 });
    assert.equal(await registry.getProcess("old"), undefined);
    await rejects(registry.eventsAfter("old", 0), "unknown_process", "old");
    assert.equal((await registry.registerProcess(external("old"))).status.state, "running");
  });

  test("that changed are told since a cursor, the pruned ones too", async (t) => {
    const registry = await open(t);
    for (const id of ["a", "b", "c"]) await registry.registerProcess(external(id));
    const all = await registry.changedSince();
    assert.deepEqual(
      all.records.map(({ id }) => id),
      ["a", "b", "c"],
    );
    assert.equal(typeof all.cursor, "string");
    const one = await registry.changedSince(undefined, 1);
    assert.deepEqual(
      one.records.map(({ id }) => id),
      ["a"],
    );
    assert.deepEqual(
      (await registry.changedSince(one.cursor)).records.map(({ id }) => id),
      ["b", "c"],
    );
    await registry.completeProcess("b", success(null));
    await registry.pruneTerminalProcesses(Date.now() + 1000);
    await registry.setExternalRef("a", { backend: "x", id: "1" });
    const changes = await registry.changedSince(all.cursor);
    assert.deepEqual([changes.records.map(({ id }) => id), changes.removed], [["a"], ["b"]]);
    assert.deepEqual(await registry.changedSince(changes.cursor), { records: [], removed: [], cursor: changes.cursor });
  });
});

describe("events", () => {
  test("are numbered densely, and replayed under their key", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const appended = await Promise.all(
      Array.from({ length: 20 }, (_, n) => registry.appendEvent("p", { eventType: "progress", payload: { n }, replayKey: `k${n}` })),
    );
    assert.deepEqual(
      appended.map(({ event }) => event.sequence),
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
    const again = await registry.appendEvent("p", { eventType: "progress", payload: { n: 3 }, replayKey: "k3" });
    assert.deepEqual(again, { event: appended[3].event, replayed: true });
    await rejects(registry.appendEvent("p", { eventType: "progress", payload: { n: 4 }, replayKey: "k3" }), "replay_conflict", "p");
    assert.equal((await registry.appendEvent("p", { eventType: "progress" })).event.payload, null);
  });

  test("keep their payloads as they were", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const payloads = [
      null,
      true,
      0,
      -1,
      1.5,
      1e21,
      5e-324,
      Number.MAX_SAFE_INTEGER,
      2 ** 53,
      -(2 ** 63),
      1.7976931348623157e308,
      "",
      "ä\u0000😀\u2028",
      [],
      {},
      [[], {}],
      { "": { "": null } },
      { constructor: 1, toString: [2], $type: "x" },
      { a: { b: [{ c: null }] } },
    ];
    for (const payload of payloads) {
      const { event } = await registry.appendEvent("p", { eventType: "progress", payload });
      assert.deepEqual(event.payload, payload);
    }
    assert.deepEqual(
      (await registry.eventsAfter("p", 0)).map(({ payload }) => payload),
      payloads,
    );
  });

  test("are refused where they do not fit the registration, and leave no trace", async (t) => {
    const registry = await open(t);
    const payloadSchema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
    await registry.registerProcess(external("p", { eventTypes: [{ name: "progress", payloadSchema }] }));
    await rejects(registry.appendEvent("nobody", { eventType: "progress" }), "unknown_process", "nobody");
    await rejects(registry.appendEvent("p", { eventType: "other" }), "undeclared_event_type", "p");
    await rejects(registry.appendEvent("p", { eventType: "process.completed", payload: {} }), "missing_replay_key", "p");
    await assert.rejects(registry.appendEvent("p", { eventType: "progress", payload: { n: "1" } }), (error) => {
      assert.equal(error.code, "invalid_payload");
      return /\/n: /.test(error.message);
    });
    assert.deepEqual(await registry.eventsAfter("p", 0), []);
    assert.equal((await registry.appendEvent("p", { eventType: "progress", payload: { n: 1 } })).event.sequence, 1);
    await rejects(
      registry.registerProcess(external("q", { eventTypes: [{ name: "x", payloadSchema: { type: "strng" } }] })),
      "invalid_schema",
      "q",
    );
    assert.equal(await registry.getProcess("q"), undefined);
  });

  test("with terminal semantics end the process, later ones may follow, a second end may not", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const { event } = await registry.appendEvent("p", { eventType: "done", payload: { x: 1 }, replayKey: "end" });
    assert.deepEqual(event.semantics.terminal, { state: "completed", awaitOutput: success({ x: 1 }) });
    assert.deepEqual((await registry.getProcess("p")).status.awaitOutput, success({ x: 1 }));
    assert.equal((await registry.appendEvent("p", { eventType: "progress" })).event.sequence, 2);
    await rejects(registry.appendEvent("p", { eventType: "done", payload: 2, replayKey: "end2" }), "already_terminal", "p");
  });

  test("are read from either end, by type, and counted", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes: [{ name: "a" }, { name: "b" }] }));
    for (const eventType of ["a", "b", "a", "b", "a"]) await registry.appendEvent("p", { eventType });
    const sequences = async (promise) => (await promise).map(({ sequence }) => sequence);
    assert.deepEqual(await sequences(registry.eventsAfter("p", 0)), [1, 2, 3, 4, 5]);
    assert.deepEqual(await sequences(registry.eventsAfter("p", 2, { limit: 2 })), [3, 4]);
    assert.deepEqual(await sequences(registry.eventsAfter("p", 1, { types: ["a"] })), [3, 5]);
    assert.deepEqual(await sequences(registry.eventsAfter("p", 9)), []);
    assert.deepEqual(await sequences(registry.recentEvents("p", 2)), [4, 5]);
    assert.deepEqual(await sequences(registry.recentEvents("p", 0)), []);
    assert.equal(await registry.countEventsThrough("p", "a", 3), 2);
    assert.equal(await registry.countEventsThrough("p", "a", 0), 0);
    for (const read of [
      registry.recentEvents("nobody", 1),
      registry.countEventsThrough("nobody", "a", 1),
      registry.wakeEventsAfter("nobody", 0),
    ]) {
      await rejects(read, "unknown_process", "nobody");
    }
  });

  test("wake a session until they are acknowledged", async (t) => {
    const registry = await open(t);
    const semantics = {
      wake: {
        when: { pointer: "/wake" },
        input: { template: "{who} says {what}", fields: { who: { pointer: "/who" }, what: { pointer: "/what" } } },
      },
    };
    await registry.registerProcess(
      external("p", { eventTypes: [{ name: "note", semantics }], wakeTarget: { sessionId: "s", agentFrameId: "f" } }),
    );
    const note = (wake, replayKey) =>
      registry.appendEvent("p", { eventType: "note", payload: { wake, who: "Ann", what: { n: 1 } }, replayKey });
    const first = await note(true, "k");
    assert.deepEqual(first.event.semantics.wake, { input: `Ann says {"n":1}`, dedupeKey: "p:1" });
    assert.equal(first.wakeDelivery.targetScopeId, "session:s/frame:f");
    assert.match(first.wakeDelivery.wakeId, /^wake:[0-9a-f]{64}$/);
    assert.equal((await note(true, "k")).wakeDelivery.wakeId, first.wakeDelivery.wakeId);
    assert.equal("wakeDelivery" in (await note(false)), false);
    assert.deepEqual(
      (await registry.wakeEventsAfter("p", 0)).map(({ sequence }) => sequence),
      [1],
    );
    await registry.ackWake("p", 1);
    await registry.ackWake("p", 1);
    assert.deepEqual(await registry.wakeEventsAfter("p", 0), []);
  });
});

test("handles are granted, listed, moved and revoked", async (t) => {
  const registry = await open(t);
  for (const id of ["a", "b"]) await registry.registerProcess(external(id, { wakeTarget: { sessionId: "s" } }));
  const [scope, frame] = [{ sessionId: "s" }, { sessionId: "s", agentFrameId: "f" }];
  const grant = { scopeId: "session:s", sessionId: "s", processId: "b", descriptor: { kind: "k", label: "B" } };
  assert.deepEqual(await registry.grantHandle(scope, "b", { kind: "k", label: "B" }), grant);
  assert.deepEqual((await registry.grantHandle(scope, "a")).descriptor, {});
  await rejects(registry.grantHandle(scope, "nobody"), "unknown_process", "nobody");
  assert.equal(await registry.hasHandleGrant(scope, "a"), true);
  assert.equal(await registry.hasHandleGrant(frame, "a"), false);
  const entries = await registry.listHandleGrants(scope);
  assert.deepEqual(
    entries.map((entry) => entry.record.id),
    ["a", "b"],
  );
  assert.deepEqual(entries[1].grant, grant);
  await registry.completeProcess("b", success(null));
  assert.deepEqual(
    (await registry.listLiveHandleGrants(scope)).map((entry) => entry.record.id),
    ["a"],
  );
  await rejects(registry.transferHandleGrants(frame, scope, ["a"]), "not_granted");
  await registry.transferHandleGrants(scope, frame, ["a", "b"]);
  assert.deepEqual(await registry.listHandleGrants(scope), []);
  assert.deepEqual(
    (await registry.handleGrantsForProcess("b")).map(({ scopeId }) => scopeId),
    ["session:s/frame:f"],
  );
  await registry.revokeHandle(frame, "b");
  await registry.revokeHandle(frame, "b");
  assert.deepEqual(await registry.deleteSessionProcessState("s"), {
    sessionId: "s",
    revokedHandleCount: 1,
    deletedWakeCount: 0,
    orphanedProcessIds: ["a"],
    preservedProcessIds: [],
  });
  assert.deepEqual(await registry.handleGrantsForProcess("a"), []);
  assert.equal("wakeTarget" in (await registry.getProcess("a")), false);
});

test("leases are claimed, refused, renewed, released, and fence what is written under them", async (t) => {
  const registry = await open(t);
  await registry.registerProcess(external("p", { eventTypes }));
  const other = { ownerId: "other", incarnationId: "1" };
  assert.equal(await registry.getProcessLease("p"), undefined);
  const claim = await registry.claimProcessLease("p", registry.owner, 60_000);
  assert.equal(claim.outcome, "acquired");
  assert.deepEqual([claim.lease.processId, claim.lease.fencingToken, claim.lease.owner], ["p", 1, registry.owner]);
  assert.equal(claim.lease.expiresAtMs, claim.lease.claimedAtMs + 60_000);
  assert.deepEqual(await registry.claimProcessLease("p", other, 1000), { outcome: "busy", holder: claim.lease });
  assert.equal((await registry.reclaimProcessLease("p", other, claim.lease, 1000)).outcome, "busy");
  const renewed = await registry.renewProcessLease(claim.lease, 90_000);
  assert.equal(renewed.fencingToken, 1);
  assert.deepEqual(await registry.getProcessLease("p"), renewed);
  assert.equal((await registry.appendEvent("p", { eventType: "progress", lease: renewed })).event.sequence, 1);
  await registry.completeProcessLease({ processId: "p", leaseToken: "not the token" });
  assert.deepEqual(await registry.getProcessLease("p"), renewed);
  await registry.completeProcessLease(renewed);
  assert.equal(await registry.getProcessLease("p"), undefined);
  await rejects(registry.renewProcessLease(renewed, 1000), "lease_lost", "p");
  await rejects(registry.appendEvent("p", { eventType: "progress", lease: renewed }), "lease_lost", "p");
  await rejects(registry.completeProcessWithLease(renewed, success(1)), "lease_lost", "p");
  const next = await registry.claimProcessLease("p", other, 60_000);
  assert.equal(next.lease.fencingToken, 2);
  assert.equal((await registry.completeProcessWithLease(next.lease, success(1))).status.state, "completed");
  assert.equal(await registry.getProcessLease("p"), undefined);
  await rejects(registry.claimProcessLease("p", other, 1000), "already_terminal", "p");
});

test("of an owner whose end cannot be known, nobody waits for it in vain", async (t) => {
  const registry = await open(t, { name: "db" });
  // In memory there are no other tabs, and so no locks either.
  const locked = { ownerId: "o", incarnationId: "i", liveness: { kind: "web_lock", lockName: "longwait:db:owner:i" } };
  for (const owner of [registry.owner, { ownerId: "o", incarnationId: "i" }, locked])
    await rejects(registry.ownerGone(owner), "invalid_argument");
});

describe("waits", () => {
  for (const kind of ["hub-backed", "polling"]) {
    const awaiterOf = (registry) => (kind === "polling" ? registry.pollingAwaiter() : registry.awaiter);

    test(`${kind}: the result comes before, and after, it is waited for`, async (t) => {
      const registry = await open(t);
      await registry.registerProcess(external("p"));
      const early = awaiterOf(registry).awaitTerminal("p");
      await settled();
      await registry.completeProcess("p", success(1));
      assert.deepEqual(await early, success(1));
      assert.deepEqual(await awaiterOf(registry).awaitTerminal("p"), success(1));
      assert.equal(registry.hub.trackedProcesses, 0);
    });

    test(`${kind}: the first event of its type comes`, async (t) => {
      const registry = await open(t);
      await registry.registerProcess(external("p", { eventTypes: [{ name: "a" }, { name: "b" }] }));
      const waiting = awaiterOf(registry).awaitEvent("p", "b", 1);
      for (const eventType of ["b", "a", "b", "b"]) await registry.appendEvent("p", { eventType });
      assert.equal((await waiting).sequence, 3);
      assert.equal((await awaiterOf(registry).awaitEvent("p", "b")).sequence, 1);
    });

    test(`${kind}: an unknown process, a timeout and an abort reject`, async (t) => {
      const registry = await open(t);
      await registry.registerProcess(external("p", { eventTypes }));
      const awaiter = awaiterOf(registry);
      await rejects(awaiter.awaitTerminal("nobody"), "unknown_process", "nobody");
      await rejects(awaiter.awaitEvent("nobody", "progress"), "unknown_process", "nobody");
      await rejects(awaiter.awaitTerminal("p", { timeoutMs: 5 }), "timeout");
      await rejects(awaiter.awaitEvent("p", "progress", 0, { timeoutMs: 0 }), "timeout");
      const controller = new AbortController();
      const { signal } = controller;
      const waits = [awaiter.awaitTerminal("p", { signal }), awaiter.awaitEvent("p", "progress", 0, { signal, timeoutMs: Infinity })];
      await settled();
      const reason = { any: "thing" };
      controller.abort(reason);
      for (const wait of waits) await assert.rejects(wait, (error) => error === reason);
      await assert.rejects(awaiter.awaitTerminal("p", { signal: AbortSignal.abort() }), { name: "AbortError" });
      await settled();
      assert.equal(registry.hub.trackedProcesses, 0);
      assert.equal((await registry.getProcess("p")).status.state, "running");
    });

    test(`${kind}: the end of the process ends a wait for an event where that is asked for`, async (t) => {
      const registry = await open(t);
      await registry.registerProcess(external("p", { eventTypes }));
      const awaiter = awaiterOf(registry);
      const [short, long] = [awaiter.awaitEvent("p", "progress", 0, { untilTerminal: true }), awaiter.awaitEvent("p", "progress")];
      await registry.completeProcess("p", success(null));
      await rejects(short, "process_terminal", "p");
      await registry.appendEvent("p", { eventType: "progress" });
      assert.equal((await long).sequence, 2);
    });

    test(`${kind}: a process that is pruned meanwhile is unknown`, async (t) => {
      const registry = await open(t);
      await registry.registerProcess(external("p", { eventTypes }));
      await registry.completeProcess("p", success(null));
      const waiting = awaiterOf(registry).awaitEvent("p", "progress");
      await settled();
      await registry.pruneTerminalProcesses(Date.now() + 1000);
      await rejects(waiting, "unknown_process", "p");
    });
  }

  test("a long timeout does not end early", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const waiting = registry.awaiter.awaitTerminal("p", { timeoutMs: 2 ** 40 });
    await settled();
    await registry.completeProcess("p", success(1));
    assert.deepEqual(await waiting, success(1));
  });

  test("a thousand of them on one process are one entry in the hub", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const waits = Array.from({ length: 1000 }, () => registry.awaiter.awaitTerminal("p"));
    await settled();
    assert.equal(registry.hub.trackedProcesses, 1);
    await registry.completeProcess("p", success("x"));
    assert.equal((await Promise.all(waits)).length, 1000);
    assert.equal(registry.hub.trackedProcesses, 0);
  });
});

describe("events()", () => {
  test("gives what is there and what comes, by type, and ends with the process", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    await registry.appendEvent("p", { eventType: "progress", payload: 1 });
    const seen = { all: [], progress: [], late: [] };
    const collect = async (list, options) => {
      for await (const { payload } of registry.events("p", { untilTerminal: true, ...options })) list.push(payload);
    };
    const loops = [collect(seen.all), collect(seen.progress, { types: ["progress"] }), collect(seen.late, { after: 1 })];
    await settled();
    for (const payload of [2, 3]) await registry.appendEvent("p", { eventType: "progress", payload });
    await registry.appendEvent("p", { eventType: "done", payload: "end", replayKey: "k" });
    await Promise.all(loops);
    assert.deepEqual(seen, { all: [1, 2, 3, "end"], progress: [1, 2, 3], late: [2, 3, "end"] });
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("misses and repeats nothing while many append", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const sequences = [];
    const loop = (async () => {
      for await (const { sequence } of registry.events("p")) if (sequences.push(sequence) === 500) break;
    })();
    for (let round = 0; round < 50; round++) {
      await Promise.all(Array.from({ length: 10 }, () => registry.appendEvent("p", { eventType: "progress" })));
    }
    await loop;
    assert.deepEqual(
      sequences,
      Array.from({ length: 500 }, (_, n) => n + 1),
    );
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("is left at once, even while it waits", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const events = registry.events("p");
    const waiting = events.next();
    await settled();
    assert.equal(registry.hub.trackedProcesses, 1);
    assert.deepEqual(await events.return(), { done: true, value: undefined });
    assert.deepEqual(await waiting, { done: true, value: undefined });
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("ends with its signal's reason, an unknown process, or the registry", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const controller = new AbortController();
    const [aborted, unknown, closed] = [
      registry.events("p", { signal: controller.signal }),
      registry.events("nobody"),
      registry.events("p"),
    ];
    const waiting = aborted.next();
    await settled();
    controller.abort("enough");
    await assert.rejects(waiting, (reason) => reason === "enough");
    await rejects(unknown.next(), "unknown_process", "nobody");
    assert.deepEqual(await unknown.next(), { done: true, value: undefined });
    const last = closed.next();
    await registry.close();
    await rejects(last, "closed");
  });
});

describe("the hub", () => {
  test("tells of changes, and of those before it was asked", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const receiver = registry.hub.subscribe("p");
    assert.equal(registry.hub.trackedProcesses, 1);
    await registry.appendEvent("p", { eventType: "progress" });
    await receiver.changed();
    const changed = receiver.changed();
    registry.hub.notify("p");
    await changed;
    const pending = receiver.changed();
    receiver.close();
    await rejects(pending, "closed");
    await rejects(receiver.changed(), "closed");
    receiver.close();
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("its receivers close with `using`", async (t) => {
    const registry = await open(t);
    registry.hub.subscribe("p")[Symbol.dispose]();
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("tells listeners which process changed, until they are taken off", async (t) => {
    const registry = await open(t);
    const heard = [];
    const off = registry.onChange((id) => heard.push(id));
    await registry.registerProcess(external("p", { eventTypes }));
    await settled();
    assert.deepEqual(heard, ["p"]);
    off();
    off();
    await registry.appendEvent("p", { eventType: "progress" });
    await settled();
    assert.deepEqual(heard, ["p"]);
  });

  test("tells listeners what woke which wait, until they are taken off", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const woken = [];
    const off = registry.onWake((wait) => woken.push(wait));
    const event = registry.awaitEvent("p", "progress");
    const terminal = registry.awaitTerminal("p");
    await settled();
    await registry.appendEvent("p", { eventType: "progress" });
    await event;
    await registry.completeProcess("p", success(1));
    await terminal;
    await registry.awaitTerminal("p"); // Its answer is there: nothing wakes it.
    await settled();
    assert.deepEqual(
      woken.map(({ afterMs, ...wait }) => (assert.ok(Number.isSafeInteger(afterMs) && afterMs >= 0), wait)),
      [
        { processId: "p", wait: "event", by: "tick" },
        { processId: "p", wait: "terminal", by: "tick" },
      ],
    );
    off();
    const late = registry.awaitEvent("p", "progress", 2);
    await settled();
    await registry.appendEvent("p", { eventType: "progress" });
    await late;
    await settled();
    assert.equal(woken.length, 2);
  });
});

describe("a session's view", () => {
  const scope = { sessionId: "s", agentFrameId: "f" };

  /** A registry with `mine`, which is granted to the scope, and `other`, which is not. */
  async function granted(t) {
    const registry = await open(t);
    for (const id of ["mine", "other"]) await registry.registerProcess(external(id, { eventTypes }));
    await registry.grantHandle(scope, "mine", { label: "Mine" });
    return { registry, view: registry.session(scope) };
  }

  test("lists, reads, awaits and signals what is granted to it", async (t) => {
    const { registry, view } = await granted(t);
    assert.deepEqual(view.scope, scope);
    const [{ grant, record }, ...more] = await view.list();
    assert.deepEqual([grant.descriptor, record.id, more], [{ label: "Mine" }, "mine", []]);
    assert.deepEqual(await view.get("mine"), record);
    const arrives = view.awaitEvent("mine", "signal.go");
    const ends = view.awaitTerminal("mine");
    const { event, replayed } = await view.signal("mine", "go", { n: 1 }, { signalId: "1" });
    assert.deepEqual([event.eventType, event.payload, event.sequence, replayed], ["signal.go", { n: 1 }, 1, false]);
    assert.deepEqual(await arrives, event);
    assert.equal((await view.signal("mine", "go", { n: 1 }, { signalId: "1" })).replayed, true);
    assert.equal((await view.signal("mine", "stop")).event.payload, null);
    assert.equal((await view.requestCancel("mine", "enough")).event.eventType, "process.cancel_requested");
    assert.deepEqual(
      (await view.eventsAfter("mine", 1, { limit: 1 })).map(({ eventType }) => eventType),
      ["signal.stop"],
    );
    await registry.completeProcess("mine", success(1));
    assert.deepEqual(await ends, success(1));
    assert.deepEqual([await view.list(), (await view.list({ status: "any" })).length], [[], 1]);
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("shows nothing of what is not", async (t) => {
    const { registry, view } = await granted(t);
    for (const id of ["other", "nobody"]) {
      assert.equal(await view.get(id), undefined);
      const refused = [
        view.eventsAfter(id, 0),
        view.awaitTerminal(id),
        view.awaitEvent(id, "progress"),
        view.signal(id, "go"),
        view.requestCancel(id),
      ];
      await Promise.all(refused.map((call) => rejects(call, "unknown_process", id)));
    }
    assert.deepEqual(await registry.eventsAfter("other", 0), []);
    assert.equal(await registry.session({ sessionId: "s" }).get("mine"), undefined);
  });

  test("ends a wait with its signal, its timeout, and the registry", async (t) => {
    const { registry, view } = await granted(t);
    const controller = new AbortController();
    const aborted = view.awaitTerminal("mine", { signal: controller.signal });
    controller.abort("enough");
    await assert.rejects(aborted, (reason) => reason === "enough");
    await rejects(view.awaitEvent("mine", "progress", 0, { timeoutMs: 1 }), "timeout");
    const last = view.awaitTerminal("mine");
    await settled();
    await registry.close();
    await rejects(last, "closed");
    await rejects(view.get("mine"), "closed");
  });

  test("cannot be turned into another", async (t) => {
    const given = { sessionId: "s", agentFrameId: "f" };
    const { registry } = await granted(t);
    const view = registry.session(given);
    given.agentFrameId = "g";
    assert.throws(() => {
      view.scope = { sessionId: "t" };
    }, TypeError);
    assert.throws(() => {
      view.scope.sessionId = "t";
    }, TypeError);
    assert.equal((await view.get("mine")).id, "mine");
    assert.deepEqual(Reflect.ownKeys(view).sort(), [
      "awaitEvent",
      "awaitTerminal",
      "eventsAfter",
      "get",
      "list",
      "requestCancel",
      "scope",
      "signal",
    ]);
  });
});

describe("closing", () => {
  test("lets what was called before it finish", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const before = [registry.getProcess("p"), registry.appendEvent("p", { eventType: "progress" }), registry.eventsAfter("p", 0)];
    const closing = registry.close();
    const [record, { event }, events] = await Promise.all(before);
    assert.deepEqual([record.id, event.sequence, events.length], ["p", 1, 1]);
    await closing;
  });

  test("ends every wait, refuses what comes after, and may be repeated", async (t) => {
    const registry = await open(t);
    const { name } = registry;
    await registry.registerProcess(external("p", { eventTypes }));
    const receiver = registry.hub.subscribe("p");
    const pending = [
      registry.awaiter.awaitTerminal("p"),
      registry.pollingAwaiter().awaitEvent("p", "progress"),
      receiver.changed(),
      registry.events("p").next(),
    ];
    await settled();
    await Promise.all([registry.close(), registry.close()]);
    for (const wait of pending) await rejects(wait, "closed");
    await rejects(registry.getProcess("p"), "closed");
    await rejects(registry.awaiter.awaitTerminal("p"), "closed");
    const calls = {
      subscribe: () => registry.hub.subscribe("p"),
      onChange: () => registry.onChange(() => {}),
      onWake: () => registry.onWake(() => {}),
      onDurabilityChange: () => registry.onDurabilityChange(() => {}),
      events: () => registry.events("p"),
      exportProcesses: () => registry.exportProcesses(),
      session: () => registry.session({ sessionId: "s" }),
      driver: () => registry.driver({}),
    };
    for (const [name, call] of Object.entries(calls)) assert.throws(call, { code: "closed" }, name);
    await registry.close();
    assert.equal(registry.hub.trackedProcesses, 0);
    assert.equal(registry.name, name);
  });

  test("`await using` closes", async () => {
    const registry = await openRegistry({ storage: "memory" });
    await registry[Symbol.asyncDispose]();
    await rejects(registry.getProcess("p"), "closed");
  });
});
