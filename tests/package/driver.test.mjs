/** Drivers whose runners are functions, through the built package on the memory store. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, isProcessError, open, ProcessError, quietConsole, settled, success } from "./registry.mjs";

const job = (id, kind = "job", more) => ({ id, input: { type: "engine", kind }, ...more });

/** Registers one process of kind `job`, runs it, and answers how it ends. */
async function outcome(t, runner, registration) {
  const registry = await open(t);
  await registry.registerProcess(job("p", "job", registration));
  const driver = registry.driver({ runners: { job: runner } });
  await driver.claimAndRunPending();
  return driver.awaitTerminal("p");
}

/** What was reported as an error that nobody waits for. */
function reported(t) {
  const errors = [];
  globalThis.reportError = (error) => errors.push(error);
  t.after(() => delete globalThis.reportError);
  return errors;
}

describe("a sweep", () => {
  test("says what it started, found busy and cannot handle, and leaves what the host does alone", async (t) => {
    const registry = await open(t);
    for (const registration of [job("a"), job("b", "other"), external("c", { identity: { kind: "job" } })])
      await registry.registerProcess(registration);
    const driver = registry.driver({ runners: { job: () => new Promise(() => {}) } });
    assert.deepEqual(await driver.claimAndRunPending(), { started: ["a"], busy: [], unhandled: ["b"], failed: [] });
    assert.deepEqual(await driver.claimAndRunPending("again"), { started: [], busy: ["a"], unhandled: ["b"], failed: [] });
    const other = registry.driver({ runners: { job: () => 1 } });
    assert.deepEqual((await other.claimAndRunPending()).busy, ["a"]);
    await driver.stop();
    assert.deepEqual((await other.claimAndRunPending()).started, ["a"]);
    assert.deepEqual(await other.awaitTerminal("a"), success(1));
  });

  test("leaves the work to a host that does it itself, and passes its faults on", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const reasons = [];
    const driver = registry.driver({
      runners: { job: () => assert.fail("runs here") },
      runHandle: {
        async claimAndRunPending(reason) {
          reasons.push(reason);
          if (reason === "bad day") throw new TypeError(reason);
          await registry.completeProcess("p", success(2));
        },
      },
    });
    assert.deepEqual(await driver.claimAndRunPending(), { started: [], busy: [], unhandled: [], failed: [] });
    assert.deepEqual(await driver.awaitTerminal("p"), success(2));
    await assert.rejects(driver.claimAndRunPending("bad day"), (error) => error instanceof TypeError);
    assert.deepEqual(reasons, ["manual", "bad day"]);
    driver.start();
    driver.start();
    await driver.idle();
    await registry.registerProcess(job("q"));
    await settled();
    await driver.stop();
    await registry.registerProcess(job("r"));
    await settled();
    assert.deepEqual(reasons.slice(2), ["start", "change"]);
  });
});

