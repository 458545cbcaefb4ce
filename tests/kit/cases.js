/**
 * What an app's tests do with `longwait/testing`, for each runner of tests that there is. A case gives what it counted: of the world's
 * time, and how often the code of a step was called. How long it took is printed, and asserted nowhere.
 */
import assert from "node:assert/strict";
import { defineProcess } from "longwait";
import { createTestWorld } from "longwait/testing";

const DAY_MS = 86_400_000;

const order = defineProcess({ kind: "order" });

/** An order of an app: charged, left alone for three days, approved, and sent. */
const ordering = (called) =>
  order.implement(async (run) => {
    await run.step("charge", () => called("charge"));
    await run.sleep("cooling off", 3 * DAY_MS);
    const { payload } = await run.waitForSignal("approval");
    await run.step("send", () => called("send"));
    return payload;
  });

/** As `await using` does, which Node 20 has not. A failure of the work is not hidden by one of the end. */
async function inWorld(options, work) {
  const world = await createTestWorld(options);
  const result = await work(world).catch(async (error) => {
    await world.close().catch(() => {});
    throw error;
  });
  await world.close();
  return result;
}

/** Counts calls by their names. */
function counting() {
  const counts = {};
  const called = (name) => void (counts[name] = (counts[name] ?? 0) + 1);
  return { counts, called };
}

export const cases = {
  async "a tab that crashes in a step is taken over, and what was recorded is not done again"() {
    const { counts, called } = counting();
    let hang = () => new Promise(() => {});
    const work = order.implement(async (run) => {
      await run.step("charge", () => called("charge"));
      await run.step("send", () => (called("send"), hang()));
      return "sent";
    });
    return inWorld({ processes: [work] }, async (world) => {
      const [first, began] = [await world.tab(), world.clock.now()];
      const { id } = await first.registry.start(order);
      while (counts.send === undefined) await world.registry.getProcess(id);
      hang = () => {};
      first.crash();
      await world.tab();
      assert.equal((await world.registry.awaitTerminal(id)).value, "sent");
      assert.deepEqual(counts, { charge: 1, send: 2 });
      return `${world.clock.now() - began} ms of its time`;
    });
  },

  async "a frozen tab loses its run when the lease is over, and finds that out when it thaws"() {
    const { counts, called } = counting();
    return inWorld({ processes: [ordering(called)] }, async (world) => {
      const [first, began] = [await world.tab(), world.clock.now()];
      const { id } = await first.registry.start(order);
      await world.untilWaiting(id, "cooling off");
      first.freeze();
      const second = await world.tab();
      await world.untilWaiting(id, "approval");
      first.thaw();
      await second.registry.signal(id, "approval", "yes");
      assert.equal((await first.registry.awaitTerminal(id)).value, "yes");
      assert.deepEqual(counts, { charge: 1, send: 1 });
      assert.equal((await world.registry.getProcessLease(id)) ?? undefined, undefined);
      return `${world.clock.now() - began} ms of its time`;
    });
  },

  async "three days pass, and nothing is left out"() {
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
      const lost = await world.registry.eventsAfter(id, 0, { types: ["process.attempt_failed"] });
      assert.deepEqual([lost.length, counts], [0, { charge: 1, send: 1 }]);
      return `${3 * DAY_MS} ms of its time`;
    });
  },

  async "a tab that is closed hands its runs over at once"() {
    const { counts, called } = counting();
    return inWorld({ processes: [ordering(called)] }, async (world) => {
      const [first] = [await world.tab(), await world.tab()];
      const { id } = await first.registry.start(order);
      await world.untilWaiting(id, "approval");
      const began = world.clock.now();
      const { owner } = await world.registry.getProcessLease(id);
      const [holder, other] = owner.ownerId === "tab-1" ? [first, "tab-2"] : [undefined, "tab-1"];
      await holder?.close();
      await world.registry.signal(id, "approval", "yes");
      assert.equal((await world.registry.awaitTerminal(id)).value, "yes");
      assert.deepEqual(counts, { charge: 1, send: 1 });
      assert.ok(other);
      return `${world.clock.now() - began} ms of its time`;
    });
  },
};
