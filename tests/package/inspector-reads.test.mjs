/** What the inspector reads, and when. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importSource } from "./bundled.mjs";
import { eventTypes, external, open, settled, success } from "./registry.mjs";

const { Leases, LogPages, Reader, Reading } = await importSource(
  ...["leases", "log-pages", "reader", "reading"].map((name) => `js/inspector/data/${name}.ts`),
);

/** A registry that notes each call, and is asked for those since it was last asked. */
function counted(registry) {
  let calls = [];
  const methods = Object.entries(registry).filter(([, own]) => typeof own === "function");
  const counting = Object.fromEntries(methods.map(([name, own]) => [name, (...given) => (calls.push([name, ...given]), own(...given))]));
  return { ...registry, ...counting, calls: () => calls.splice(0), names: () => calls.splice(0).map(([name]) => name) };
}

const append = (registry, id, count) =>
  registry.appendEvents(
    id,
    Array.from({ length: count }, (_, n) => ({ eventType: "progress", payload: { percent: n % 100 } })),
  );

async function logged(t, count) {
  const registry = counted(await open(t));
  await registry.registerProcess(external("p", { eventTypes }));
  await append(registry, "p", count);
  registry.calls();
  return registry;
}

describe("what collects", () => {
  test("begins when it can be seen, ends when it cannot, and begins again", () => {
    const reader = new Reader({ onWake: () => () => {} });
    const story = [];
    const end = reader.whileSeen(() => (story.push("begun"), () => story.push("ended")));
    assert.deepEqual(story.splice(0), []);
    reader.show(true);
    reader.show(true);
    assert.deepEqual(story.splice(0), ["begun"]);
    reader.show(false);
    assert.deepEqual(story.splice(0), ["ended"]);
    reader.show(true);
    end();
    reader.show(false);
    reader.show(true);
    assert.deepEqual(story.splice(0), ["begun", "ended"]);
  });

  test("hears of wakes while it can be seen, and keeps what it heard", () => {
    let listener;
    const reader = new Reader({ onWake: (given) => ((listener = given), () => (listener = undefined)) });
    assert.equal(listener, undefined);
    reader.show(true);
    listener({ processId: "p", wait: "terminal", by: "tick", afterMs: 1 });
    reader.show(false);
    assert.equal(listener, undefined);
    assert.deepEqual(
      reader.wakes.heard.map(({ processId, by }) => [processId, by]),
      [["p", "tick"]],
    );
  });

  test("looks again only when the look before is over, and not while it is hidden", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const reader = new Reader({ onWake: () => () => {} });
    const looks = [];
    reader.every(1_000, () => new Promise((over) => looks.push(over)));
    reader.show(true);
    t.mock.timers.tick(5_000);
    assert.equal(looks.length, 1);
    looks[0]();
    await new Promise(setImmediate);
    t.mock.timers.tick(1_000);
    assert.equal(looks.length, 2);
    reader.show(false);
    looks[1]();
    await new Promise(setImmediate);
    t.mock.timers.tick(5_000);
    assert.equal(looks.length, 2);
  });
});

describe("a log", () => {
  const pagesOf = (registry) => {
    const faults = [];
    return Object.assign(
      new LogPages(
        registry,
        "p",
        () => {},
        (fault) => faults.push(fault),
      ),
      { faults },
    );
  };

  test("is read a page at a time, each once, wherever it is looked at", async (t) => {
    const registry = await logged(t, 1_000);
    const pages = pagesOf(registry);
    for (const sequence of [951, 1_000, 999]) assert.equal(pages.at(sequence), undefined);
    await settled();
    assert.deepEqual(registry.calls(), [["eventsAfter", "p", 900, { limit: 100 }]]);
    assert.equal(pages.at(951).sequence, 951);
    assert.deepEqual(registry.calls(), []);
  });

  test("that grew is read from where it ended", async (t) => {
    const registry = await logged(t, 30);
    const pages = pagesOf(registry);
    pages.at(30);
    await settled();
    await append(registry, "p", 20);
    registry.calls();
    pages.at(50);
    await settled();
    assert.deepEqual(registry.calls(), [["eventsAfter", "p", 30, { limit: 70 }]]);
    assert.deepEqual([pages.at(1).sequence, pages.at(50).sequence], [1, 50]);
  });

  test("of any length keeps so many pages: those that were looked at last", async (t) => {
    const registry = await logged(t, 4_200);
    const pages = pagesOf(registry);
    for (let sequence = 1; sequence <= 4_200; sequence += 100) {
      pages.at(sequence);
      await settled();
      pages.at(1);
    }
    registry.calls();
    assert.equal(pages.at(1).sequence, 1);
    assert.equal(pages.at(101), undefined);
    assert.deepEqual(registry.names(), ["eventsAfter"]);
    await settled();
  });

  test("that cannot be read says why", async (t) => {
    const registry = await logged(t, 1);
    const pages = pagesOf(registry);
    await registry.deleteProcess("p", { force: true });
    pages.at(1);
    await settled();
    assert.deepEqual(
      pages.faults.map(({ code }) => code),
      ["unknown_process"],
    );
  });
});

