/** Forks, through the built package. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, isProcessError, open, quietConsole, success } from "./registry.mjs";

const job = (id, payload) => ({ id, input: { type: "engine", kind: "job", payload } });

/** A registry whose process `p` did two steps and failed at a third; what runs it; what it did. */
async function failed(t) {
  quietConsole(t);
  const registry = await open(t);
  const done = [];
  let broken = true;
  const driver = registry.driver({
    runners: {
      async job({ process, step }) {
        const did = (value) => (done.push(`${process.id} ${value}`), value);
        const one = await step("one", () => did(process.input.payload));
        const two = await step("two", () => did(one + 1));
        const three = () => {
          if (broken) throw new Error("broken");
          return did(two + 1);
        };
        return step("three", three, { retry: { maxAttempts: 1 } });
      },
    },
  });
  await registry.registerProcess(job("p", 1));
  driver.start();
  const { type } = await registry.awaitTerminal("p");
  assert.equal(type, "failure");
  return { registry, done, repair: () => (broken = false) };
}

describe("a fork", () => {
  test("of a process that failed continues where that did, as a process of its own", async (t) => {
    const { registry, done, repair } = await failed(t);
    repair();
    const fork = await registry.forkProcess("p", { newId: "q", from: "failed" });
    assert.deepEqual(fork.provenance, { originator: { type: "host" }, causedBy: { forkOf: "p" } });
    assert.deepEqual(await registry.awaitTerminal("q"), success(3));
    assert.deepEqual(done, ["p 1", "p 2", "q 3"]);
    assert.equal((await registry.getProcess("p")).status.state, "failed");
    assert.deepEqual(
      (await registry.eventsAfter("q", 0)).map(({ sequence, eventType }) => [sequence, eventType]),
      [
        [1, "process.step"],
        [2, "process.step"],
        [3, "process.step"],
        [4, "process.completed"],
      ],
    );
  });

  test("may begin before any step, and with another input", async (t) => {
    const { registry, done, repair } = await failed(t);
    repair();
    await registry.forkProcess("p", { newId: "q", from: { step: "two" }, input: job("", 10).input });
    await registry.forkProcess("p", { newId: "r", from: "start", input: job("", 10).input });
    assert.deepEqual([await registry.awaitTerminal("q"), await registry.awaitTerminal("r")], [success(3), success(12)]);
    assert.deepEqual(done.filter((what) => !what.startsWith("r")).sort(), ["p 1", "p 2", "q 2", "q 3"]);
  });

  test("is refused where it makes no sense", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    for (const [id, options, code] of [
      ["nobody", { newId: "q", from: "start" }, "unknown_process"],
      ["p", { newId: "q", from: { step: "s" } }, "invalid_argument"],
      ["p", { newId: "q", from: "start", input: job("", 1).input }, "invalid_argument"],
      ["p", { newId: "p", from: "start" }, "registration_conflict"],
    ])
      await assert.rejects(registry.forkProcess(id, options), (error) => isProcessError(error, code));
    assert.equal(await registry.countProcesses(), 1);
  });
});
