/** Calls of one turn that share a transaction: what one of them meets is none of the others' business. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventTypes, external, openRegistry } from "./registry.mjs";

await import("fake-indexeddb/auto");

let databases = 0;

async function open(t, ...ids) {
  const registry = await openRegistry({ name: `sharing-${++databases}` });
  t.after(() => registry.close());
  for (const id of ids) await registry.registerProcess(external(id, { eventTypes }));
  return registry;
}

/** Replaces a method of IndexedDB until the test is over. */
function patch(t, prototype, method, make) {
  const own = prototype[method];
  prototype[method] = make(own);
  t.after(() => (prototype[method] = own));
}

const fault = (name) => new DOMException("made up", name);
const codes = (calls) =>
  Promise.all(
    calls.map((call) =>
      call.then(
        () => "done",
        ({ code, processId }) => `${code} of ${processId}`,
      ),
    ),
  );

describe("reads of one turn", () => {
  for (const name of ["UnknownError", "DataError", "RangeError"])
    test(`fail each by itself, where the rows of one are refused with ${name}`, async (t) => {
      const registry = await open(t, "p", "q");
      patch(
        t,
        IDBObjectStore.prototype,
        "getAll",
        (own) =>
          function (range, ...more) {
            if (this.name === "events" && range.lower[0] === "q") throw fault(name);
            return own.call(this, range, ...more);
          },
      );
      const awaited = registry.awaitEvent("p", "progress");
      const calls = [
        registry.getProcess("p"),
        registry.eventsAfter("q", 0),
        registry.eventsAfter("p", 0),
        registry.getProcess("q"),
        awaited,
      ];
      const outcome = codes(calls);
      await registry.appendEvent("p", { eventType: "progress" });
      assert.deepEqual(await outcome, ["done", "storage_failed of q", "done", "done", "done"]);
    });
});

describe("reads in pages", () => {
  /** Notes how many rows each request of a method found, of one object store or of all. */
  function foundBy(t, prototype, store) {
    const counts = [];
    patch(
      t,
      prototype,
      "getAll",
      (own) =>
        function (...given) {
          const request = own.apply(this, given);
          if (this.name !== "commits" && (store ?? this.name) === this.name)
            request.addEventListener("success", () => counts.push(request.result.length));
          return request;
        },
    );
    return counts;
  }

  test("a log of any size is read whole, and no request asks for much more than 8 MB of it", async (t) => {
    const registry = await open(t, "p");
    const payloads = Array.from({ length: 60 }, (_, n) => `${n} `.padEnd(1_000_000, "x"));
    for (const payload of payloads) await registry.appendEvent("p", { eventType: "progress", payload });
    const counts = foundBy(t, IDBObjectStore.prototype);
    const events = await registry.eventsAfter("p", 0);
    assert.deepEqual(
      events.map(({ payload }) => payload.slice(0, 3)),
      payloads.map((payload) => payload.slice(0, 3)),
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      60,
    );
    assert.ok(
      counts.every((count) => count <= 10),
      `${counts}`,
    );
  });

  test("pages of small rows grow, so that a long log takes few of them", async (t) => {
    const registry = await open(t, "p");
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => registry.appendEvent("p", { eventType: "progress", payload: n })));
    const counts = foundBy(t, IDBObjectStore.prototype);
    const events = await registry.eventsAfter("p", 10);
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      Array.from({ length: 990 }, (_, n) => n + 11),
    );
    assert.deepEqual(counts, [8, 128, 854]);
    assert.deepEqual(
      (await registry.eventsAfter("p", 0, { limit: 20 })).map(({ sequence }) => sequence),
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });

  test("what small rows lead to is not asked for at once, if it is large", async (t) => {
    const registry = await open(t);
    const ids = Array.from({ length: 40 }, (_, n) => `p${n + 10}`);
    for (const id of ids)
      await registry.registerProcess(external(id, { input: { type: "external", metadata: { text: id.padEnd(1_000_000, "x") } } }));
    // Read by another registry, which keeps none of them.
    const other = await openRegistry({ name: `sharing-${databases}` });
    t.after(() => other.close());
    const counts = foundBy(t, IDBObjectStore.prototype, "registrations");
    assert.deepEqual(
      (await other.listProcesses()).map(({ id }) => id),
      ids,
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      38,
      "all between the first and the last",
    );
    assert.ok(
      counts.every((count) => count <= 16),
      `${counts}`,
    );
  });

  test("a list merges pages of several list statuses in id order", async (t) => {
    const ids = Array.from({ length: 100 }, (_, n) => `p${String(n).padStart(3, "0")}`);
    const registry = await open(t, ...ids);
    await Promise.all(ids.filter((_, n) => n % 3 === 0).map((id) => registry.completeProcess(id, { type: "success", value: null })));
    assert.deepEqual(
      (await registry.listProcesses({ status: "any" })).map(({ id }) => id),
      ids,
    );
    assert.deepEqual((await registry.changedSince()).records.map(({ id }) => id).sort(), ids);
  });
});

