/** What is not the process's own: trouble of longwait itself, time that is set, configuration that nothing would come of. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { root } from "./bundled.mjs";
import { external, isProcessError, open, openRegistry, ProcessError, quietConsole, settled, success, watched } from "./registry.mjs";

const job = (id, kind = "job", more) => ({ id, input: { type: "engine", kind }, ...more });

/** What was reported as an error that nobody waits for. */
function reported(t) {
  const errors = [];
  globalThis.reportError = (error) => errors.push(error);
  t.after(() => delete globalThis.reportError);
  return errors;
}

/** An error that longwait itself raised: of another registry, which is closed. */
async function raised() {
  const other = await openRegistry({ storage: "memory" });
  await other.close();
  return other.getProcess("p").then(
    () => assert.fail("is not refused"),
    (error) => error,
  );
}

describe("trouble of longwait itself", () => {
  const wrapped = {
    "as it is": (error) => error,
    "as a cause": (error) => new Error("could not save", { cause: new TypeError("why", { cause: error }) }),
    "among the errors of an AggregateError": (error) => new AggregateError([new Error("other"), error], "all failed"),
  };
  for (const [how, wrap] of Object.entries(wrapped))
    test(`that a runner lets through ${how} ends the attempt and not the process`, async (t) => {
      const [registry, errors, told] = [await open(t), reported(t), []];
      await registry.registerProcess(job("p"));
      const error = await raised();
      const runner = ({ attempt }) => {
        if (attempt === 1) throw wrap(error);
        return attempt;
      };
      const driver = registry.driver({ runners: { job: runner }, onRunError: (error) => told.push(error) });
      const report = await driver.claimAndRunPending();
      await driver.idle();
      assert.equal((await registry.getProcess("p")).status.state, "running");
      assert.equal(await registry.getProcessLease("p"), undefined);
      const { started, failed } = await driver.claimAndRunPending();
      assert.deepEqual(started, ["p"]);
      assert.deepEqual(
        [...report.failed, ...failed].map(({ processId, code }) => [processId, code]),
        [["p", "closed"]],
      );
      assert.deepEqual([errors.map(({ code }) => code), told], [["closed"], []]);
      assert.deepEqual(await driver.awaitTerminal("p"), success(2));
    });

  test("is reported, with the process it is about, and the lease is given back", async (t) => {
    const [registry, errors] = [await open(t), reported(t)];
    await registry.registerProcess(job("p", "job", { eventTypes: [{ name: "note" }] }));
    const runner = async ({ attempt, append }) => {
      if (attempt === 1) {
        const { leaseToken } = await registry.getProcessLease("p");
        await registry.completeProcessLease({ processId: "p", leaseToken });
        await append({ eventType: "note" });
      }
      return attempt;
    };
    const driver = registry.driver({ runners: { job: runner } });
    const failed = [...(await driver.claimAndRunPending()).failed];
    await driver.idle();
    const report = await driver.claimAndRunPending();
    failed.push(...report.failed);
    assert.deepEqual(
      failed.map(({ processId, code }) => [processId, code]),
      [["p", "lease_lost"]],
    );
    assert.equal(errors.length, 1);
    assert.ok(isProcessError(errors[0], "lease_lost") && errors[0].processId === "p");
    assert.deepEqual(await driver.awaitTerminal("p"), success(2));
  });

  test("is not what a runner makes itself with such a code: that is its failure", async (t) => {
    quietConsole(t);
    const registry = await open(t);
    const driver = registry.driver({
      runners: {
        job: ({ process }) => {
          throw new ProcessError("mine", { code: process.id });
        },
      },
    });
    for (const code of ["storage_failed", "quota_exceeded", "closed", "lease_lost", "internal"]) {
      await registry.registerProcess(job(code));
      await driver.claimAndRunPending();
      const output = await driver.awaitTerminal(code);
      assert.deepEqual([output.type, output.code, output.message], ["failure", code, "mine"]);
    }
  });

  test("is not what a process is refused: that is its failure", async (t) => {
    quietConsole(t);
    const registry = await open(t);
    const refusals = {
      invalid_argument: ({ append }) => append({ eventType: "note", payload: 1n }),
      undeclared_event_type: ({ append }) => append({ eventType: "nobody's" }),
      unknown_process: ({ awaitTerminal }) => awaitTerminal("nobody"),
      timeout: ({ waitForSignal }) => waitForSignal("go", { timeoutMs: 0 }),
      replay_conflict: async ({ append }) => {
        await append({ eventType: "note", payload: 1, replayKey: "k" });
        await append({ eventType: "note", payload: 2, replayKey: "k" });
      },
    };
    const driver = registry.driver({ runners: refusals });
    for (const code of Object.keys(refusals)) {
      await registry.registerProcess(job(code, code, { eventTypes: [{ name: "note" }] }));
      await driver.claimAndRunPending();
      const output = await driver.awaitTerminal(code);
      assert.deepEqual([output.type, output.code], ["failure", code]);
    }
  });

  test("that lasts does not keep the page from anything else: the next attempt comes after a pause", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    let runs = 0;
    const runner = async () => {
      runs++;
      // Its lease is gone by the time it ends, each time anew.
      const { leaseToken } = await registry.getProcessLease("p");
      await registry.completeProcessLease({ processId: "p", leaseToken });
    };
    reported(t);
    const driver = registry.driver({ runners: { job: runner } });
    driver.start();
    await settled();
    assert.equal(runs, 1);
    await driver.stop();
  });
});

