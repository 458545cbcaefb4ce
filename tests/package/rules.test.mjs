/** What callers may not take, how long names may be, what a payload may become, and what refusals say. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventTypes, external, helped, isProcessError, open, success } from "./registry.mjs";

/** The message of a refusal with that code. */
async function refusal(promise, code = "invalid_argument") {
  try {
    await promise;
  } catch (error) {
    assert.ok(isProcessError(error, code), `${error.code}: ${error.message}`);
    return error.message;
  }
  assert.fail("was not refused");
}

const job = (id, more) => ({ id, input: { type: "engine", kind: "job" }, eventTypes, ...more });

describe("the keys and events of the driver", () => {
  test("a caller cannot take the key of a step, and the step runs and is recorded", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const message = await refusal(registry.appendEvent("p", { eventType: "progress", replayKey: "step:download" }));
    assert.match(message, /^request\.replayKey: .*step:download/);
    let done = 0;
    const runners = {
      async job({ append, step }) {
        await refusal(append({ eventType: "progress", replayKey: "step:download" }));
        return step("download", () => ++done);
      },
    };
    registry.driver({ runners }).start();
    assert.deepEqual(await registry.awaitTerminal("p"), success(1));
    assert.equal(done, 1);
  });

  test("a caller cannot take the key of a completion", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    for (const eventType of ["progress", "done", "process.failed"]) {
      await refusal(
        registry.appendEvent("p", { eventType, replayKey: "process:p:terminal:process.completed", payload: { awaitOutput: success(1) } }),
      );
    }
    let runs = 0;
    registry.driver({ runners: { job: () => ++runs } }).start();
    assert.deepEqual(await registry.awaitTerminal("p"), success(1));
  });

  test("a host that computes the key of a completion, a cancel request or a signal meets the same event", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const { event: asked } = await registry.requestCancel("p", "why");
    const again = await registry.appendEvent("p", { eventType: asked.eventType, payload: asked.payload, replayKey: asked.replayKey });
    assert.deepEqual([again.replayed, again.event], [true, asked]);
    const { event: sent } = await registry.signal("p", "go", 1, { signalId: "1" });
    assert.equal(sent.replayKey, "signal:go:1");
    assert.ok((await registry.appendEvent("p", { eventType: "signal.go", payload: 1, replayKey: "signal:go:1" })).replayed);
    await registry.completeProcess("p", success(1));
    const end = { eventType: "process.completed", payload: { awaitOutput: success(1) }, replayKey: "process:p:terminal:process.completed" };
    assert.ok((await registry.appendEvent("p", end)).replayed);
  });

  test("a caller that logs waits of its own settles none of a run", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const runners = { job: async ({ waitForSignal }) => (await waitForSignal("go")).payload };
    const first = registry.driver({ runners });
    first.start();
    await registry.awaitEvent("p", "process.waiting");
    await first.stop();
    for (const outcome of [{ timedOut: true }, { sequence: 1 }, { givenUp: true }]) {
      await registry.appendEvent("p", { eventType: "process.resumed", payload: { name: "go", ordinal: 1, ...outcome } });
    }
    registry.driver({ runners }).start();
    await registry.signal("p", "go", "the signal");
    assert.deepEqual(await registry.awaitTerminal("p"), success("the signal"));
  });

  test("what the driver writes is appended and declared by it alone", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    for (const name of [
      "process.step",
      "process.attempt_failed",
      "process.step_failed",
      "process.timer",
      "process.paused",
      "process.unpaused",
    ]) {
      await refusal(registry.appendEvent("p", { eventType: name, payload: { key: "a", value: 1 } }));
      await refusal(registry.registerProcess(external("q", { eventTypes: [{ name }] })));
    }
    assert.deepEqual(await registry.eventsAfter("p", 0), []);
  });
});

