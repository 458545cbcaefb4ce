/** What a world of `longwait/testing` does with its tabs, its time and its mocks, and what it says of what is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess, NonRetryableError, openRegistry } from "longwait";
import { createTestWorld } from "longwait/testing";

const job = defineProcess({ kind: "job" });
const [SECOND_MS, DAY_MS] = [1_000, 86_400_000];
const forEver = () => new Promise(() => {});

/** A world that is closed at the end of its test, with the run of a job. */
async function worldOf(t, run, options = {}) {
  const world = await createTestWorld({ processes: [job.implement(run)], ...options });
  t.after(() => world.close().catch(() => {}));
  return world;
}

const value = async (registry, id) => {
  const output = await registry.awaitTerminal(id);
  return output.type === "success" ? output.value : `${output.type}: ${output.message}`;
};

// ── Time ─────────────────────────────────────────────────────────────────────────────────────────

test("no time passes while the code of a step is under way, nor while the test waits for something else", async (t) => {
  const slow = () => new Promise((over) => setTimeout(over, 20, "slow"));
  const world = await worldOf(t, ({ step }) => step("slow", slow));
  const [tab, began] = [await world.tab(), world.clock.now()];
  const { id } = await tab.registry.start(job);
  assert.equal(await value(tab.registry, id), "slow");
  await slow();
  assert.ok(world.clock.now() - began < SECOND_MS, `${world.clock.now() - began} ms`);
});

test("no time passes while the code of a run is under way outside of a step", async (t) => {
  const world = await worldOf(t, async () => (await new Promise((over) => setTimeout(over, 20)), world.clock.now()));
  const [tab, began] = [await world.tab(), world.clock.now()];
  assert.ok((await value(tab.registry, (await tab.registry.start(job)).id)) - began < SECOND_MS);
});

test("time passes to the end of a wait's limit, and no further", async (t) => {
  const world = await worldOf(t, forEver);
  const began = world.clock.now();
  await world.registry.registerProcess({ id: "p", input: { type: "external" } });
  await assert.rejects(world.registry.awaitTerminal("p", { timeoutMs: 10 * DAY_MS }), { code: "timeout" });
  const late = world.clock.now() - began - 10 * DAY_MS;
  assert.ok(late >= 0 && late < 60 * SECOND_MS, `${late} ms`);
});

test("a run that waits for a signal is waited for as long as its limit, in the world's time", async (t) => {
  const world = await worldOf(t, ({ waitForSignal }) => waitForSignal("go", { timeoutMs: 30 * DAY_MS }).catch(({ code }) => code));
  const [tab, began] = [await world.tab(), world.clock.now()];
  const { id } = await tab.registry.start(job);
  assert.equal(await value(tab.registry, id), "timeout");
  assert.ok(world.clock.now() - began >= 30 * DAY_MS);
});

test("the clock moves through each timer in its order", async (t) => {
  const world = await worldOf(t, async ({ sleep, step }) => {
    const seen = [];
    for (const hours of [1, 5, 30]) {
      await sleep(`${hours}`, hours * 3_600_000);
      seen.push(await step(`at ${hours}`, () => world.clock.now()));
    }
    return seen;
  });
  const [tab, began] = [await world.tab(), world.clock.now()];
  const { id } = await tab.registry.start(job);
  await world.clock.advance("2d");
  assert.equal(world.clock.now(), began + 2 * DAY_MS);
  const hours = (await value(tab.registry, id)).map((at) => (at - began) / 3_600_000);
  assert.deepEqual(hours.map(Math.floor), [1, 6, 36]);
  assert.ok(
    hours.every((at) => at % 1 < 0.01),
    `${hours}`,
  );
});

test("the time limit of a step is by the world's clock", async (t) => {
  const world = await worldOf(t, ({ step }) => step("hangs", forEver, { timeoutMs: 60_000 }).catch(({ name }) => name));
  const tab = await world.tab();
  const { id } = await tab.registry.start(job);
  while ((await world.registry.getProcessLease(id)) === undefined);
  await world.clock.advance("59s");
  assert.equal((await world.registry.getProcess(id)).status.state, "running");
  await world.clock.advance("2s");
  assert.equal(await value(tab.registry, id), "TimeoutError");
});