describe("writes of one turn", () => {
  for (const name of ["UnknownError", "DataError", "QuotaExceededError"])
    test(`fail each by itself, where the row of one is too large (${name})`, async (t) => {
      const registry = await open(t, "p", "q");
      for (const method of ["put", "add"])
        patch(
          t,
          IDBObjectStore.prototype,
          method,
          (own) =>
            function (row) {
              if (JSON.stringify(row).length > 5_000) throw fault(name);
              return own.call(this, row);
            },
        );
      const append = (id, payload) => registry.appendEvent(id, { eventType: "progress", payload });
      const calls = [append("p", 1), append("q", "x".repeat(10_000)), append("p", 2), append("q", 3)];
      const code = name === "QuotaExceededError" ? "quota_exceeded" : "storage_failed";
      assert.deepEqual(await codes(calls), ["done", `${code} of q`, "done", "done"]);
      assert.deepEqual(
        (await registry.eventsAfter("p", 0)).map(({ payload }) => payload),
        [1, 2],
      );
      assert.deepEqual(
        (await registry.eventsAfter("q", 0)).map(({ sequence, payload }) => [sequence, payload]),
        [[1, 3]],
      );
    });
});

describe("a process that is not granted", () => {
  /** What is asked of IndexedDB, in its order. */
  function requests(t) {
    const asked = [];
    for (const prototype of [IDBObjectStore.prototype, IDBIndex.prototype])
      for (const method of ["get", "getAll", "getAllKeys", "openCursor", "openKeyCursor"])
        patch(
          t,
          prototype,
          method,
          (own) =>
            function (...given) {
              asked.push(`${method} of ${(this.objectStore ?? this).name}`);
              return own.apply(this, given);
            },
        );
    return asked;
  }

  test("costs what one costs that does not exist: the look for its grant", async (t) => {
    const registry = await open(t, "hidden");
    for (let n = 0; n < 50; n++) await registry.appendEvent("hidden", { eventType: "progress", payload: "x".repeat(1_000) });
    const session = registry.session({ sessionId: "s" });
    const asked = requests(t);
    const cost = async (call) => {
      asked.length = 0;
      await call().catch(({ code }) => assert.equal(code, "unknown_process"));
      return asked.join();
    };
    for (const call of [
      (id) => session.get(id),
      (id) => session.eventsAfter(id, 0),
      (id) => session.awaitEvent(id, "progress"),
      (id) => session.signal(id, "go", null, { signalId: "1" }),
      (id) => session.requestCancel(id),
    ]) {
      // The first wait of a registry asks where the change sequence ends.
      await cost(() => call("nobody else"));
      assert.equal(await cost(() => call("hidden")), await cost(() => call("nobody")), String(call));
      assert.doesNotMatch(await cost(() => call("hidden")), /events/, String(call));
    }
  });

  test("may be signalled in the turn in which it is granted, and once for each id", async (t) => {
    const registry = await open(t, "p");
    await registry.signal("p", "go", 1, { signalId: "1" });
    const session = registry.session({ sessionId: "s" });
    const [, replay, first] = await Promise.all([
      registry.grantHandle({ sessionId: "s" }, "p"),
      session.signal("p", "go", 1, { signalId: "1" }),
      session.signal("p", "go", 2, { signalId: "2" }),
    ]);
    assert.deepEqual([replay.replayed, replay.event.sequence, first.replayed, first.event.sequence], [true, 1, false, 2]);
  });
});
