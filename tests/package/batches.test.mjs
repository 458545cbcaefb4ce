/** Several processes and several events as one, through the built package. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventTypes, external, open, refusal, success } from "./registry.mjs";

describe("several processes", () => {
  test("are registered in their order, all of them", async (t) => {
    const registry = await open(t);
    const records = await registry.registerProcesses([
      external("b"),
      external("a", { attachments: { note: new Blob(["x"]) } }),
      external("c"),
    ]);
    assert.deepEqual(
      records.map(({ id }) => id),
      ["b", "a", "c"],
    );
    assert.deepEqual(await registry.listProcesses(), [records[1], records[0], records[2]]);
    assert.equal(await (await registry.getAttachment("a", "note")).text(), "x");
    assert.deepEqual(await registry.registerProcesses([]), []);
  });

  test("are all refused with one of them, by its place", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("taken", { input: { type: "external", metadata: 1 } }));
    await assert.rejects(
      registry.registerProcesses([external("a"), external("taken")]),
      ({ code, message, processId }) =>
        code === "registration_conflict" && processId === "taken" && message.startsWith("registrations[1]: process `taken`"),
    );
    await assert.rejects(
      registry.registerProcesses([external("a"), external("b"), external("")]),
      ({ code, message }) => code === "invalid_argument" && message.startsWith("registrations[2].id: "),
    );
    await assert.rejects(
      registry.registerProcesses([external("a"), external("b", { eventTypes: [{ name: "e", payloadSchema: { type: "no" } }] })]),
      ({ code, message }) => code === "invalid_schema" && message.startsWith("registrations[1]: "),
    );
    assert.equal(await registry.countProcesses({ status: "any" }), 1);
  });

  test("see those before them: of two alike the second finds the first, and of one key the later replaces the earlier", async (t) => {
    const registry = await open(t);
    const [one, other] = await registry.registerProcesses([external("p"), external("p")]);
    assert.deepEqual(one, other);
    const job = (id) => ({ id, input: { type: "engine", kind: "job" }, concurrencyKey: "k", onConflict: "replace_pending" });
    await registry.registerProcesses([job("a"), job("b")]);
    assert.deepEqual((await registry.getProcess("a")).status.state, "cancelled");
    assert.deepEqual((await registry.getProcess("b")).status.state, "running");
    await assert.rejects(
      registry.registerProcesses([external("q"), external("q", { envRef: "else" })]),
      refusal("registration_conflict", "q"),
    );
    assert.equal(await registry.getProcess("q"), undefined);
  });
});

describe("several events", () => {
  const progress = (payload, more) => ({ eventType: "progress", payload, ...more });

  test("are appended in their order, all of them, and shown to the sink", async (t) => {
    const shown = [];
    const registry = await open(t, { sink: ({ payload }) => void shown.push(payload) });
    await registry.registerProcess(external("p", { eventTypes }));
    const results = await registry.appendEvents("p", [progress(1, { replayKey: "one" }), progress(2), progress(1, { replayKey: "one" })]);
    assert.deepEqual(
      results.map(({ event, replayed }) => [event.sequence, event.payload, replayed]),
      [
        [1, 1, false],
        [2, 2, false],
        [1, 1, true],
      ],
    );
    assert.deepEqual(shown, [1, 2]);
    assert.deepEqual(await registry.appendEvents("p", []), []);
  });

  test("are all refused with one of them, by its place", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    await assert.rejects(
      registry.appendEvents("p", [progress(1), { eventType: "other" }]),
      ({ code, message }) => code === "undeclared_event_type" && message.startsWith("requests[1]: "),
    );
    await assert.rejects(registry.appendEvents("p", [progress(1), progress(1n)]), ({ message }) =>
      message.startsWith("requests[1].payload: "),
    );
    await assert.rejects(registry.appendEvents("unknown", [progress(1)]), refusal("unknown_process", "unknown"));
    assert.deepEqual(await registry.eventsAfter("p", 0), []);
  });

  test("may end the process, once", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const done = (payload) => ({ eventType: "done", payload, replayKey: `d${payload}` });
    await assert.rejects(registry.appendEvents("p", [progress(1), done(1), done(2)]), refusal("already_terminal", "p"));
    assert.deepEqual(await registry.eventsAfter("p", 0), []);
    await registry.appendEvents("p", [progress(1), done(1), progress(2)]);
    assert.deepEqual(await registry.awaitTerminal("p"), success(1));
    assert.equal((await registry.eventsAfter("p", 0)).length, 3);
  });
});