test("a view of a log that stays open moves no time, and one that ends with its process does", async (t) => {
  const world = await worldOf(t, ({ waitForSignal }) => waitForSignal("go", { timeoutMs: DAY_MS }).catch(({ code }) => code));
  const [tab, began] = [await world.tab(), world.clock.now()];
  const { id } = await tab.registry.start(job);
  const view = tab.registry.events(id)[Symbol.asyncIterator]();
  assert.equal((await view.next()).value.eventType, "process.waiting");
  const next = view.next();
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  assert.ok(world.clock.now() - began < SECOND_MS);
  const types = [];
  for await (const { eventType } of tab.registry.events(id, { untilTerminal: true })) types.push(eventType);
  assert.deepEqual(types, ["process.waiting", "process.resumed", "process.completed"]);
  assert.equal((await next).value.eventType, "process.resumed");
});

test("where time does not pass by itself, only the test moves it", async (t) => {
  const world = await worldOf(t, ({ sleep }) => sleep("long", DAY_MS), { autoAdvance: false });
  const [tab, began] = [await world.tab(), world.clock.now()];
  const handle = await tab.registry.start(job);
  const result = handle.result();
  await world.untilWaiting(handle.id, "long");
  await world.untilIdle();
  assert.equal(world.clock.now(), began);
  await assert.rejects(world.untilWaiting(handle.id, "go"), { code: "timeout" });
  await world.clock.advance(DAY_MS);
  assert.equal(await result, null);
});

test("spans are milliseconds or words, and nothing else", async (t) => {
  const world = await worldOf(t, forEver);
  const began = world.clock.now();
  const spans = [0, 1, "1ms", "1s", "1m", " 1h 30m ", "1.5d", "1w"];
  for (const span of spans) await world.clock.advance(span);
  assert.equal(world.clock.now() - began, 0 + 1 + 1 + 1_000 + 60_000 + 5_400_000 + 129_600_000 + 604_800_000);
  for (const span of ["", "3 days", "d", "-1s", -1, NaN, Infinity, undefined, {}])
    await assert.rejects(world.clock.advance(span), { code: "invalid_argument" }, String(span));
});

// ── Tabs ─────────────────────────────────────────────────────────────────────────────────────────

test("a tab has all that a registry has", async (t) => {
  const world = await worldOf(t, forEver);
  const plain = await openRegistry({ storage: "memory" });
  t.after(() => plain.close());
  for (const { registry } of [world, await world.tab()]) {
    assert.deepEqual(Object.keys(registry), Object.keys(plain));
    assert.deepEqual([registry.name, registry.durability, registry.owner.liveness.kind], ["test", "memory", "web_lock"]);
  }
});

test("without hints a tab finds by its poller what another one did", async (t) => {
  const world = await worldOf(t, () => "done");
  const tab = await world.tab();
  const passed = async () => {
    const began = world.clock.now();
    const { id } = await world.registry.start(job);
    assert.equal(await value(tab.registry, id), "done");
    return world.clock.now() - began;
  };
  await passed();
  assert.equal(await passed(), 0);
  world.partition();
  const late = await passed();
  assert.ok(late > 0 && late <= 2 * SECOND_MS, `${late} ms`);
  world.heal();
  assert.equal(await passed(), 0);
});

test("what needs the network waits until a tab is online", async (t) => {
  const world = await worldOf(t, () => "sent");
  const tab = await world.tab();
  tab.goOffline();
  const { id } = await tab.registry.start(job, undefined, { requires: "network" });
  await world.untilIdle();
  assert.equal((await tab.registry.getProcess(id)).status.state, "running");
  tab.goOnline();
  assert.equal(await value(tab.registry, id), "sent");
});