test("an id that is pruned and registered again as another kind is begun at once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const registry = await open(t);
  const driver = registry.driver({ runners: { job: () => "begun" } });
  driver.start();
  for (const first of [job("p", "another's"), external("p", { identity: { kind: "job" } })]) {
    await registry.registerProcess(first);
    await settled();
    await registry.completeProcess("p", success(1));
    await registry.pruneTerminalProcesses(Date.now() + 1_000);
    await registry.registerProcess(job("p"));
    await settled();
    assert.deepEqual((await registry.getProcess("p")).status.awaitOutput, success("begun"));
    await registry.pruneTerminalProcesses(Date.now() + 1_000);
  }
  await driver.stop();
});

describe("what a runner throws", () => {
  /** How a process ends whose runner throws this. */
  async function failure(t, thrown, options) {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const throws = () => {
      throw thrown;
    };
    const driver = registry.driver({ runners: { job: throws }, ...options });
    await driver.claimAndRunPending();
    const { type, ...rest } = await driver.awaitTerminal("p");
    assert.equal(type, "failure");
    return rest;
  }

  test("is shown on the console with its stack, and the process that it is about", async (t) => {
    const shown = quietConsole(t);
    const error = new TypeError("no");
    await failure(t, error);
    assert.equal(shown.length, 1);
    assert.match(shown[0][0], /"p".*"job"/);
    assert.equal(shown[0][1], error);
  });

  test("goes to onRunError instead, if that is given, and what that throws is reported", async (t) => {
    const [shown, errors, told] = [quietConsole(t), reported(t), []];
    const error = new TypeError("no");
    await failure(t, error, { onRunError: (...given) => told.push(given) });
    assert.deepEqual(
      told.map(([thrown, { id }]) => [thrown, id]),
      [[error, "p"]],
    );
    const oops = new Error("in onRunError");
    await failure(t, error, {
      onRunError() {
        throw oops;
      },
    });
    assert.deepEqual([shown, errors], [[], [oops]]);
  });

  test("keeps its name, message, code, stack, causes, errors and own fields in raw", async (t) => {
    quietConsole(t);
    class Refused extends Error {
      name = "Refused";
    }
    const cause = Object.assign(new RangeError("deep"), { code: 7 });
    const error = Object.assign(new Refused("no", { cause: new Error("why", { cause }) }), {
      code: "E_NO",
      status: 403,
      at: new Date(0),
      skip: () => {},
    });
    const { raw, code, message } = await failure(t, error);
    assert.deepEqual([code, message], ["E_NO", "no"]);
    assert.deepEqual([raw.name, raw.message, raw.code, raw.status, raw.at], ["Refused", "no", "E_NO", 403, "1970-01-01T00:00:00.000Z"]);
    assert.equal(raw.stack, error.stack);
    assert.equal("skip" in raw, false);
    assert.deepEqual([raw.cause.message, raw.cause.cause.name, raw.cause.cause.code], ["why", "RangeError", 7]);
    const both = await failure(t, new AggregateError([new TypeError("one"), "two"], "both"));
    assert.deepEqual(
      [both.message, both.raw.errors[0].name, both.raw.errors[0].message, both.raw.errors[1]],
      ["both", "TypeError", "one", "two"],
    );
  });

  test("is plain data as it is, and text with half a character made whole", async (t) => {
    quietConsole(t);
    assert.deepEqual((await failure(t, { any: ["thing", null] })).raw, { any: ["thing", null] });
    assert.equal((await failure(t, "a word")).raw, "a word");
    const cut = await failure(t, new Error("😀".slice(0, 1) + " cut"));
    assert.deepEqual([cut.message, cut.raw.message], ["\ufffd cut", "\ufffd cut"]);
    const text = await failure(t, "cut \ud83d");
    assert.deepEqual([text.message, text.raw], ["cut \ufffd", "cut \ufffd"]);
  });

  test("has a number as code made text, and class timeout for a timeout of any kind", async (t) => {
    quietConsole(t);
    assert.equal((await failure(t, Object.assign(new Error("x"), { code: 404 }))).code, "404");
    assert.equal((await failure(t, new DOMException("late", "TimeoutError"))).class, "timeout");
    const named = new Error("late");
    named.name = "TimeoutError";
    assert.equal((await failure(t, named)).class, "timeout");
    assert.deepEqual(Object.values(await failure(t, new ProcessError("late", { code: "timeout" }))).slice(0, 2), ["timeout", "timeout"]);
    assert.equal((await failure(t, new DOMException("gone", "NotFoundError"))).code, "process_failed");
  });

  test("is bounded, however deep, long or round it is, and whatever it answers", async (t) => {
    quietConsole(t);
    const round = new Error("round");
    round.cause = round;
    let deep = new Error("deep");
    for (let level = 0; level < 1_000; level++) deep = new Error("deep", { cause: deep });
    const long = new Error("x".repeat(1_000_000));
    const many = new AggregateError(
      Array.from({ length: 100_000 }, (_, n) => new Error(`${n}`)),
      "many",
    );
    const odd = new Proxy(new Error("odd"), {
      get(target, name) {
        if (name === "stack") throw 1;
        return target[name];
      },
      ownKeys() {
        throw 2;
      },
    });
    const body = Object.assign(new Error("body"), {
      body: new Uint8Array(30_000_000),
      socket: new (class Socket {
        secret = "s";
      })(),
      list: [1, , () => 1],
    });
    const self = new AggregateError([], "self");
    self.errors = Array.from({ length: 1_000 }, () => self);
    for (const error of [round, deep, long, many, odd, body, self]) {
      const output = await failure(t, error);
      assert.ok(JSON.stringify(output).length < 300_000, `${JSON.stringify(output).length}`);
      assert.equal(output.code, "process_failed");
    }
    const { raw } = await failure(t, body);
    assert.deepEqual([raw.body, raw.socket, raw.list], [undefined, undefined, [1, null, null]]);
  });
});

