/** What `observe()` shows, and what it reads for that. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defineProcess } from "longwait";
import { observe } from "longwait/observe";
import { eventTypes, external, open, refusal, settled, success } from "./registry.mjs";

const noted = (id, more) => external(id, { eventTypes, ...more });

/** A registry that counts the reads of each method, and can be asked for them since it was last asked. */
function counted(registry) {
  let reads = [];
  const methods = ["getProcess", "listProcesses", "countProcesses", "eventsAfter", "recentEvents", "readStream"];
  const counting = Object.fromEntries(
    methods.map((name) => [name, (...given) => (reads.push([name, ...given]), registry[name](...given))]),
  );
  return { ...registry, ...counting, reads: () => reads.splice(0).map(([name]) => name) };
}

/** Listens to a query. The snapshots are those after each call of the listener. */
function watch(t, registry, query) {
  const { subscribe, getSnapshot } = observe(registry, query);
  const snapshots = [];
  const end = subscribe(() => snapshots.push(getSnapshot()));
  t.after(end);
  return { snapshots, end, now: getSnapshot, statuses: () => snapshots.splice(0).map(({ status }) => status) };
}

/** A promise, and what settles it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return [opened, open];
}

const ids = (snapshot) => snapshot.value.map(({ id }) => id);

describe("one process", () => {
  test("is loading, then absent, then present, then absent again", async (t) => {
    const registry = await open(t);
    const seen = watch(t, registry, { type: "process", id: "p" });
    assert.equal(seen.now().status, "loading");
    await settled();
    assert.equal(seen.now().status, "absent");
    await registry.registerProcess(noted("p"));
    await settled();
    assert.equal(seen.now().value.id, "p");
    await registry.deleteProcess("p", { force: true });
    await settled();
    assert.deepEqual(seen.statuses(), ["absent", "present", "absent"]);
  });

  test("is read once for all that show it, and once for a change", async (t) => {
    const registry = counted(await open(t));
    await registry.registerProcess(noted("p"));
    const seen = [1, 2, 3].map(() => watch(t, registry, { type: "process", id: "p" }));
    watch(t, registry, { id: "p", type: "result" });
    await settled();
    assert.deepEqual(registry.reads(), ["getProcess"]);
    await registry.appendEvent("p", { eventType: "progress", payload: 1 });
    await settled();
    assert.deepEqual(registry.reads(), ["getProcess"]);
    assert.equal(seen[0].now(), seen[2].now());
  });

  test("keeps the objects that are equal, and is not shown anew where all of it is", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(noted("p", { input: { type: "engine", kind: "job", payload: { deep: [1, 2] } } }));
    const seen = watch(t, registry, { type: "process", id: "p" });
    await settled();
    const before = seen.now();
    registry.hub.notify("p");
    await settled();
    assert.equal(seen.now(), before);
    assert.deepEqual(seen.statuses(), ["present"]);
    await registry.completeProcess("p", success(1));
    await settled();
    assert.notEqual(seen.now(), before);
    assert.equal(seen.now().value.input, before.value.input);
  });

  test("is not read for changes of others", async (t) => {
    const registry = counted(await open(t));
    await registry.registerProcess(noted("p"));
    watch(t, registry, { type: "process", id: "p" });
    await settled();
    registry.reads();
    await registry.registerProcess(noted("q"));
    await settled();
    assert.deepEqual(registry.reads(), []);
  });

  test("is an error once the registry is closed, with what was known last", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(noted("p"));
    const seen = watch(t, registry, { type: "process", id: "p" });
    await settled();
    await registry.close();
    await settled();
    const { status, error, value } = seen.now();
    assert.deepEqual([status, error.code, value.id], ["error", "closed", "p"]);
    const late = watch(t, registry, { type: "process", id: "q" });
    await settled();
    assert.equal(late.now().error.code, "closed");
  });
});

test("what has no listener is let go of after two seconds, and reads nothing if a listener comes before", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const registry = counted(await open(t));
  await registry.registerProcess(noted("p"));
  const query = { type: "process", id: "p" };
  const first = watch(t, registry, query);
  await settled();
  registry.reads();
  first.end();
  t.mock.timers.tick(1_999);
  const second = watch(t, registry, query);
  await settled();
  t.mock.timers.tick(2_000);
  assert.deepEqual([registry.reads(), second.now().status], [[], "present"]);
  second.end();
  t.mock.timers.tick(2_000);
  assert.equal(second.now().status, "loading");
  await settled();
  assert.equal(registry.hub.trackedProcesses, 0);
  await registry.appendEvent("p", { eventType: "progress" });
  await settled();
  assert.deepEqual(registry.reads(), []);
});

test("everything is read anew where it is not known what has changed", async (t) => {
  const registry = await open(t);
  const [wakes, deaf] = [[], counted(registry)];
  deaf.onChange = () => () => {};
  deaf.hub = { subscribe: () => ({ changed: () => new Promise((wake) => wakes.push(wake)), close() {} }) };
  await registry.registerProcess(noted("p"));
  const seen = ["process", "processes", "count"].map((type) => watch(t, deaf, type === "process" ? { type, id: "p" } : { type }));
  await settled();
  await registry.completeProcess("p", success(1));
  await registry.registerProcess(noted("q"));
  await registry.registerProcess(noted("r"));
  deaf.reads();
  wakes.shift()();
  await settled();
  const [process, processes, count] = seen.map(({ now }) => now().value);
  assert.deepEqual([process.status.state, processes.map(({ id }) => id), count], ["completed", ["q", "r"], 2]);
  assert.deepEqual([...new Set(deaf.reads())].sort(), ["countProcesses", "getProcess", "listProcesses"]);
  const before = seen.map(({ now }) => now());
  wakes.shift()();
  await settled();
  assert.ok(seen.every(({ now }, n) => now() === before[n]));
});

test("a registry may be the promise of one, and what keeps it from being opened is an error", async (t) => {
  const opened = open(t);
  const seen = watch(t, opened, { type: "count" });
  assert.equal(seen.now().status, "loading");
  await opened;
  await settled();
  assert.deepEqual(seen.now(), { status: "present", value: 0 });

  const refused = Promise.reject(new Error("no room"));
  const list = watch(t, refused, { type: "processes" });
  await settled();
  assert.deepEqual([list.now().status, list.now().error.message, list.now().hasMore], ["error", "no room", false]);
});

test("a query of no type that there is, is refused", async (t) => {
  const registry = await open(t);
  assert.throws(() => observe(registry, { type: "everything" }), refusal("invalid_argument"));
});

describe("a list", () => {
  const query = { type: "processes", filter: { status: "any" }, order: "newest" };

  async function filled(t, count) {
    const registry = counted(await open(t));
    // The ids go with the age, as those of one millisecond are ordered by them.
    for (let n = 0; n < count; n++) await registry.registerProcess(noted(`p${n}`));
    registry.reads();
    return registry;
  }

  test("shows one page, and with a higher limit the next one, which alone is read", async (t) => {
    const registry = await filled(t, 5);
    const two = watch(t, registry, { ...query, limit: 2 });
    await settled();
    assert.deepEqual([ids(two.now()), two.now().hasMore], [["p4", "p3"], true]);
    const four = watch(t, registry, { ...query, limit: 4 });
    assert.deepEqual([ids(four.now()), four.now().isLoadingMore], [["p4", "p3", "p2"], true]);
    await settled();
    assert.deepEqual([ids(four.now()), four.now().hasMore, four.now().isLoadingMore], [["p4", "p3", "p2", "p1"], true, false]);
    const all = watch(t, registry, { ...query, limit: 6 });
    await settled();
    assert.deepEqual([ids(all.now()).length, all.now().hasMore], [5, false]);
    assert.deepEqual(registry.reads(), ["listProcesses", "listProcesses", "listProcesses"]);
    assert.equal(all.now().value[0], two.now().value[0]);
  });

  test("replaces the row of what changed and keeps the others, without being read again", async (t) => {
    const registry = await filled(t, 5);
    const seen = watch(t, registry, query);
    await settled();
    const before = seen.now().value;
    registry.reads();
    await registry.completeProcess("p2", success("done"));
    await settled();
    const after = seen.now().value;
    assert.deepEqual(
      after.map((row, n) => row === before[n]),
      [true, true, false, true, true],
    );
    assert.equal(after[2].status.state, "completed");
    assert.equal(after[2].input, before[2].input);
    assert.deepEqual(registry.reads(), ["getProcess"]);
    registry.hub.notify("p2");
    await settled();
    assert.equal(seen.now().value, after);
  });

  test("shows what changes while a page of it is read", async (t) => {
    const registry = await filled(t, 3);
    const [opened, open] = gate();
    const slow = { ...registry, listProcesses: async (...given) => [await registry.listProcesses(...given), await opened][0] };
    const seen = watch(t, slow, query);
    await settled();
    await registry.completeProcess("p1", success(1));
    await registry.deleteProcess("p2", { force: true });
    await registry.registerProcess(noted("p3"));
    await settled();
    open();
    await settled();
    assert.deepEqual(
      seen.now().value.map(({ id, status }) => `${id} ${status.state}`),
      ["p3 running", "p1 completed", "p0 running"],
    );
  });

  test("moves the row of an id that is registered anew, where it had not heard of the end of the one before", async (t) => {
    const registry = await filled(t, 3);
    const [opened, open] = gate();
    let isSlow = false;
    const slow = { ...registry, getProcess: async (id) => (isSlow && (await opened), registry.getProcess(id)) };
    const seen = watch(t, slow, query);
    await settled();
    isSlow = true;
    await registry.deleteProcess("p0", { force: true });
    const now = Date.now();
    while (Date.now() === now); // The age of a process is in milliseconds.
    await registry.registerProcess(noted("p0"));
    open();
    await settled();
    assert.deepEqual(ids(seen.now()), ["p0", "p2", "p1"]);
    assert.ok(seen.snapshots.every(({ value }) => value.length === 3));
  });

  test("fills up from behind when a row leaves it, and drops the last one when one comes", async (t) => {
    const registry = await filled(t, 4);
    const seen = watch(t, registry, { type: "processes", order: "newest", limit: 2 });
    await settled();
    await registry.completeProcess("p3", success(1));
    await settled();
    assert.deepEqual([ids(seen.now()), seen.now().hasMore], [["p2", "p1"], true]);
    await registry.completeProcess("p2", success(1));
    await settled();
    assert.deepEqual([ids(seen.now()), seen.now().hasMore], [["p1", "p0"], false]);
    await registry.registerProcess(noted("p4"));
    await settled();
    assert.deepEqual([ids(seen.now()), seen.now().hasMore], [["p4", "p1"], true]);
  });

  test("is not shown anew for a process that is not in it", async (t) => {
    const registry = await filled(t, 3);
    const seen = watch(t, registry, { type: "processes", filter: { kind: "other" } });
    const page = watch(t, registry, { ...query, limit: 1 });
    await settled();
    const before = [seen.now(), page.now()];
    await registry.appendEvent("p0", { eventType: "progress" });
    await settled();
    assert.deepEqual([seen.now() === before[0], page.now() === before[1]], [true, true]);
  });

  test("has at hand what one of its rows is asked for", async (t) => {
    const registry = await filled(t, 2);
    const list = watch(t, registry, query);
    await settled();
    registry.reads();
    const row = watch(t, registry, { type: "process", id: "p1" });
    assert.equal(row.now().value, list.now().value[0]);
    assert.deepEqual(registry.reads(), []);
  });

  test("of a definition holds its kind alone", async (t) => {
    const registry = await open(t);
    const upload = defineProcess({ kind: "upload" });
    await registry.start(upload, { file: 1 }, { id: "u" });
    await registry.registerProcess(noted("p"));
    const seen = watch(t, registry, { type: "processes", definition: upload });
    const count = watch(t, registry, { type: "count", definition: upload });
    await settled();
    assert.deepEqual([ids(seen.now()), count.now().value], [["u"], 1]);
  });

  test("that is kept up to date holds what the store would list, whatever happens", async (t) => {
    const registry = await open(t);
    const chance = random(15);
    const pick = (from) => from[Math.floor(chance() * from.length)];
    const filters = [
      {},
      { status: "any" },
      { status: "completed" },
      { waiting: true },
      { waiting: false, status: "any" },
      { paused: true },
      { kind: "a", status: "any" },
      { labels: { of: "x" } },
      { version: 2 },
      { definition: { a: [1] } },
      { parentId: "p0", status: "any" },
    ];
    const queries = filters.flatMap((filter) =>
      ["id", "oldest", "newest"].map((order, n) => ({ filter, order, ...(n < 2 && { limit: 3 }) })),
    );
    await registry.registerProcess(noted("p0"));
    const seen = queries.map((query) => watch(t, registry, { type: "processes", ...query }));
    const counts = filters.map((filter) => watch(t, registry, { type: "count", filter }));
    const wait = { kind: "signal", name: "s", eventType: "signal.s", key: "k", ordinal: 1, sinceMs: 1 };
    const steps = [
      (id) =>
        registry.registerProcess({
          id,
          input: { type: "engine", kind: pick(["a", "b"]) },
          eventTypes,
          identity: { kind: pick(["a", "b"]), definition: { a: [pick([1, 2])] } },
          ...(chance() < 0.5 && { labels: { of: pick(["x", "y"]) } }),
          ...(chance() < 0.5 && { version: pick([1, 2]) }),
          ...(chance() < 0.3 && { parentId: "p0" }),
        }),
      (id) => registry.completeProcess(id, success(1)),
      (id) => registry.setProcessWait(id, wait),
      (id) => registry.clearProcessWait(id),
      (id) => registry.pauseProcess(id),
      (id) => registry.resumeProcess(id),
      (id) => registry.appendEvent(id, { eventType: "progress" }),
      (id) => registry.deleteProcess(id, { force: true }),
    ];
    for (let round = 0; round < 60; round++) {
      const calls = Array.from({ length: 5 }, () => pick([steps[0], ...steps])(`p${1 + Math.floor(chance() * 20)}`).catch(() => {}));
      // Sometimes the next changes are made while those before are being read.
      if (chance() < 0.5) await Promise.all(calls);
      if (chance() < 0.5) await settled();
      if (round % 5 !== 4) continue;
      await Promise.all(calls);
      await settled();
      for (const [n, { filter, order, limit }] of queries.entries()) {
        const listed = await registry.listProcesses(filter, { order });
        const { value, hasMore } = seen[n].now();
        assert.deepEqual(
          [value, hasMore],
          [listed.slice(0, limit), limit !== undefined && listed.length > limit],
          JSON.stringify(queries[n]),
        );
      }
      for (const [n, filter] of filters.entries())
        assert.equal(counts[n].now().value, await registry.countProcesses(filter), JSON.stringify(filter));
    }
  });
});

/** Numbers between 0 and 1 that follow from a seed. */
function random(seed) {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

describe("a count", () => {
  test("is made again when a process begins or ceases to fit, and not while one only changes", async (t) => {
    const registry = counted(await open(t));
    await registry.registerProcess(noted("p"));
    const seen = watch(t, registry, { type: "count" });
    await settled();
    await registry.appendEvent("p", { eventType: "progress" });
    await settled();
    registry.reads();
    await registry.appendEvent("p", { eventType: "progress" });
    await settled();
    assert.deepEqual(registry.reads(), ["getProcess"]);
    await registry.completeProcess("p", success(1));
    await settled();
    assert.deepEqual(registry.reads(), ["getProcess", "countProcesses"]);
    assert.deepEqual(seen.snapshots, [
      { status: "present", value: 1 },
      { status: "present", value: 0 },
    ]);
  });

  test("is not made for processes of other kinds", async (t) => {
    const registry = counted(await open(t));
    watch(t, registry, { type: "count", filter: { kind: "upload" } });
    await settled();
    registry.reads();
    await registry.registerProcess(noted("p"));
    await settled();
    assert.deepEqual(registry.reads(), ["getProcess"]);
  });
});

describe("events", () => {
  const progress = (n) => ({ eventType: "progress", payload: n });

  test("are the last ones, each read once, and the objects that they were", async (t) => {
    const registry = counted(await open(t));
    await registry.registerProcess(noted("p"));
    for (let n = 0; n < 4; n++) await registry.appendEvent("p", progress(n));
    const seen = watch(t, registry, { type: "events", id: "p", last: 3 });
    await settled();
    const before = seen.now().value;
    assert.deepEqual(
      before.map(({ payload }) => payload),
      [1, 2, 3],
    );
    await registry.appendEvent("p", progress(4));
    await settled();
    const after = seen.now().value;
    assert.deepEqual([after[0], after[1], after[2].payload], [before[1], before[2], 4]);
    assert.deepEqual(registry.reads(), ["getProcess", "recentEvents", "getProcess", "eventsAfter"]);
  });

  test("of a type are found from the end of a long log, without reading all of them", async (t) => {
    const registry = counted(await open(t));
    await registry.registerProcess(noted("p"));
    await registry.signal("p", "rare", 1);
    await registry.appendEvents(
      "p",
      Array.from({ length: 500 }, (_, n) => progress(n)),
    );
    registry.reads();
    let read = 0;
    const eventsAfter = async (...given) => {
      const events = await registry.eventsAfter(...given);
      read += events.length;
      return events;
    };
    const watched = { ...registry, eventsAfter };
    const often = watch(t, watched, { type: "latestEvent", id: "p", eventType: "progress" });
    await settled();
    assert.deepEqual([often.now().value.payload, read], [499, 8]);
    const rare = watch(t, watched, { type: "latestEvent", id: "p", eventType: "signal.rare" });
    await settled();
    assert.deepEqual([rare.now().value.payload, read], [1, 9]);
    const never = watch(t, watched, { type: "latestEvent", id: "p", eventType: "signal.never" });
    await settled();
    registry.reads();
    await registry.appendEvent("p", progress(500));
    await settled();
    assert.deepEqual([often.now().value.payload, never.now().status, registry.reads().length], [500, "absent", 4]);
  });

  test("of some types are not shown anew for others", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(noted("p"));
    const seen = watch(t, registry, { type: "events", id: "p", types: ["progress"] });
    const latest = watch(t, registry, { type: "latestEvent", id: "p", eventType: "progress" });
    await settled();
    assert.deepEqual([seen.now().value, latest.now().status], [[], "absent"]);
    await registry.appendEvent("p", progress(1));
    await registry.appendEvent("p", progress(2));
    await settled();
    assert.deepEqual([seen.now().value.length, latest.now().value.payload], [2, 2]);
    const before = [seen.now(), latest.now()];
    await registry.signal("p", "other");
    await settled();
    assert.deepEqual([seen.now() === before[0], latest.now() === before[1]], [true, true]);
  });

  test("of a process that was removed are gone, and those of one that has its id later are shown", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(noted("p"));
    await registry.appendEvent("p", progress(1));
    const seen = watch(t, registry, { type: "events", id: "p" });
    await settled();
    await registry.deleteProcess("p", { force: true });
    await settled();
    assert.equal(seen.now().status, "absent");
    await registry.registerProcess(noted("p"));
    await registry.appendEvent("p", progress(2));
    await settled();
    assert.deepEqual(
      seen.now().value.map(({ payload }) => payload),
      [2],
    );
  });
});

