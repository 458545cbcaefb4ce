/** Code that belongs to no run, while one is under way. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";
import { open } from "./registry.mjs";

test("code beside a run may wait for its driver at any moment, also when a step of the run has just ended", async (t) => {
  const registry = await open(t);
  const runners = {
    async job({ step }) {
      for (const key of "abcdefgh") await step(key, () => key);
    },
  };
  const driver = registry.driver({ runners });
  await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
  await driver.claimAndRunPending();
  let isOver = false;
  const over = registry.awaitTerminal("p").then(() => (isOver = true));
  const answers = [];
  while (!isOver) {
    // In every microtask, those between the end of a step and what the runner does then included.
    for (let turn = 0; turn < 50; turn++) {
      answers.push(driver.idle(), driver.claimAndRunPending());
      await undefined;
    }
    await setImmediate();
  }
  await over;
  const refused = (await Promise.allSettled(answers)).filter(({ status }) => status === "rejected").map(({ reason }) => reason.code);
  assert.deepEqual(refused, []);
});