test("an uncaught ProcessError prints its message and its stack, and no file as a whole", () => {
  const code = `
    import { openRegistry } from "longwait";
    const registry = await openRegistry({ storage: "memory" });
    await registry.awaitTerminal("nobody");
  `;
  const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8", cwd: root });
  assert.equal(status, 1);
  assert.match(stderr, /ProcessError: process `nobody` is not known/);
  assert.ok(stderr.length < 3_000, stderr);
});

describe("configuration that nothing would come of is refused or told of:", () => {
  test("runners that are no plain object", async (t) => {
    const registry = await open(t);
    for (const runners of [new Map([["job", () => 1]]), [() => 1], new (class Runners {})(), "job", null])
      assert.throws(() => registry.driver({ runners }), { name: "ProcessError", code: "invalid_argument" });
    registry.driver({ runners: Object.assign(Object.create(null), { job: () => 1 }) });
  });

  test("a signal in place of options", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const { signal } = new AbortController();
    const driver = registry.driver({ runners: {} });
    for (const wait of [
      () => registry.awaiter.awaitTerminal("p", signal),
      () => registry.pollingAwaiter().awaitTerminal("p", signal),
      () => registry.awaiter.awaitEvent("p", "process.waiting", 0, signal),
      () => registry.session({ sessionId: "s" }).awaitTerminal("p", signal),
      () => driver.awaitTerminal("p", signal),
      () => registry.ownerGone(registry.owner, signal),
    ])
      await assert.rejects(wait(), { name: "ProcessError", code: "invalid_argument", message: /AbortSignal/ });
    assert.throws(() => registry.events("p", signal), { code: "invalid_argument" });
  });

  test("a wait for an event type that the process does not declare", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes: [{ name: "note" }] }));
    for (const awaiter of [registry.awaiter, registry.pollingAwaiter()])
      await assert.rejects(awaiter.awaitEvent("p", "nte"), { code: "undeclared_event_type", processId: "p", message: /nte/ });
    await assert.rejects(registry.events("p", { types: ["note", "nte"] }).next(), { code: "undeclared_event_type" });
    await assert.rejects(registry.awaiter.awaitEvent("nobody", "nte"), { code: "unknown_process" });
    const scope = { sessionId: "s" };
    await assert.rejects(registry.session(scope).awaitEvent("p", "nte"), { code: "unknown_process" });
    await registry.grantHandle(scope, "p");
    await assert.rejects(registry.session(scope).awaitEvent("p", "nte"), { code: "undeclared_event_type" });
    // Those of signals and drivers are there undeclared.
    for (const type of [
      "note",
      "signal.go",
      "process.step",
      "process.timer",
      "process.attempt_failed",
      "process.waiting",
      "process.cancel_requested",
      "process.completed",
    ])
      await assert.rejects(registry.awaiter.awaitEvent("p", type, 0, { timeoutMs: 1 }), { code: "timeout" });
    await registry.appendEvent("p", { eventType: "note", payload: 1 });
    assert.equal((await registry.events("p", { types: ["note"] }).next()).value.payload, 1);
  });
});