describe("one process", () => {
  /** Reads a process, and is shown. */
  async function reading(t, registry) {
    const reader = new Reader(registry);
    reader.show(true);
    const faults = [];
    const read = new Reading(
      reader,
      "p",
      () => {},
      (fault) => faults.push(fault),
    );
    t.after(() => read.end());
    await settled();
    return Object.assign(read, { faults });
  }

  test("of a long log reads the end, and earlier events when it is asked to", async (t) => {
    const registry = await logged(t, 2_500);
    const read = await reading(t, registry);
    assert.deepEqual([read.events.value[0].sequence, read.lastSequence, read.hasEarlier], [1_501, 2_500, true]);
    assert.deepEqual(
      registry.calls().filter(([name]) => name === "recentEvents"),
      [["recentEvents", "p", 1_000]],
    );
    read.readEarlier();
    await settled();
    assert.deepEqual([read.events.value[0].sequence, read.hasEarlier], [501, true]);
    read.readEarlier();
    await settled();
    assert.deepEqual([read.events.value[0].sequence, read.hasEarlier], [1, false]);
  });

  test("reads nothing while it is hidden, and all of it when it is shown", async (t) => {
    const registry = counted(await open(t));
    await registry.registerProcess(external("p", { eventTypes }));
    const reader = new Reader(registry);
    registry.calls();
    const read = new Reading(
      reader,
      "p",
      () => {},
      () => {},
    );
    t.after(() => read.end());
    await append(registry, "p", 1);
    await settled();
    assert.deepEqual(registry.names(), ["appendEvents"]);
    assert.equal(read.record.status, "loading");
    reader.show(true);
    await settled();
    assert.equal(read.record.value.id, "p");
    assert.equal(read.lastSequence, 1);
  });

  test("knows its children, its lease, and when it was seen to begin", async (t) => {
    const registry = counted(await open(t));
    await registry.registerProcess(external("p"));
    await registry.registerProcess(external("p/c", { parentId: "p" }));
    const { lease } = await registry.claimProcessLease("p", { ownerId: "me", incarnationId: "1" }, 60_000);
    const read = await reading(t, registry);
    const seen = read.seen(Date.now());
    assert.deepEqual(
      seen.children.map(({ id }) => id),
      ["p/c"],
    );
    assert.deepEqual([seen.lease.leaseToken, seen.begunMs, read.holder], [lease.leaseToken, lease.claimedAtMs, "elsewhere"]);
    await registry.completeProcessWithLease(lease, success(1));
    await settled();
    assert.equal(read.seen(Date.now()).begunMs, lease.claimedAtMs, "what was seen is remembered");
    assert.deepEqual(read.faults, []);
  });
});

test("of the processes on the screen, the leases of those are read that may be run", async () => {
  const record = (id, more) => ({ id, status: { state: "running" }, input: { type: "engine" }, ...more });
  const asked = [];
  const lease = { leaseToken: "t" };
  const registry = { onWake: () => () => {}, getProcessLease: async (id) => (asked.push(id), id === "held" ? lease : undefined) };
  const shown = [
    record("held"),
    record("free"),
    record("waits", { wait: { kind: "timer" } }),
    record("paused", { paused: {} }),
    record("ended", { status: { state: "failed" } }),
    record("external", { input: { type: "external" } }),
  ];
  let changes = 0;
  const leases = new Leases(
    new Reader(registry),
    () => shown,
    () => changes++,
  );
  await leases.look();
  assert.deepEqual(asked, ["held", "free"]);
  assert.deepEqual([leases.of("held"), leases.of("free"), leases.of("waits")], [lease, null, undefined]);
  await leases.look();
  assert.equal(changes, 1, "what is as before is no change");
});