test("a result is running until it is there, and an error says how a process failed", async (t) => {
  const registry = await open(t);
  for (const id of ["good", "bad", "off"]) await registry.registerProcess(noted(id));
  const [good, bad, off, none] = ["good", "bad", "off", "none"].map((id) => watch(t, registry, { type: "result", id }));
  await settled();
  assert.deepEqual([good.now(), none.now()], [{ status: "running" }, { status: "absent" }]);
  await registry.completeProcess("good", success({ bytes: 3 }));
  await registry.completeProcess("bad", { type: "failure", class: "execution", code: "no_room", message: "full" });
  await registry.completeProcess("off", { type: "cancelled", message: "enough" });
  await settled();
  assert.deepEqual(good.now(), { status: "completed", value: { bytes: 3 } });
  assert.deepEqual([bad.now().status, bad.now().error.name, bad.now().error.code], ["failed", "ProcessFailedError", "no_room"]);
  assert.deepEqual([off.now().status, off.now().error.name], ["cancelled", "ProcessCancelledError"]);
  const before = bad.now();
  await registry.appendEvent("bad", { eventType: "progress" });
  await settled();
  assert.equal(bad.now(), before);
});

test("a stream grows by at most one snapshot in its span, begins anew with an attempt, and ends", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const registry = await open(t);
  const turns = [];
  const turn = () => new Promise((go) => turns.push(go));
  const driver = registry.driver({
    runners: {
      async talk({ stream, attempt }) {
        const out = await stream("text");
        for (const word of ["a", "b", "c"]) await out.append(`${word}${attempt}`);
        await out.flush();
        await turn();
        if (attempt === 1) throw new Error("again");
      },
    },
    onRunError() {},
  });
  driver.start();
  const seen = watch(t, registry, { type: "stream", id: "p", name: "text", throttleMs: 40 });
  await settled();
  assert.equal(seen.now().status, "absent");
  await registry.registerProcess({
    id: "p",
    input: { type: "engine", kind: "talk" },
    retry: { maxAttempts: 2, initialIntervalMs: 0, jitter: false },
  });
  const run = async (until) => {
    for (let n = 0; n < 100 && !until(); n++) {
      await settled();
      t.mock.timers.tick(50);
    }
  };
  await run(() => seen.now().value?.values.length === 3);
  assert.deepEqual(seen.now().value, { values: ["a1", "b1", "c1"], attempt: 1, isEnded: false });
  assert.ok(seen.snapshots.length <= 4, `${seen.snapshots.length} snapshots`);
  turns.shift()();
  await run(() => turns.length > 0 && seen.now().value.values.length === 3 && seen.now().value.attempt === 2);
  assert.deepEqual(seen.now().value.values, ["a2", "b2", "c2"]);
  turns.shift()();
  await run(() => seen.now().value.isEnded);
  assert.equal(seen.now().value.isEnded, true);
});