describe("a runner", () => {
  test("ends its process with what it returns; with nothing, that is null", async (t) => {
    assert.deepEqual(await outcome(t, async () => ({ pages: [1, 2] })), success({ pages: [1, 2] }));
    assert.deepEqual(await outcome(t, () => {}), success(null));
  });

  test("that throws fails it, with the class, code and message of the error where it has them", async (t) => {
    quietConsole(t);
    const failure = async (thrown) => {
      const { type, raw, ...rest } = await outcome(t, () => {
        throw thrown;
      });
      assert.equal(type, "failure");
      return rest;
    };
    const plain = { class: "execution", code: "process_failed" };
    assert.deepEqual(await failure(new TypeError("no")), { ...plain, message: "no" });
    assert.deepEqual(await failure(Object.assign(new Error("full"), { class: "resource_limit", code: "disk_full" })), {
      class: "resource_limit",
      code: "disk_full",
      message: "full",
    });
    assert.deepEqual(await failure(Object.assign(new Error("x"), { class: "bad luck", code: 7 })), {
      class: "execution",
      code: "7",
      message: "x",
    });
    assert.deepEqual(await failure("a word"), { ...plain, message: "a word" });
    assert.deepEqual(await failure({ message: "plain", code: "c", more: [1] }), { class: "execution", code: "c", message: "plain" });
    assert.deepEqual(await failure(undefined), { ...plain, message: "undefined" });
    assert.equal(
      (
        await failure({
          get message() {
            throw 1;
          },
          toString: () => {
            throw 2;
          },
        })
      ).code,
      "process_failed",
    );
    assert.equal((await failure(new ProcessError("late", { code: "timeout" }))).code, "timeout");
  });

  test("that returns what is not JSON fails it, and says where", async (t) => {
    const { code, message } = await outcome(t, () => ({ when: new Date(0) }));
    assert.equal(code, "invalid_argument");
    assert.match(message, /what the runner returned\.when/);
  });

  test("sees its process, its attempt and a fence, and may take its context apart", async (t) => {
    const value = await outcome(
      t,
      async ({ process, attempt, fencingToken, append, signal }) => {
        const { event } = await append({ eventType: "note", payload: 1 });
        return [process.id, attempt, fencingToken, event.sequence, signal.aborted];
      },
      { eventTypes: [{ name: "note" }] },
    );
    assert.deepEqual(value, success(["p", 1, 1, 1, false]));
  });

  test("gives the result that the schema of its end demands, or fails with what is wrong", async (t) => {
    const eventTypes = [
      {
        name: "process.completed",
        payloadSchema: { properties: { awaitOutput: { properties: { value: { type: "number" } } } } },
        semantics: { terminal: { state: "completed", awaitOutput: { pointer: "/awaitOutput" } } },
      },
    ];
    assert.deepEqual(await outcome(t, () => 7, { eventTypes }), success(7));
    const failed = await outcome(t, () => "seven", { eventTypes });
    assert.deepEqual([failed.type, failed.class, failed.code], ["failure", "invalid_request", "invalid_payload"]);
  });

  test("that is asked to stop gets the reason, and ends as cancelled if it throws the abort", async (t) => {
    const registry = await open(t);
    const seen = [];
    const runners = {
      obeys: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      fetches: async ({ signal }) => {
        await new Promise((aborted) => signal.addEventListener("abort", aborted));
        throw new DOMException("the request was aborted", "AbortError");
      },
      insists: async ({ signal, step }) => {
        await new Promise((aborted) => signal.addEventListener("abort", aborted));
        seen.push(signal.reason.name, signal.reason.message);
        return step("tidy up", () => "finished anyway");
      },
      waits: ({ waitForSignal }) => waitForSignal("never"),
    };
    for (const kind of Object.keys(runners)) await registry.registerProcess(job(kind, kind));
    const driver = registry.driver({ runners });
    await driver.claimAndRunPending();
    for (const kind of Object.keys(runners)) await registry.requestCancel(kind, kind === "waits" ? undefined : "no longer needed");
    const cancelled = { type: "cancelled", message: "no longer needed" };
    assert.deepEqual(await driver.awaitTerminal("obeys"), cancelled);
    assert.deepEqual(await driver.awaitTerminal("fetches"), cancelled);
    assert.deepEqual(await driver.awaitTerminal("insists"), success("finished anyway"));
    assert.deepEqual(await driver.awaitTerminal("waits"), { type: "cancelled", message: "the process was asked to stop" });
    assert.deepEqual(seen, ["AbortError", "no longer needed"]);
  });

  test("that throws an abort nobody asked for has failed", async (t) => {
    const { type, message } = await outcome(t, () => {
      throw new DOMException("my own", "AbortError");
    });
    assert.deepEqual([type, message], ["failure", "my own"]);
  });

  test("of a driver that stops is aborted with lease_lost, and what it writes from then on is refused", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p", "job", { eventTypes: [{ name: "note" }] }));
    let context;
    let ended;
    const end = new Promise((resolve) => (ended = resolve));
    const driver = registry.driver({
      runners: {
        job: async (given) => {
          context = given;
          await new Promise((aborted) => given.signal.addEventListener("abort", aborted));
          ended(
            Promise.allSettled([
              given.append({ eventType: "note" }),
              given.step("s", () => assert.fail("runs")),
              given.waitForSignal("go"),
            ]),
          );
        },
      },
    });
    await driver.claimAndRunPending();
    await driver.stop();
    assert.ok(isProcessError(context.signal.reason, "lease_lost"));
    for (const { reason } of await end) assert.ok(isProcessError(reason, "lease_lost"), String(reason));
    await settled();
    for (const call of [
      () => context.append({ eventType: "note" }),
      () => context.step("s", () => 1),
      () => context.waitForSignal("go"),
      () => context.awaitTerminal("p"),
    ])
      await assert.rejects(call(), { code: "lease_lost" });
    assert.equal((await registry.getProcess("p")).status.state, "running");
    assert.equal(await registry.getProcessLease("p"), undefined);
  });

  for (const [what, code, ends] of [
    ["is deleted", "unknown_process", (registry) => registry.deleteProcess("p", { force: true })],
    ["is ended by a host", "already_terminal", (registry) => registry.completeProcess("p", success("done"))],
  ])
    test(`whose process ${what} is aborted with ${code}, and nothing is reported of what it throws then`, async (t) => {
      const errors = reported(t);
      const shown = quietConsole(t);
      const registry = await open(t);
      await registry.registerProcess(job("p"));
      let began;
      const begun = new Promise((resolve) => (began = resolve));
      let aborted;
      const over = new Promise((resolve) => (aborted = resolve));
      const driver = registry.driver({
        runners: {
          job({ signal }) {
            began();
            return new Promise((_, reject) =>
              signal.addEventListener("abort", () => {
                reject(signal.reason);
                aborted(signal.reason);
              }),
            );
          },
        },
      });
      driver.start();
      await begun;
      await ends(registry);
      assert.ok(isProcessError(await over, code));
      await driver.stop();
      assert.deepEqual([shown, errors], [[], []]);
    });
});

