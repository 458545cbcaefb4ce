/**
 * What an app's tests do with `longwait/testing`, for each runner of tests that there is. A case asserts what can be counted: how often the
 * code of a step was called, and how much of the world's time passed. How long it took is printed, and asserted nowhere.
 */
import assert from "node:assert/strict";
import { defineProcess } from "longwait";
import { createTestWorld } from "longwait/testing";

const [SECOND_MS, DAY_MS] = [1_000, 86_400_000];

// As they are now: fake timers come later.
const now = performance.now.bind(performance);
const { log } = console;

const ROUNDS = 5;

/** Runs a case several times, and prints how long it took. */
export async function measured(name, run, where) {
  const spans = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = now();
    await run();
    spans.push(now() - began);
  }
  const [median] = spans.sort((one, other) => one - other).slice(ROUNDS >> 1);
  log(`${name}: ${median.toFixed(1)} ms, the median of ${ROUNDS} rounds (${where})`);
}

const order = defineProcess({ kind: "order" });

/** An order of an app: charged, left alone for three days, approved, and sent. */
const ordering = (called) =>
  order.implement(async (run) => {
    called("run");
    await run.step("charge", () => called("charge"));
    await run.sleep("cooling off", 3 * DAY_MS);
    const { payload } = await run.waitForSignal("approval");
    await run.step("send", () => called("send"));
    return payload;
  });

/** Counts calls by their names. */
function counting() {
  const counts = {};
  const called = (name) => void (counts[name] = (counts[name] ?? 0) + 1);
  return { counts, called };
}

/** As `await using` does, which Node 20 has not. A failure of the work is not hidden by one of the end. */
async function inWorld(options, work) {
  const world = await createTestWorld(options);
  const close = () => world.close();
  await work(world).catch((error) =>
    close().then(
      () => Promise.reject(error),
      () => Promise.reject(error),
    ),
  );
  await close();
}

export const cases = {
  "a tab that crashes in a step is taken over at once, and what was recorded is not done again"() {
    const { counts, called } = counting();
    let isFirst = true;
    const work = order.implement(async (run) => {
      await run.step("charge", () => called("charge"));
      await run.step("send", () => (called("send"), isFirst ? new Promise(() => {}) : undefined));
      return "sent";
    });
    return inWorld({ processes: [work] }, async (world) => {
      const [first, began] = [await world.tab(), world.clock.now()];
      const { id } = await first.registry.start(order);
      while (counts.send === undefined) await world.registry.getProcess(id);
      isFirst = false;
      first.crash();
      await world.tab();
      assert.equal((await world.registry.awaitTerminal(id)).value, "sent");
      assert.deepEqual(counts, { charge: 1, send: 2 });
      // Its lock proves it dead: nothing waits for the end of its lease, 30 s later.
      assert.ok(world.clock.now() - began < 5 * SECOND_MS);
    });
  },

  "a frozen tab loses its run when its lease is over, and finds that out when it thaws"() {
    const { counts, called } = counting();
    return inWorld({ processes: [ordering(called)] }, async (world) => {
      const [first, began] = [await world.tab(), world.clock.now()];
      const { id } = await first.registry.start(order);
      await world.untilWaiting(id, "cooling off");
      const { fencingToken } = await world.registry.getProcessLease(id);
      first.freeze();
      const second = await world.tab();
      await world.clock.advance("1m");
      const lease = await second.registry.getProcessLease(id);
      assert.deepEqual([lease.owner.ownerId, lease.fencingToken], ["tab-2", fencingToken + 1]);
      first.thaw();
      await world.untilWaiting(id, "approval");
      await first.registry.signal(id, "approval", "yes");
      assert.equal((await first.registry.awaitTerminal(id)).value, "yes");
      assert.deepEqual(counts, { run: 2, charge: 1, send: 1 });
      assert.ok(world.clock.now() - began >= 3 * DAY_MS);
    });
  },

  "three days pass, and nothing is left out"() {
    const { counts, called } = counting();
    return inWorld({ processes: [ordering(called)], start: new Date("2030-01-01T00:00:00Z") }, async (world) => {
      const tab = await world.tab();
      const { id } = await tab.registry.start(order);
      await world.clock.advance("2d 23h");
      assert.equal((await world.registry.getProcess(id)).wait.kind, "timer");
      await world.clock.advance("1h");
      assert.equal((await world.registry.getProcess(id)).wait.name, "approval");
      assert.equal(new Date(world.clock.now()).toISOString(), "2030-01-04T00:00:00.000Z");
      await world.registry.signal(id, "approval", 1);
      assert.equal((await world.registry.awaitTerminal(id)).value, 1);
      // The run kept its lease all the time.
      assert.deepEqual(counts, { run: 1, charge: 1, send: 1 });
    });
  },

  "a tab that is closed hands its run over at once"() {
    const { counts, called } = counting();
    return inWorld({ processes: [ordering(called)] }, async (world) => {
      const tabs = [await world.tab(), await world.tab()];
      const { id } = await tabs[0].registry.start(order);
      await world.untilWaiting(id, "approval");
      const began = world.clock.now();
      const { owner } = await world.registry.getProcessLease(id);
      await tabs.find(({ name }) => name === owner.ownerId).close();
      await world.registry.signal(id, "approval", "yes");
      assert.equal((await world.registry.awaitTerminal(id)).value, "yes");
      assert.deepEqual(counts, { run: 2, charge: 1, send: 1 });
      assert.ok(world.clock.now() - began < 5 * SECOND_MS);
    });
  },
};
