/**
 * A trap ends the instance of the WebAssembly, and what is in memory with it: all that is owed rejects, and the next registry gets another
 * instance. The traps here are real: the memory of the instance is used up. What comes of registries on IndexedDB is in reopen.test.mjs.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, eventTypes } from "./registry.mjs";
import { small, useUp } from "./small-memory.mjs";

const internal = { name: "ProcessError", code: "internal" };

async function allReject(promises) {
  await Promise.all(Object.entries(promises).map(([name, promise]) => assert.rejects(promise, internal, name)));
}

describe("when the memory is used up", () => {
  test("the calls that are under way reject", async (t) => {
    const { open } = await small(t);
    const ends = await useUp(await open());
    const refused = ends.filter(({ status }) => status === "rejected");
    assert.ok(refused.length > 0);
    for (const { reason } of refused) assert.equal(reason.code, "internal");
  });

  test("every wait rejects, of this and of other registries, with a timeout or without", async (t) => {
    const { open } = await small(t);
    const [full, other] = [await open(), await open({ name: "other" })];
    for (const registry of [full, other]) await registry.registerProcess(external("p", { eventTypes }));
    const { signal } = new AbortController();
    const [log, waiting] = [other.events("p"), other.hub.subscribe("p")];
    await other.grantHandle({ sessionId: "s" }, "p");
    const waits = {
      terminal: full.awaiter.awaitTerminal("p"),
      "with a timeout": full.awaiter.awaitTerminal("p", { timeoutMs: 60_000 }),
      "with a signal": full.awaiter.awaitTerminal("p", { signal }),
      event: full.awaiter.awaitEvent("p", "done"),
      "in another registry": other.awaiter.awaitEvent("p", "done", 0, { timeoutMs: 60_000, signal }),
      polling: other.pollingAwaiter().awaitTerminal("p"),
      "of an iterator": log.next(),
      "of a receiver": waiting.changed(),
      "of a session": other.session({ sessionId: "s" }).awaitTerminal("p"),
    };
    for (const wait of Object.values(waits)) wait.catch(() => {});
    await useUp(full);
    await allReject(waits);
  });

  test("runs are stopped, and all that a driver owes rejects", async (t) => {
    const { open } = await small(t);
    const registry = await open();
    const began = deferred();
    const inStep = deferred();
    const driver = registry.driver({
      runners: {
        job: ({ signal, awaitTerminal, waitForSignal, append, step }) => {
          const stopped = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
          const waits = {
            stopped,
            awaitTerminal: awaitTerminal("other"),
            waitForSignal: waitForSignal("go"),
            step: step("long", () => inStep.promise),
          };
          for (const wait of Object.values(waits)) wait.catch(() => {});
          signal.addEventListener("abort", () => {
            waits.append = append({ eventType: "progress" });
            waits.append.catch(() => {});
          });
          began.resolve({ waits });
          return stopped;
        },
      },
    });
    driver.start();
    await registry.registerProcess(external("other"));
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" }, eventTypes: [{ name: "progress" }] });
    const { waits } = await began.promise;
    const owed = { idle: driver.idle(), "driver.awaitTerminal": driver.awaitTerminal("p") };
    for (const promise of Object.values(owed)) promise.catch(() => {});
    await useUp(registry);
    assert.ok("append" in waits);
    await allReject(owed);
    for (const [name, promise] of Object.entries(waits)) await assert.rejects(promise, { code: "lease_lost", processId: "p" }, name);
    await allReject({ stop: driver.stop(), sweep: driver.claimAndRunPending(), idle: driver.idle() });
    assert.throws(() => driver.start(), internal);
    inStep.resolve();
  });

  test("every later call rejects at once, but what it was stays readable, and letting go is no fault", async (t) => {
    const { open } = await small(t);
    const registry = await open({ name: "mine" });
    await registry.registerProcess(external("p", { eventTypes }));
    const { owner } = registry;
    const [receiver, log, session] = [registry.hub.subscribe("p"), registry.events("p"), registry.session({ sessionId: "s" })];
    const unsubscribe = registry.onChange(() => {});
    await useUp(registry);
    await allReject({
      getProcess: registry.getProcess("p"),
      append: registry.appendEvent("p", { eventType: "progress" }),
      wait: registry.awaiter.awaitTerminal("p", { timeoutMs: 0 }),
      changed: receiver.changed(),
      next: log.next(),
      session: session.list(),
      ownerGone: registry.ownerGone(owner),
      close: registry.close(),
      again: registry.close(),
    });
    for (const call of [
      () => registry.hub.subscribe("p"),
      () => registry.hub.notify("p"),
      () => registry.hub.trackedProcesses,
      () => registry.onChange(() => {}),
      () => registry.driver({}),
      () => registry.events("p"),
      () => registry.session({ sessionId: "s" }),
    ])
      assert.throws(call, internal);
    receiver.close();
    unsubscribe();
    assert.deepEqual([registry.name, registry.durability, registry.owner], ["mine", "memory", owner]);
  });

  test("it is reported once, where nothing of the instance can be read from", async (t) => {
    const { open, reported } = await small(t);
    const registry = await open();
    const seen = [];
    const { prepareStackTrace } = Error;
    t.after(() => (Error.prepareStackTrace = prepareStackTrace));
    Error.prepareStackTrace = (_, sites) => (seen.push(...sites.map((site) => site.getThis())), "");
    const ends = await useUp(registry);
    for (const error of [...reported, ...ends.map(({ reason }) => reason).filter(Boolean)])
      for (let cause = error; cause; cause = cause.cause) void cause.stack;
    assert.equal(reported.length, 1);
    assert.match(reported[0].message, /RuntimeError|memory/);
    assert.deepEqual(
      seen.filter((object) => object instanceof WebAssembly.Instance),
      [],
    );
  });

  test("the next registry gets an instance of its own, again and again", async (t) => {
    const { open } = await small(t);
    for (let time = 0; time < 5; time++) {
      const registry = await open();
      await registry.registerProcess(external("p", { eventTypes }));
      const end = registry.awaiter.awaitTerminal("p");
      await registry.completeProcess("p", { type: "success", value: time });
      assert.deepEqual(await end, { type: "success", value: time });
      await useUp(registry);
      await assert.rejects(registry.getProcess("p"), internal);
    }
  });

  test("those that are opened at the same moment get one, too", async (t) => {
    const { open } = await small(t);
    const first = await open();
    const [registries] = await Promise.all([Promise.allSettled([open(), open()]), useUp(first)]);
    for (const { status, reason } of registries) if (status === "rejected") assert.equal(reason.code, "internal");
    const later = await open();
    await later.registerProcess(external("p"));
    await later.close();
  });

  test("what the instance is called back for later, by timers and promises, throws nothing", async (t) => {
    const { open } = await small(t);
    const faults = [];
    const note = (fault) => faults.push(fault);
    for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, note);
    t.after(() => {
      for (const event of ["uncaughtException", "unhandledRejection"]) process.off(event, note);
    });
    const held = deferred();
    const registry = await open({ sink: () => held.promise });
    await registry.registerProcess(external("p", { eventTypes }));
    const kept = [registry.appendEvent("p", { eventType: "progress" }), registry.awaiter.awaitTerminal("p", { timeoutMs: 40 })];
    const other = await open();
    await useUp(other);
    await Promise.allSettled(kept);
    held.resolve();
    await new Promise((later) => setTimeout(later, 60)); // Past the timers of the instance that is dead.
    assert.deepEqual(faults, []);
  });
});

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