describe("on the console", () => {
  test("a started driver warns once for each kind without a runner, of a process that has waited for 5 s", async (t) => {
    const { warnings, pass } = watched(t);
    const registry = await open(t);
    const driver = registry.driver({ runners: { job: () => 1 } });
    driver.start();
    for (const [id, kind] of [
      ["a", "jbo"],
      ["b", "jbo"],
      ["c", "other"],
      ["d", "job"],
    ])
      await registry.registerProcess(job(id, kind));
    await registry.registerProcess(external("e"));
    await pass(4_000);
    assert.deepEqual(warnings, []);
    await pass(4_000);
    assert.equal(warnings.length, 2);
    assert.ok(
      warnings.some((warning) => /"[ab]".*"jbo"/.test(warning)) && warnings.some((warning) => /"c".*"other"/.test(warning)),
      warnings.join(),
    );
    await pass(70_000);
    assert.equal(warnings.length, 2);
    await driver.stop();
  });
});

describe("a host that runs the work itself", () => {
  test("leaves the page its turns, though each of its looks makes a change", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes: [{ name: "note" }] }));
    let looks = 0;
    const runHandle = {
      async claimAndRunPending() {
        looks++;
        await registry.appendEvent("p", { eventType: "note" });
      },
    };
    const driver = registry.driver({ runHandle });
    driver.start();
    await settled();
    const before = looks;
    assert.ok(before >= 1);
    await driver.stop();
    await settled();
    assert.ok(looks <= before + 1);
  });

  test("is called again only after a pause that grows where it failed, and at once after a stop", async (t) => {
    const [registry, errors] = [await open(t), reported(t)];
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let looks = 0;
    const runHandle = {
      async claimAndRunPending() {
        looks++;
        throw new Error("bad day");
      },
    };
    const driver = registry.driver({ runHandle });
    driver.start();
    await settled();
    for (const [pause, after] of [
      [999, 1],
      [1, 2],
      [1_999, 2],
      [1, 3],
    ]) {
      registry.hub.notify("p");
      await settled();
      t.mock.timers.tick(pause);
      await settled();
      assert.equal(looks, after);
    }
    await driver.stop();
    await driver.idle();
    driver.start();
    await settled();
    assert.deepEqual([looks, errors.length], [4, 4]);
    await driver.stop();
  });
});