test("a step of what needs the network is tried again once the tab is online, and its limit counts from then", async (t) => {
  const retry = { initialIntervalMs: SECOND_MS, jitter: false };
  const world = await worldOf(t, ({ step }) => step("send", () => "sent", { retry, timeoutMs: 5 * SECOND_MS }));
  const tab = await world.tab();
  const send = world.mockStep("send", ({ attempt }) => {
    if (attempt > 1) return `sent by attempt ${attempt}`;
    tab.goOffline();
    throw new TypeError("failed to fetch");
  });
  const { id } = await tab.registry.start(job, undefined, { requires: "network" });
  const { wait } = await world.untilWaiting(id, "send");
  await world.clock.advance("1d");
  await world.untilIdle();
  assert.deepEqual([send.calls, (await tab.registry.getProcess(id)).wait], [1, wait]);
  tab.goOnline();
  assert.equal(await value(tab.registry, id), "sent by attempt 2");
});

for (const [which, withinMs, look] of [
  ["within a minute", 60 * SECOND_MS, ({ clock }) => clock.advance("1m")],
  ["by each sweep", 0, (_, driver) => driver.claimAndRunPending()],
]) {
  test(`a detector that says nothing when the network comes is asked again ${which}`, async (t) => {
    const world = await worldOf(t, () => "done");
    const { registry } = world;
    let isOnline = true;
    const sends = ({ step }) => {
      isOnline = false;
      const fails = ({ attempt }) => (attempt === 1 ? Promise.reject(new Error("failed to fetch")) : "sent");
      return step("send", fails, { retry: { initialIntervalMs: SECOND_MS, jitter: false } });
    };
    const onlineDetector = { isOnline: () => isOnline, subscribe: () => () => {} };
    const driver = registry.driver({ onlineDetector, runners: { sends, begins: () => "begun" } });
    driver.start();
    const register = (id, kind) => registry.registerProcess({ id, input: { type: "engine", kind }, requires: "network" });
    await register("p", "sends");
    await world.untilWaiting("p", "send");
    await driver.claimAndRunPending();
    await register("q", "begins");
    await world.clock.advance("5s");
    const states = async () => Promise.all(["p", "q"].map(async (id) => (await registry.getProcess(id)).status.state));
    assert.deepEqual(await states(), ["running", "running"]);
    isOnline = true;
    const found = world.clock.now();
    await look(world, driver);
    assert.deepEqual([await value(registry, "p"), await value(registry, "q")], ["sent", "begun"]);
    assert.ok(world.clock.now() - found <= withinMs, `${world.clock.now() - found} ms`);
  });
}

test("nothing of a tab that crashed is answered, and nothing of what it writes arrives", async (t) => {
  const answers = [];
  let hold = () => {};
  const world = await worldOf(t, async ({ step, append, attempt }) => {
    await step("first", () => new Promise((over) => (hold = over)));
    await append({ eventType: "signal.seen", payload: attempt }).then(() => answers.push(attempt));
    return attempt;
  });
  const tab = await world.tab();
  const [registry, { id }] = [tab.registry, await tab.registry.start(job)];
  while (hold.length === 0) await world.registry.getProcess(id);
  const crashed = hold;
  const pending = registry.awaitTerminal(id).then(() => answers.push("of the crashed tab"));
  tab.crash();
  crashed();
  assert.equal(tab.state, "crashed");
  await world.untilIdle();
  hold = () => {};
  const other = await world.tab();
  while (hold.length === 0) await world.registry.getProcess(id);
  hold();
  assert.equal(await value(other.registry, id), 2);
  assert.deepEqual(answers, [2]);
  assert.throws(() => tab.registry, { code: "closed", message: /tab-1 has crashed/ });
  assert.throws(() => tab.crash(), { code: "closed" });
  void [pending, registry.getProcess(id).then(() => answers.push("late"))];
  await world.untilIdle();
  assert.deepEqual(answers, [2]);
});

