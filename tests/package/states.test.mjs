/** What a run shows of itself, through the built package. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isProcessError, open, success } from "./registry.mjs";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** Runs a process with this runner; gives how it ended and its record. */
async function run(t, runner) {
  const registry = await open(t);
  await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
  const driver = registry.driver({ runners: { job: runner } });
  await driver.claimAndRunPending();
  const output = await registry.awaitTerminal("p");
  return { output, record: await registry.getProcess("p"), log: await registry.eventsAfter("p", 0) };
}

const refuses = (promise, path) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, "invalid_argument"), error?.message);
    assert.ok(error.message.startsWith(`${path}: `), error.message);
    return true;
  });

describe("a run shows", () => {
  test("its state and progress in the record, as a copy, and in no event", async (t) => {
    const { record, log } = await run(t, async (context) => {
      const state = { files: ["a"] };
      const set = context.setState(state);
      state.files.push("b");
      await set;
      await context.progress(1, 4, "one of four");
    });
    assert.deepEqual(record.state, { files: ["a"] });
    assert.deepEqual(record.progress, { current: 1, total: 4, message: "one of four", atMs: record.progress.atMs });
    assert.deepEqual(
      log.map(({ eventType }) => eventType),
      ["process.completed"],
    );
  });

  test("where in a distributed trace it is, and refuses what is no trace context by its path", async (t) => {
    const { record, log } = await run(t, async ({ setTraceContext }) => {
      await refuses(setTraceContext(), "traceContext");
      await refuses(setTraceContext({ traceparent: 1 }), "traceContext.traceparent");
      await refuses(setTraceContext({ traceparent: "00-1-2-01" }), "traceContext.traceparent");
      await refuses(setTraceContext({ traceparent, tracestate: "é" }), "traceContext.tracestate");
      await refuses(setTraceContext({ traceparent, more: 1 }), "traceContext.more");
      await setTraceContext({ traceparent, tracestate: "a=1" });
    });
    assert.deepEqual(record.runTraceContext, { traceparent, tracestate: "a=1" });
    assert.equal(log.length, 1);
  });

  test("the last of what it set without waiting, also where it ends at once", async (t) => {
    const { record } = await run(t, (context) => {
      for (let number = 0; number < 100; number++) {
        context.setState(number);
        context.progress(number / 2);
      }
    });
    assert.equal(record.state, 99);
    assert.equal(record.progress.current, 49.5);
    assert.deepEqual(Object.keys(record.progress).sort(), ["atMs", "current"]);
  });

  test("nothing that is no JSON, no finite number, or no text: each is refused by its path", async (t) => {
    const { output } = await run(t, async ({ setState, progress }) => {
      await refuses(setState(undefined), "state");
      await refuses(setState({ a: [1, NaN] }), "state.a[1]");
      await refuses(setState({ at: new Date(0) }), "state.at");
      await refuses(progress(), "current");
      await refuses(progress("1"), "current");
      await refuses(progress(Infinity), "current");
      await refuses(progress(1, NaN), "total");
      await refuses(progress(1, null), "total");
      await refuses(progress(1, 2, 3), "message");
      await refuses(progress(1, 2, "\ud800"), "message");
      return "refused";
    });
    assert.deepEqual(output, success("refused"));
  });

  test("nothing any more once its runner has returned", async (t) => {
    let kept;
    await run(t, (context) => void (kept = context));
    for (const call of [() => kept.setState(1), () => kept.progress(1), () => kept.setTraceContext({ traceparent })])
      await assert.rejects(call, (error) => isProcessError(error, "lease_lost"));
  });
});