describe("a step", () => {
  test("is done once and its value kept, also by the next run; an error comes out as it was thrown", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const done = [];
    const oops = { any: "thing" };
    const runner = async ({ step, attempt, waitForSignal }) => {
      const first = await step("first", async () => (done.push("first"), { n: 1 }));
      assert.equal(await step("nothing", () => void done.push("nothing")), undefined);
      assert.equal(await step("null", () => null), null);
      if (attempt === 1) {
        await assert.rejects(
          step("fails", () => {
            throw oops;
          }),
          (error) => error === oops,
        );
        await assert.rejects(
          step("fails", () => 1n),
          { code: "invalid_argument" },
        );
      }
      assert.equal(await step("fails", () => "at last"), "at last");
      if (attempt === 1) await waitForSignal("never");
      return first;
    };
    const first = registry.driver({ runners: { job: runner } });
    await first.claimAndRunPending();
    await registry.awaiter.awaitEvent("p", "process.waiting");
    await first.stop();
    const second = registry.driver({ runners: { job: runner } });
    await second.claimAndRunPending();
    assert.deepEqual(await second.awaitTerminal("p"), success({ n: 1 }));
    assert.deepEqual(done, ["first", "nothing"]);
  });

  test("gives a copy, so that changing it changes no other", async (t) => {
    const value = await outcome(t, async ({ step }) => {
      const given = { list: [1] };
      const got = await step("s", () => given);
      got.list.push(2);
      return given.list.length;
    });
    assert.deepEqual(value, success(1));
  });
});

describe("a signal", () => {
  test("reaches the wait for it, before or after, and its payload comes along", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const driver = registry.driver({
      runners: {
        job: async ({ waitForSignal }) => {
          const first = await waitForSignal("go");
          await assert.rejects(waitForSignal("other", { timeoutMs: 1 }), { code: "timeout" });
          const abort = new AbortController();
          abort.abort("my reason");
          await assert.rejects(waitForSignal("other", { signal: abort.signal }), (error) => error === "my reason");
          await assert.rejects(waitForSignal("no spaces"), { code: "invalid_argument" });
          return [first.payload, (await waitForSignal("go")).payload];
        },
      },
    });
    const { event, replayed } = await driver.signal("p", "go", { n: 1 }, { signalId: "a" });
    assert.deepEqual([event.eventType, replayed], ["signal.go", false]);
    assert.equal((await driver.signal("p", "go", { n: 1 }, { signalId: "a" })).replayed, true);
    driver.start();
    const { payload } = await registry.awaiter.awaitEvent("p", "process.waiting");
    assert.deepEqual(payload, { name: "other", ordinal: 1 });
    await driver.signal("p", "go");
    assert.deepEqual(await driver.awaitTerminal("p"), success([{ n: 1 }, null]));
    assert.equal((await registry.getProcess("p")).wait, undefined);
  });

  test("of nobody's is refused: an unknown process, a bad name, a bad id", async (t) => {
    const registry = await open(t);
    const driver = registry.driver({});
    await assert.rejects(driver.signal("nobody", "go"), { code: "unknown_process" });
    await registry.registerProcess(external("p"));
    await assert.rejects(driver.signal("p", "a b"), { code: "invalid_argument" });
    await assert.rejects(driver.signal("p", "go", 1n), { code: "invalid_argument" });
    await assert.rejects(driver.signal("p", "go", 1, { signalId: " " }), { code: "invalid_argument" });
    await assert.rejects(driver.signal("p", "go", 1, { other: 1 }), { code: "invalid_argument" });
  });
});