describe("names", () => {
  const longest = "n".repeat(1_024);
  const tooLong = "n".repeat(1_025);

  test("have at most 1,024 characters, wherever they are given", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const calls = {
      "registration.id": () => registry.registerProcess(external(tooLong)),
      "registration.eventTypes[0].name": () => registry.registerProcess(external("q", { eventTypes: [{ name: tooLong }] })),
      "registration.identity.kind": () => registry.registerProcess(external("q", { identity: { kind: tooLong } })),
      "registration.identity.label": () => registry.registerProcess(external("q", { identity: { kind: "k", label: tooLong } })),
      "registration.input.kind": () => registry.registerProcess({ id: "q", input: { type: "engine", kind: tooLong } }),
      "registration.input.call.toolName": () =>
        registry.registerProcess({ id: "q", input: { type: "tool_call", call: { callId: "1", toolName: tooLong } } }),
      "request.replayKey": () => registry.appendEvent("p", { eventType: "progress", replayKey: tooLong }),
      "request.eventType": () => registry.appendEvent("p", { eventType: tooLong }),
      processId: () => registry.getProcess(tooLong),
      eventType: () => registry.awaitEvent("p", tooLong),
      name: () => registry.signal("p", tooLong),
      "options.signalId": () => registry.signal("p", "go", null, { signalId: tooLong }),
      "query.types[0]": () => registry.eventsAfter("p", 0, { types: [tooLong] }),
      "scope.sessionId": () => registry.grantHandle({ sessionId: tooLong }, "p"),
      "descriptor.label": () => registry.grantHandle({ sessionId: "s" }, "p", { label: tooLong }),
      "owner.ownerId": () => registry.claimProcessLease("p", { ownerId: tooLong, incarnationId: "i" }, 1_000),
      "ref.id": () => registry.setExternalRef("p", { backend: "b", id: tooLong }),
      "wait.key": () =>
        registry.setProcessWait("p", { kind: "signal", name: "n", eventType: "signal.n", key: tooLong, ordinal: 1, sinceMs: 0 }),
    };
    for (const [path, call] of Object.entries(calls)) {
      assert.ok((await refusal(call())).startsWith(`${path}: has more than 1024 characters`), path);
    }
    assert.deepEqual(await registry.eventsAfter("p", 0), []);
    assert.equal((await registry.listProcesses()).length, 1);
    await registry.signal("p", longest, null, { signalId: longest });
    assert.equal((await registry.awaitEvent("p", `signal.${longest}`)).sequence, 1);
  });

  test("of steps have as many", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const runners = {
      async job({ step }) {
        const message = await refusal(step(tooLong, () => 1));
        return [message, await step(longest, () => 2)];
      },
    };
    registry.driver({ runners }).start();
    assert.deepEqual(await registry.awaitTerminal("p"), success([helped("key: has more than 1024 characters"), 2]));
  });

  test("of signals that one wait is for are 256 at most", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const names = (count) => Array.from({ length: count }, (_, number) => `s${number}`);
    const runners = {
      async job({ waitForSignal }) {
        const message = await refusal(waitForSignal(names(257)));
        return [message, (await waitForSignal(names(256))).eventType];
      },
    };
    registry.driver({ runners }).start();
    await registry.signal("p", "s255");
    assert.deepEqual(await registry.awaitTerminal("p"), success([helped("name: has more than 256 names"), "signal.s255"]));
  });

  test("of white space alone are blank for every call, whichever of the two languages looks", async (t) => {
    const registry = await open(t);
    for (const blank of ["\ufeff", "\u0085", "\u2003\ufeff"]) {
      for (const call of [
        () => registry.registerProcess(external(blank)),
        () => registry.getProcess(blank),
        () => registry.requestCancel(blank),
      ]) {
        await refusal(call());
      }
      await refusal(registry.registerProcess(external("p", { identity: { kind: blank } })));
    }
    await registry.registerProcess(external("\u200b"));
    assert.equal((await registry.getProcess("\u200b")).id, "\u200b");
  });

  test("of signals that a process does not declare are 256 at most", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    await Promise.all(Array.from({ length: 256 }, (_, number) => registry.signal("p", `s${number}`)));
    assert.match(await refusal(registry.signal("p", "more")), /256 names/);
    await registry.signal("p", "s0");
    await registry.completeProcess("p", success(1));
  });
});

