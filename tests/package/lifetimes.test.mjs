/** What was started lives until it is stopped or closed: the garbage collector ends nothing. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { eventTypes, external, open, openRegistry, success } from "./registry.mjs";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");

/** Collects what nothing refers to, and lets finalizers run. */
async function collect() {
  for (let time = 0; time < 5; time++) {
    gc();
    await new Promise((turn) => setImmediate(turn));
  }
}

/** What a script prints, as JSON, that is run by itself: it leaves a registry open, and what is open never ends by itself. */
function alone(script) {
  const { stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", "--input-type=module", "--eval", script], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  assert.ok(stdout, stderr);
  return JSON.parse(stdout);
}

test("a driver that nothing refers to runs its processes to their ends", () => {
  const { collections, outcomes } = alone(`
    import { openRegistry } from "longwait";
    import { forget } from "../lifetimes/forget.mjs";
    console.log(JSON.stringify(await forget({ openRegistry, gc, options: { storage: "memory" }, count: 10 })));
    process.exit();
  `);
  assert.ok(collections >= 3);
  assert.deepEqual(outcomes, { completed: 10 });
});

test("waits of a registry that nothing else refers to stay pending", () => {
  const states = alone(`
    import { openRegistry } from "longwait";
    async function started() {
      const registry = await openRegistry({ storage: "memory" });
      await registry.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "done" }] });
      await registry.grantHandle({ sessionId: "s" }, "p");
      const { signal } = new AbortController();
      return [
        registry.awaiter.awaitTerminal("p"), registry.awaiter.awaitEvent("p", "done", 0, { signal }), registry.pollingAwaiter().awaitTerminal("p"),
        registry.events("p").next(), registry.hub.subscribe("p").changed(), registry.session({ sessionId: "s" }).awaitTerminal("p"),
      ];
    }
    const waits = await started();
    for (let time = 0; time < 10; time++) {
      gc();
      await new Promise((turn) => setImmediate(turn));
    }
    const states = waits.map((wait) => Promise.race([wait, "pending"]).catch(({ code }) => code));
    console.log(JSON.stringify(await Promise.all(states)));
    process.exit();
  `);
  assert.deepEqual(states, Array(6).fill("pending"));
});

describe("while its registry is open", () => {
  test("a receiver that waits resolves at the change, though nothing refers to it", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const changed = registry.hub.subscribe("p").changed();
    await collect();
    assert.equal(registry.hub.trackedProcesses, 1);
    await registry.appendEvent("p", { eventType: "progress" });
    await changed;
  });

  test("an iterator, an awaiter and a session that nothing refers to answer", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    await registry.grantHandle({ sessionId: "s" }, "p");
    const next = registry.events("p")[Symbol.asyncIterator]().next();
    const ends = [registry.pollingAwaiter().awaitTerminal("p"), registry.session({ sessionId: "s" }).awaitTerminal("p")];
    await collect();
    await registry.appendEvent("p", { eventType: "progress", payload: 1 });
    assert.equal((await next).value.payload, 1);
    await registry.completeProcess("p", success(7));
    assert.deepEqual(await Promise.all(ends), [success(7), success(7)]);
  });

  test("a listener hears of changes, though nothing refers to it, its registry or what takes it off", async () => {
    const heard = [];
    const listener = (id) => heard.push(id);
    async function listening() {
      const registry = await openRegistry({ storage: "memory" });
      registry.onChange(listener);
      const { registerProcess, close } = registry;
      return { registerProcess, close };
    }
    const { registerProcess, close } = await listening();
    await collect();
    await registerProcess(external("p"));
    assert.deepEqual(heard, ["p"]);
    await close();
  });

  test("a wait ends with its signal, though nothing else refers to that", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const ended = assert.rejects(registry.awaiter.awaitTerminal("p", { signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
    await collect();
    await ended;
  });

  test("a runner's wait resolves, though nothing else refers to its signal", async (t) => {
    const registry = await open(t);
    const driver = registry.driver({
      runners: { job: ({ waitForSignal }) => waitForSignal("go", { signal: new AbortController().signal }).then(({ payload }) => payload) },
    });
    driver.start();
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
    await registry.awaiter.awaitEvent("p", "process.waiting");
    await collect();
    await driver.signal("p", "go", 7);
    assert.deepEqual(await driver.awaitTerminal("p"), success(7));
  });
});

test("what was closed is let go of", async () => {
  const gone = [];
  const finalizers = new FinalizationRegistry((name) => gone.push(name));
  async function opened() {
    const registry = await openRegistry({ storage: "memory" });
    const listener = () => {};
    finalizers.register(listener, "listener");
    registry.onChange(listener);
    const runners = { job: () => {} };
    finalizers.register(runners.job, "runner");
    registry.driver({ runners }).start();
    await registry.close();
  }
  await opened();
  for (let time = 0; time < 50 && gone.length < 2; time++) await collect();
  assert.deepEqual(gone.sort(), ["listener", "runner"]);
});

test("a host that runs the work itself is asked no more once the registry is closed, whatever time passes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const registry = await openRegistry({ storage: "memory" });
  const asked = [];
  let resolve;
  const first = new Promise((done) => (resolve = done));
  const driver = registry.driver({ runHandle: { claimAndRunPending: async (reason) => (asked.push(reason), resolve()) } });
  driver.start();
  await first;
  await collect();
  t.mock.timers.tick(10_000);
  await collect();
  assert.deepEqual(asked, ["start", "floor"]);
  await registry.close();
  t.mock.timers.tick(60_000);
  await collect();
  assert.deepEqual(asked, ["start", "floor"]);
  assert.throws(() => driver.start(), { code: "closed" });
});