describe("a started driver", () => {
  test("runs what is registered, children before the parent that waits for them, with one at a time", async (t) => {
    const registry = await open(t);
    const driver = registry.driver({
      concurrency: 1,
      runners: {
        parent: async ({ step, awaitTerminal }) => {
          const ids = ["child 1", "child 2"];
          await step("start", async () => {
            for (const id of ids) await registry.registerProcess(job(id, "child"));
          });
          return (await Promise.all(ids.map((id) => awaitTerminal(id)))).map(({ value }) => value);
        },
        child: ({ process }) => process.id,
      },
    });
    driver.start();
    await registry.registerProcess(job("p", "parent"));
    assert.deepEqual(await driver.awaitTerminal("p"), success(["child 1", "child 2"]));
  });

  test("that is stopped and started again in one turn, as a component that is mounted twice does, drives on", async (t) => {
    const registry = await open(t);
    const driver = registry.driver({ runners: { job: () => 1 } });
    driver.start();
    const stopped = driver.stop();
    driver.start();
    await stopped;
    await registry.registerProcess(job("p"));
    assert.deepEqual(await driver.awaitTerminal("p"), success(1));
    await driver.stop();
  });

  test("stops with its registry, and with its own scope", async (t) => {
    const registry = await open(t);
    const aborted = [];
    const runners = { job: ({ signal }) => new Promise(() => signal.addEventListener("abort", () => aborted.push(signal.reason.code))) };
    const scoped = registry.driver({ runners });
    scoped.start();
    await registry.registerProcess(job("p"));
    await settled();
    await scoped[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]();
    assert.deepEqual(aborted, ["lease_lost"]);
    const driver = registry.driver({ runners });
    await driver.claimAndRunPending();
    await registry.close();
    assert.deepEqual(aborted, ["lease_lost", "lease_lost"]);
    assert.throws(() => driver.start(), { code: "closed" });
    assert.throws(() => registry.driver({}), { code: "closed" });
    await assert.rejects(driver.claimAndRunPending(), { code: "closed" });
    await driver.stop();
    await driver.idle();
  });

  test("reports what failed with nobody to tell, and a listener of a signal that throws harms nothing", async (t) => {
    const errors = reported(t);
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const driver = registry.driver({ runHandle: { claimAndRunPending: () => Promise.reject(new Error("down")) } });
    driver.start();
    await settled();
    await driver.stop();
    assert.deepEqual(
      errors.map(({ message }) => message),
      ["down"],
    );
  });
});

describe("an engine that owns the waits", () => {
  const attach = (answer) => ({ attach: { awaitTerminal: async (...given) => answer(...given) } });

  test("is asked only for what has not ended, with the options of the wait", async (t) => {
    const registry = await open(t);
    for (const id of ["ended", "running"]) await registry.registerProcess(external(id));
    await registry.completeProcess("ended", success(1));
    const asked = [];
    const driver = registry.driver(attach((...given) => (asked.push(given), success("theirs"))));
    assert.deepEqual(await driver.awaitTerminal("ended"), success(1));
    assert.deepEqual(asked, []);
    const { signal } = new AbortController();
    assert.deepEqual(await driver.awaitTerminal("running", { signal, timeoutMs: 1000 }), success("theirs"));
    assert.deepEqual(asked, [["running", { signal, timeoutMs: 1000 }]]);
    await assert.rejects(driver.awaitTerminal("nobody"), { code: "unknown_process" });
  });

  test("owns its errors: they come out as they are, and nothing polls", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const broken = new RangeError("theirs");
    const driver = registry.driver(
      attach(() => {
        throw broken;
      }),
    );
    await assert.rejects(driver.awaitTerminal("p"), (error) => error === broken);
    await assert.rejects(registry.driver(attach(() => "nonsense")).awaitTerminal("p"), { code: "invalid_argument" });
    await assert.rejects(registry.driver(attach(() => ({ type: "won" }))).awaitTerminal("p"), { code: "invalid_argument" });
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("serves runners, too", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("other"));
    await registry.registerProcess(job("p"));
    const driver = registry.driver({
      ...attach((id) => success(`theirs: ${id}`)),
      runners: { job: async ({ awaitTerminal }) => (await awaitTerminal("other")).value },
    });
    await driver.claimAndRunPending();
    await driver.idle();
    assert.deepEqual((await registry.getProcess("p")).status.awaitOutput, success("theirs: other"));
  });
});

test("bad options are refused by name, and make no driver", async (t) => {
  const registry = await open(t);
  const bad = [
    undefined,
    null,
    7,
    [],
    { runner: {} },
    { runners: null },
    { runners: { job: 1 } },
    { runners: { " ": () => {} } },
    { runHandle: {} },
    { runHandle: null },
    { attach: { awaitTerminal: 1 } },
    { leaseTtlMs: 0 },
    { leaseTtlMs: 1.5 },
    { renewEveryMs: "1" },
    { leaseTtlMs: 29_999 },
    { renewEveryMs: 10_001 },
    { leaseTtlMs: 2 ** 31 },
    { concurrency: 0 },
    { concurrency: NaN },
  ];
  for (const options of bad.slice(1)) assert.throws(() => registry.driver(options), { code: "invalid_argument" }, JSON.stringify(options));
  registry.driver({ leaseTtlMs: 30, renewEveryMs: 10, concurrency: 1 });
  await assert.rejects(registry.driver({}).claimAndRunPending(7), { code: "invalid_argument" });
});
