/**
 * After a trap of the WebAssembly, registries on IndexedDB are opened again on a fresh instance, and what waited goes on waiting. The
 * trap is real: another registry of the same instance uses up the memory.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import "fake-indexeddb/auto";
import { eventTypes, external, settled, success } from "./registry.mjs";
import { small, useUp } from "./small-memory.mjs";

let databases = 0;

/** A registry on IndexedDB with a process `p`; `trap()` ends its instance. */
async function opened(t) {
  const { open, reported } = await small(t);
  const registry = await open({ storage: "indexeddb", name: `reopen-${++databases}` });
  t.after(() => registry.close().catch(() => {}));
  await registry.registerProcess(external("p", { eventTypes }));
  const trap = async () => void (await useUp(await open()));
  return { registry, open, trap, reported };
}

const internal = { name: "ProcessError", code: "internal" };
const progress = { eventType: "progress" };

/** Whether a promise is pending when all that is ready to has run. */
async function isPending(promise) {
  await settled();
  return (
    (await Promise.race([
      promise.then(
        () => "settled",
        () => "settled",
      ),
      "pending",
    ])) === "pending"
  );
}

describe("after a trap, a registry on IndexedDB", () => {
  test("has its waits go on, whatever they are", async (t) => {
    const { registry, trap } = await opened(t);
    await registry.grantHandle({ sessionId: "s" }, "p");
    const { signal } = new AbortController();
    const session = registry.session({ sessionId: "s" });
    const driver = registry.driver({ runners: {} });
    const ends = {
      terminal: registry.awaitTerminal("p"),
      "with a limit and a signal": registry.awaitTerminal("p", { timeoutMs: 600_000, signal }),
      polling: registry.pollingAwaiter().awaitTerminal("p"),
      "of a session": session.awaitTerminal("p"),
      "of a driver": driver.awaitTerminal("p"),
    };
    const events = { event: registry.awaitEvent("p", "done"), "event of a session": session.awaitEvent("p", "done") };
    await trap();
    for (const [name, wait] of Object.entries({ ...ends, ...events })) assert.ok(await isPending(wait), name);
    await registry.appendEvent("p", { eventType: "done", payload: 7, replayKey: "d" });
    for (const [name, end] of Object.entries(ends)) assert.deepEqual(await end, success(7), name);
    for (const [name, event] of Object.entries(events)) assert.equal((await event).payload, 7, name);
  });

  test("follows a log from where it was, without a gap and without a repetition", async (t) => {
    const { registry, trap } = await opened(t);
    const log = registry.events("p");
    const seen = [];
    const append = (payload) => registry.appendEvent("p", { ...progress, payload });
    await append(1);
    seen.push((await log.next()).value.payload);
    const next = log.next();
    await trap();
    await append(2);
    await append(3);
    seen.push((await next).value.payload, (await log.next()).value.payload);
    assert.deepEqual(seen, [1, 2, 3]);
    await log.return();
  });

  test("has a stream continue under the next attempt, and its reader from where it was", async (t) => {
    const { registry, trap } = await opened(t);
    await registry.registerProcess({ id: "job", input: { type: "engine", kind: "job" } });
    const driver = registry.driver({
      runners: {
        async job({ stream, attempt, signal }) {
          const out = await stream("s");
          await out.append(attempt);
          await out.flush();
          if (attempt === 1) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        },
      },
    });
    driver.start();
    const chunks = registry.readStream("job", "s")[Symbol.asyncIterator]();
    assert.deepEqual((await chunks.next()).value, { index: 0, attempt: 1, value: 1 });
    const next = chunks.next();
    await trap();
    assert.deepEqual((await next).value, { index: 1, attempt: 2, value: 2 });
    assert.equal((await chunks.next()).done, true);
  });

  test("counts what was left of the limit of a wait", async (t) => {
    const { registry, trap } = await opened(t);
    const wait = registry.awaitTerminal("p", { timeoutMs: 3_600_000 });
    const long = registry.awaitTerminal("p", { timeoutMs: 7_200_000 });
    long.catch(() => {});
    const timedOut = assert.rejects(wait, { code: "timeout" });
    const { now } = performance;
    t.mock.method(performance, "now", () => now.call(performance) + 3_600_000);
    await trap();
    await timedOut;
    assert.ok(await isPending(long));
  });

  test("drops a wait whose signal aborts while it is opened again, with the signal's own reason", async (t) => {
    const { registry, trap } = await opened(t);
    const stop = new AbortController();
    const wait = registry.awaitTerminal("p", { signal: stop.signal });
    const ended = assert.rejects(wait, (reason) => reason === "enough");
    await trap();
    stop.abort("enough");
    await ended;
    await registry.getProcess("p"); // Opened again by now.
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("reads again, says that the outcome of a write is not known, and takes every later call", async (t) => {
    const { registry, open } = await opened(t);
    const other = await open();
    await other.registerProcess(external("full", { eventTypes }));
    const reason = "x".repeat(6 * 1_048_576);
    const read = registry.getProcess("p");
    const write = registry.appendEvent("p", progress);
    const calls = Array.from({ length: 6 }, (_, n) => other.requestCancel("full", reason + n));
    const written = assert.rejects(write, { ...internal, message: /whether this call was carried out is not known/ });
    await Promise.allSettled(calls);
    await written;
    const later = registry.registerProcess(external("q"));
    assert.equal((await read).id, "p");
    assert.equal((await later).id, "q");
    assert.ok((await registry.eventsAfter("p", 0)).length <= 1);
  });

  test("repeats reads that use up the memory once, and works afterwards", async (t) => {
    const { registry, reported } = await opened(t);
    const long = "x".repeat(1_000);
    const reads = Array.from({ length: 60_000 }, (_, n) => registry.getProcess(long + n));
    const ends = await Promise.allSettled(reads);
    const refused = ends.filter(({ status }) => status === "rejected");
    assert.ok(refused.length > 0);
    for (const { reason } of refused) assert.equal(reason.code, "internal");
    assert.ok(reported.length <= 3, "each is begun twice at most, and not all were begun before the first trap");
    assert.equal((await registry.getProcess("p")).id, "p");
  });

  test("has its listeners and receivers hear of changes, and those that are taken off hear nothing", async (t) => {
    const { registry, trap } = await opened(t);
    const [heard, off] = [[], []];
    registry.onChange((id) => heard.push(id));
    const unsubscribe = registry.onChange((id) => off.push(id));
    const [receiver, closed] = [registry.hub.subscribe("p"), registry.hub.subscribe("p")];
    const changed = receiver.changed();
    await trap();
    unsubscribe();
    closed.close();
    await changed; // It may have changed while it was not watched.
    const next = receiver.changed();
    assert.ok(await isPending(next));
    await assert.rejects(closed.changed(), { code: "closed" });
    heard.length = off.length = 0;
    await registry.appendEvent("p", progress);
    await next;
    assert.deepEqual([heard, off], [["p"], []]);
  });

  test("calls the sink of events that are appended then, and stays the owner that it was", async (t) => {
    const { open } = await small(t);
    const sunk = [];
    const registry = await open({ storage: "indexeddb", name: `reopen-${++databases}`, sink: ({ sequence }) => void sunk.push(sequence) });
    t.after(() => registry.close());
    await registry.registerProcess(external("p", { eventTypes }));
    const { owner } = registry;
    const { lease } = await registry.claimProcessLease("p", owner, 600_000);
    await useUp(await open());
    const { event } = await registry.appendEvent("p", progress);
    assert.deepEqual(sunk, [event.sequence]);
    assert.deepEqual(registry.owner, owner);
    assert.equal((await registry.renewProcessLease(lease, 600_000)).fencingToken, lease.fencingToken);
  });

  test("has its driver begin anew what it ran, and the runs of before end with lease_lost", async (t) => {
    const { registry, trap } = await opened(t);
    const [lost, attempts] = [[], []];
    const first = deferred();
    const driver = registry.driver({
      leaseTtlMs: 300, // Without Web Locks, it is the lease's end that says that its holder is gone.
      renewEveryMs: 100,
      runners: {
        async job({ attempt, signal, step, waitForSignal }) {
          attempts.push(attempt);
          if (attempt === 1) await step("first", () => 1).then(first.resolve);
          else return step("first", () => 2);
          signal.addEventListener("abort", () => lost.push(signal.reason.code));
          await waitForSignal("never").catch((fault) => {
            lost.push(fault.code);
            throw fault;
          });
        },
      },
    });
    driver.start();
    await registry.registerProcess({ id: "j", input: { type: "engine", kind: "job" } });
    await first.promise;
    const [end, idle] = [driver.awaitTerminal("j"), driver.idle()];
    await trap();
    assert.deepEqual(await end, success(1));
    await idle;
    assert.deepEqual(
      [lost, attempts],
      [
        ["lease_lost", "lease_lost"],
        [1, 2],
      ],
    );
    await driver.stop();
  });

  test("leaves a driver stopped that was stopped, and lets one be made and started in between", async (t) => {
    const { registry, trap } = await opened(t);
    const ran = [];
    const runners = (name) => ({ [name]: () => void ran.push(name) });
    const stopped = registry.driver({ runners: runners("stopped") });
    stopped.start();
    await stopped.stop();
    await trap();
    const made = registry.driver({ runners: runners("made") });
    made.start();
    for (const kind of ["stopped", "made"]) await registry.registerProcess({ id: kind, input: { type: "engine", kind } });
    await registry.awaitTerminal("made");
    assert.deepEqual(ran, ["made"]);
    assert.equal((await registry.getProcess("stopped")).status.state, "running");
  });

  test("settles what is pending with closed where it is closed while it is opened again", async (t) => {
    const { registry, trap } = await opened(t);
    const wait = registry.awaitTerminal("p");
    const ended = assert.rejects(wait, { code: "closed" });
    await trap();
    const read = assert.rejects(registry.getProcess("p"), { code: "closed" });
    await registry.close();
    await Promise.all([ended, read, assert.rejects(registry.getProcess("p"), { code: "closed" })]);
    await registry.close();
  });

  test("tells of each trap once, and after the fourth within a minute it stays ended", async (t) => {
    const { registry, trap, reported } = await opened(t);
    const wait = registry.awaitTerminal("p");
    const ended = assert.rejects(wait, { ...internal, message: /4th time within a minute/ });
    for (let time = 0; time < 3; time++) {
      await trap();
      assert.equal((await registry.getProcess("p")).id, "p");
    }
    assert.equal(reported.length, 3);
    await trap();
    await ended;
    assert.equal(reported.length, 4);
    await assert.rejects(registry.getProcess("p"), internal);
    assert.throws(() => registry.onChange(() => {}), internal);
  });

  test("is opened again after any number of traps, if minutes lie between them", async (t) => {
    const { registry, trap } = await opened(t);
    const { now } = performance;
    let passed = 0;
    t.mock.method(performance, "now", () => now.call(performance) + passed);
    for (let time = 0; time < 6; time++) {
      await trap();
      assert.equal((await registry.getProcess("p")).id, "p");
      passed += 60_000;
    }
  });
});

test("a registry in memory says that its processes are gone", async (t) => {
  const { open } = await small(t);
  const registry = await open();
  await useUp(registry);
  await assert.rejects(registry.getProcess("p"), { ...internal, message: /were in memory and are gone with it/ });
});

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