describe("data", () => {
  test("is not dropped: undefined is refused in what is the caller's", async (t) => {
    const registry = await open(t);
    const call = { callId: "1", toolName: "t" };
    const registrations = {
      "registration.input.call.owner.a": { input: { type: "tool_call", call: { ...call, owner: { a: undefined } } } },
      "registration.input.call.more": { input: { type: "tool_call", call: { ...call, more: undefined } } },
      "registration.input.metadata.scope.a": { input: { type: "external", metadata: { scope: { a: undefined } } } },
    };
    for (const [path, registration] of Object.entries(registrations)) {
      assert.ok((await refusal(registry.registerProcess({ id: "p", ...registration }))).startsWith(`${path}: is undefined`));
    }
    const typed = {
      id: "p",
      input: { type: "tool_call", call: { ...call, toolId: undefined, args: undefined } },
      identity: undefined,
      wakeTarget: { sessionId: "s", agentFrameId: undefined },
    };
    assert.deepEqual((await registry.registerProcess(typed)).input, { type: "tool_call", call });
    await registry.completeProcess("p", { type: "success", value: 1, control: undefined });
  });

  test("has no names on arrays", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes }));
    const payload = { rows: Object.assign([1, 2], { total: 2 }) };
    assert.match(await refusal(registry.appendEvent("p", { eventType: "progress", payload })), /^request\.payload\.rows\.total: /);
  });

  test("may be told by what differs in a registration", async (t) => {
    const registry = await open(t);
    const registration = (title, kind) =>
      external("p", { identity: { kind }, eventTypes: [{ name: "e", payloadSchema: { required: ["a", title] } }] });
    await registry.registerProcess(registration("one", "k"));
    const message = await refusal(registry.registerProcess(registration("two", "k")), "registration_conflict");
    assert.match(message, /registration\.eventTypes\[0\]\.payloadSchema\.required\[1\]: "one" is stored, "two" was given/);
    assert.match(
      await refusal(registry.registerProcess(registration("one", "l")), "registration_conflict"),
      /registration\.identity\.kind: "k" is stored, "l" was given/,
    );
    assert.ok((await refusal(registry.registerProcess(registration("x".repeat(100_000), "k")), "registration_conflict")).length < 300);
  });
});

describe("what an event makes of its payload", () => {
  const doubling = (levels, inner) => (levels === 0 ? inner : { template: "{x}{x}", fields: { x: doubling(levels - 1, inner) } });
  const waking = (input, more) =>
    external("p", { eventTypes: [{ name: "e", semantics: { wake: { input }, ...more } }], wakeTarget: { sessionId: "s" } });

  test("is bounded before it is made", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(waking(doubling(40, "payload")));
    await refusal(registry.appendEvent("p", { eventType: "e", payload: "x" }), "invalid_payload");
    assert.equal((await registry.appendEvent("p", { eventType: "e", payload: "" })).event.sequence, 1);
    assert.match(
      await refusal(registry.registerProcess({ ...waking(doubling(40, { const: "x" })), id: "q" })),
      /^registration\.eventTypes\[0\]\.semantics\.wake\.input: /,
    );
  });

  test("is bounded as a whole, whatever JSON text makes of its characters, and its neighbours are unharmed", async (t) => {
    const registry = await open(t);
    const terminal = { state: "failed", awaitOutput: "payload" };
    await registry.registerProcess(waking("payload", { terminal }));
    await registry.registerProcess(external("q", { eventTypes }));
    const large = (character, count) => registry.appendEvent("p", { eventType: "e", payload: character.repeat(count), replayKey: "k" });
    const [controls, texts, small] = await Promise.all([
      refusal(large("\u0001", 33_000_000)),
      refusal(large("x", 33_000_000), "invalid_payload"),
      registry.appendEvent("q", { eventType: "progress" }),
    ]);
    assert.match(controls, /33554432 characters/);
    assert.match(texts, /33554432 characters/);
    assert.equal(small.event.sequence, 1);
    const { event } = await large("\u0001", 2_700_000);
    assert.equal(event.semantics.terminal.awaitOutput.message.length, 2_700_000);
  });
});

describe("lives of an id", () => {
  test("a wake id never repeats, however often its process is pruned and registered again", async (t) => {
    const registry = await open(t);
    const types = [{ name: "ring", semantics: { wake: { input: { const: "up" } } } }];
    const seen = [];
    for (let life = 0; life < 3; life++) {
      await registry.registerProcess(external("p", { eventTypes: types, wakeTarget: { sessionId: "s" } }));
      seen.push((await registry.appendEvent("p", { eventType: "ring" })).wakeDelivery);
      await registry.completeProcess("p", success(1));
      await registry.pruneTerminalProcesses(Date.now() + 1_000);
    }
    assert.deepEqual(
      seen.map(({ dedupeKey }) => dedupeKey),
      ["p:1", "p@2:1", "p@3:1"],
    );
    assert.equal(new Set(seen.map(({ wakeId }) => wakeId)).size, 3);
  });
});

describe("the short way", () => {
  test("waits and signals are on the registry itself", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const heard = registry.awaitEvent("p", "signal.go");
    const ended = registry.awaitTerminal("p");
    await registry.signal("p", "go", { a: 1 }, { signalId: "1" });
    assert.deepEqual((await heard).payload, { a: 1 });
    await registry.completeProcess("p", success(1));
    assert.deepEqual(await ended, success(1));
    await refusal(registry.awaitTerminal("q"), "unknown_process");
    await refusal(registry.signal("p", "a b"));
  });
});