test("a frozen tab answers when it thaws", async (t) => {
  const world = await worldOf(t, () => "done");
  const tab = await world.tab();
  tab.freeze();
  const started = tab.registry.start(job, undefined, { id: "p" });
  await world.untilIdle();
  assert.equal(await world.registry.getProcess("p"), undefined);
  assert.throws(() => tab.freeze(), { code: "conflict" });
  tab.thaw();
  assert.equal(await (await started).result(), "done");
});

test("a driver of the test's own runs with the mocks and in the time of the world", async (t) => {
  const world = await createTestWorld({ runners: {} });
  t.after(() => world.close());
  const tab = await world.tab();
  const charge = world.mockStep("charge", "mocked");
  const own = tab.registry.driver({ runners: { own: async ({ step, sleep }) => (await sleep("a", DAY_MS), step("charge", forEver)) } });
  own.start();
  await tab.registry.registerProcess({ id: "p", input: { type: "engine", kind: "own" } });
  assert.equal(await value(tab.registry, "p"), "mocked");
  assert.equal(charge.calls, 1);
});

test("a seed decides which tab does what, and does so again", async () => {
  const holders = async (seed) => {
    const world = await createTestWorld({ processes: [job.implement(({ waitForSignal }) => waitForSignal("never"))], seed, start: 0 });
    for (let tab = 0; tab < 3; tab++) await world.tab();
    for (let place = 0; place < 8; place++) await world.registry.start(job, undefined, { id: `p${place}` });
    await world.untilIdle();
    const leases = [];
    for (let place = 0; place < 8; place++) leases.push((await world.registry.getProcessLease(`p${place}`)).owner.ownerId);
    await world.close();
    assert.equal(world.seed, seed);
    return leases.join(" ");
  };
  const all = [];
  for (let seed = 1; seed <= 5; seed++) all.push(await holders(seed));
  assert.ok(new Set(all).size > 1, all[0]);
  assert.equal(await holders(3), all[2]);
});

// ── Steps ────────────────────────────────────────────────────────────────────────────────────────

test("a mock of a step gives a value, an error, or what a function makes of it", async (t) => {
  const world = await worldOf(t, ({ step }) => step("charge", () => "real"), { driver: { onRunError() {} } });
  const tab = await world.tab();
  const run = async () => value(tab.registry, (await tab.registry.start(job)).id);
  const charge = world.mockStep("charge", { amount: 3 });
  assert.deepEqual(await run(), { amount: 3 });
  world.mockStep({ kind: "job", key: "charge" }, new NonRetryableError("declined"));
  assert.match(await run(), /^failure: declined$/);
  const around = world.mockStep(
    "charge",
    async ({ attempt, idempotencyKey }, original) => `${await original()} ${attempt} ${typeof idempotencyKey}`,
  );
  assert.equal(await run(), "real 1 string");
  around.restore();
  assert.match(await run(), /declined/);
  assert.deepEqual([charge.calls, around.calls], [1, 1]);
});

test("a step that fails while offline is tried again by its policy, without waiting", async (t) => {
  const retry = { maxAttempts: 5, initialIntervalMs: 60_000, jitter: false };
  const world = await worldOf(t, ({ step }) => step("send", () => "sent", { retry }));
  const [tab, began] = [await world.tab(), world.clock.now()];
  const send = world.mockStep("send", ({ attempt }) => {
    if (attempt < 4) throw new TypeError("failed to fetch");
    return attempt;
  });
  const { id } = await tab.registry.start(job);
  const { wait } = await world.untilWaiting(id, "send");
  assert.deepEqual([wait.kind, wait.attempt], ["retry", 2]);
  assert.equal(await value(tab.registry, id), 4);
  assert.equal(send.calls, 4);
  assert.ok(world.clock.now() - began >= 60_000 * (1 + 1 + 1));
});

