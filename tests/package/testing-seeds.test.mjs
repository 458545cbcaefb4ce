/**
 * Worlds in which anything may happen to tabs, by a seed: whatever it is, each process ends, each step is recorded once, and the world closes without
 * complaint. `LONGWAIT_SEEDS=1000` for a long run; a seed that fails is in the name of its test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "longwait";
import { createTestWorld } from "longwait/testing";

const SEEDS = Number(process.env.LONGWAIT_SEEDS ?? 30);
const HOUR_MS = 3_600_000;
const KEYS = ["one", "two", "three"];

const job = defineProcess({ kind: "job" });

const work = job.implement(async ({ step, sleep, waitForSignal }) => {
  for (const key of KEYS) {
    await step(key, () => new Promise((over) => setImmediate(() => over(key))), key === "two" ? { retry: { maxAttempts: 3 } } : {});
    await sleep(key, HOUR_MS);
  }
  return waitForSignal("go", { timeoutMs: 24 * HOUR_MS }).then(
    ({ payload }) => payload,
    () => "late",
  );
});

/** Chance of its own, so that the world's is not used up. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
}

for (let seed = 1; seed <= SEEDS; seed++)
  test(`whatever happens to its tabs, each process ends (seed ${seed})`, async () => {
    const below = dice(seed);
    // A tab that thaws may find its process ended by another one, and says so.
    const world = await createTestWorld({ processes: [work], seed, driver: { onRunError() {} } });
    const tabs = [await world.tab(), await world.tab()];
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) await tabs[below(2)].registry.start(job, undefined, { id });
    for (let turn = 0; turn < 12; turn++) {
      const place = below(tabs.length);
      const tab = tabs[place];
      const another = async () => tabs.splice(place, 1, await world.tab());
      const happens = [
        () => tab.state === "running" && tab.freeze(),
        () => tab.state === "frozen" && tab.thaw(),
        () => (tab.crash(), another()),
        () => tab.close().then(another),
        () => (below(2) ? world.partition() : world.heal()),
        () => world.clock.advance(below(3) * HOUR_MS + below(60_000)),
        () => world.registry.signal(ids[below(ids.length)], "go", turn),
      ];
      await happens[below(happens.length)]();
    }
    tabs.filter(({ state }) => state === "frozen").forEach((tab) => tab.thaw());
    for (const id of ids) {
      assert.equal((await world.registry.awaitTerminal(id)).type, "success");
      const steps = await world.registry.eventsAfter(id, 0, { types: ["process.step"] });
      assert.deepEqual(
        steps.map(({ payload }) => payload.key),
        KEYS,
      );
    }
    await world.untilIdle();
    await world.close();
  });