test("a mock whose step no run asked for is named when the world is closed", async () => {
  const world = await createTestWorld({ runners: {}, seed: 7 });
  world.mockStep("charge", 1);
  world.mockStep({ kind: "order", key: "send" }, 1);
  await assert.rejects(world.close(), {
    code: "invalid_argument",
    message: /no run asked for the step send of order\n.*no run asked for the step charge\n\(seed 7\)/,
  });
});

// ── What is wrong ────────────────────────────────────────────────────────────────────────────────

test("a wait that will not come says where each process stands", async (t) => {
  const world = await worldOf(t, ({ waitForSignal }) => waitForSignal("approval"));
  const tab = await world.tab();
  await tab.registry.start(job, undefined, { id: "p" });
  await world.registry.registerProcess({ id: "q", input: { type: "external" } });
  await assert.rejects(world.untilWaiting("p", "payment"), {
    code: "timeout",
    message:
      /"p" waits for "payment" will not come by itself[^]*"p" \(job\): waits for the signal "approval", held by tab-1\n.*"q" \(external\): waits to be begun\n\(seed 1\)/,
  });
  tab.freeze();
  await assert.rejects(world.untilWaiting("p", "payment"), { message: /held by tab-1, which is frozen/ });
});

test("a run that never rests is named, with its step", async (t) => {
  const world = await worldOf(t, ({ step }) => step("hangs", forEver));
  const tab = await world.tab();
  await tab.registry.start(job, undefined, { id: "p" });
  const message = /"p" \(job\): runs in tab-1, attempt 1, in its step "hangs"/;
  await assert.rejects(world.untilIdle({ timeoutMs: 20 }), { code: "timeout", message });
  await assert.rejects(world.untilWaiting("p", "go", { timeoutMs: 20 }), { code: "timeout", message });
});

test("waits for what is unknown or has ended are refused", async (t) => {
  const world = await worldOf(t, () => "done");
  const tab = await world.tab();
  await assert.rejects(world.untilWaiting("p"), { code: "unknown_process", processId: "p" });
  await (await tab.registry.start(job, undefined, { id: "p" })).result();
  await assert.rejects(world.untilWaiting("p"), { code: "already_terminal", message: /"p" is completed/ });
});

test("the code of a run that does not end with its world is named", async () => {
  const world = await createTestWorld({ processes: [job.implement(({ step }) => step("hangs", forEver))] });
  const tab = await world.tab();
  await tab.registry.start(job, undefined, { id: "p" });
  while ((await world.registry.getProcessLease("p")) === undefined);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  await assert.rejects(world.close(), { code: "timeout", message: /the run of "p" in tab-1 has not returned, in its step "hangs"/ });
});

test("code that heeds the signal of its run leaves nothing behind", async () => {
  const heeding = ({ signal }) => new Promise((_, stop) => signal.addEventListener("abort", () => stop(signal.reason)));
  const world = await createTestWorld({ processes: [job.implement(({ step }) => step("heeds", heeding))] });
  const tab = await world.tab();
  await tab.registry.start(job, undefined, { id: "p" });
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  await world.close();
});

test("a world that is closed says so", async () => {
  const world = await createTestWorld({ runners: {} });
  const tab = await world.tab();
  assert.equal(world[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")].name.length > 0, true);
  await Promise.all([world.close(), world.close()]);
  const closed = { code: "closed" };
  for (const call of [
    () => world.registry,
    () => tab.registry,
    () => world.clock.now(),
    () => world.partition(),
    () => world.mockStep("a", 1),
  ])
    assert.throws(call, closed);
  for (const call of [() => world.tab(), () => world.clock.advance(1), () => world.untilWaiting("p"), () => world.untilIdle()])
    await assert.rejects(async () => call(), closed);
});

test("options that make no sense are refused", async () => {
  for (const options of [
    undefined,
    {},
    { runners: {}, sede: 1 },
    { runners: {}, seed: -1 },
    { runners: {}, start: "soon" },
    { runners: {}, autoAdvance: 1 },
  ])
    await assert.rejects(async () => createTestWorld(options), { code: "invalid_argument" });
});
