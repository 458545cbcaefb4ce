/** Steps with a policy, timers, and the deadlines of waits, through the built package. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NonRetryableError, RetryableError } from "longwait";
import { isProcessError, open, quietConsole, success } from "./registry.mjs";

const AT_ONCE = { initialIntervalMs: 0 };

/** A registry with one process `p`. */
async function registered(t, more) {
  const registry = await open(t);
  await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" }, ...more });
  return registry;
}

/** Has these runners run it, one after the other: each but the last one waits for ever at its end, and is stopped there. */
async function runs(registry, ...runners) {
  for (const [at, runner] of runners.entries()) {
    const isLast = at === runners.length - 1;
    const driver = registry.driver({
      runners: {
        async job(context) {
          const value = await runner(context);
          return isLast ? value : context.waitForSignal(`end-${at}`);
        },
      },
    });
    await driver.claimAndRunPending();
    if (isLast) return driver.awaitTerminal("p").finally(() => driver.stop());
    while ((await registry.getProcess("p")).wait?.name !== `end-${at}`) await new Promise((over) => setImmediate(over));
    await driver.stop();
  }
}

const payloads = async (registry, type) => (await registry.eventsAfter("p", 0, { types: [type] })).map(({ payload }) => payload);

const thrown = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail("is not rejected");
};

describe("a step with a policy", () => {
  test("is tried again until it gives a value, and is given the same key for systems outside each time", async (t) => {
    const registry = await registered(t);
    const attempts = [];
    const output = await runs(registry, ({ step }) =>
      step(
        "send",
        ({ attempt, idempotencyKey, signal }) => {
          attempts.push([attempt, idempotencyKey, signal.aborted]);
          if (attempt < 3) throw new Error(`no ${attempt}`);
          return attempt;
        },
        { retry: AT_ONCE },
      ),
    );
    assert.deepEqual(output, success(3));
    assert.deepEqual(
      attempts,
      [1, 2, 3].map((attempt) => [attempt, "p/send", false]),
    );
    const failed = await payloads(registry, "process.step_failed");
    assert.deepEqual(
      failed.map(({ key, attempt, error }) => [key, attempt, error.message]),
      [
        ["send", 1, "no 1"],
        ["send", 2, "no 2"],
      ],
    );
    assert.ok(failed.every(({ retryAtMs }) => Number.isSafeInteger(retryAtMs)));
  });

  test("throws what its last attempt threw, and in every later run an error that says as much and ends a process alike", async (t) => {
    const registry = await registered(t);
    const cause = new Error("no network");
    const original = Object.assign(new TypeError("cannot fetch", { cause }), { code: "offline", status: 503 });
    const first = [];
    const later = [];
    const failing =
      (kept, fails) =>
      async ({ step }) => {
        const error = await thrown(step("fetch", fails, { retry: { ...AT_ONCE, maxAttempts: 2 } }));
        kept.push(error);
        return error;
      };
    const again = () => assert.fail("is tried again");
    quietConsole(t);
    const output = await runs(
      registry,
      failing(first, () => {
        throw original;
      }),
      failing(later, again),
      async (context) => {
        throw await failing(later, again)(context);
      },
    );
    assert.equal(first[0], original);
    for (const error of later) {
      assert.ok(error instanceof Error);
      const { name, message, code, status } = error;
      assert.deepEqual({ name, message, code, status }, { name: "TypeError", message: "cannot fetch", code: "offline", status: 503 });
      assert.equal(error.cause.message, "no network");
    }
    const [, { error }] = await payloads(registry, "process.step_failed");
    assert.deepEqual(output, { type: "failure", ...error });
  });

  test("gives back what was thrown and is no error", async (t) => {
    for (const value of ["a word", { status: 404, message: "gone" }, [1, 2], null]) {
      const registry = await registered(t);
      const step = (fails) => (context) => thrown(context.step("s", fails, { retry: { maxAttempts: 1 } }));
      const output = await runs(
        registry,
        step(() => {
          throw value;
        }),
        step(() => assert.fail("is tried again")),
      );
      assert.deepEqual(output, success(value), JSON.stringify(value));
    }
  });

  test("goes by the types of errors, and asks `shouldRetry` about others alone", async (t) => {
    const registry = await registered(t);
    const asked = [];
    const shouldRetry = (error) => (asked.push(error.message), error.message !== "hopeless");
    const tried = async (context, key, make) => {
      let attempts = 0;
      const policy = { ...AT_ONCE, maxAttempts: 3, shouldRetry };
      await thrown(
        context.step(
          key,
          () => {
            attempts += 1;
            throw make();
          },
          { retry: policy },
        ),
      );
      return attempts;
    };
    const output = await runs(registry, async (context) => [
      await tried(context, "never", () => new NonRetryableError("no")),
      await tried(context, "another copy", () => Object.assign(new Error("no"), { name: "NonRetryableError" })),
      await tried(context, "asks", () => new RetryableError("again", { retryAfterMs: 0 })),
      await tried(context, "hopeless", () => new Error("hopeless")),
      await tried(context, "hopeful", () => new Error("hopeful")),
    ]);
    assert.deepEqual(output, success([1, 1, 3, 1, 3]));
    assert.deepEqual(asked, ["hopeless", "hopeful", "hopeful", "hopeful"]);
  });

  test("that has failed with an error that asks for another attempt does not have the run repeated for ever", async (t) => {
    quietConsole(t);
    const registry = await registered(t);
    const output = await runs(registry, ({ step }) =>
      step(
        "s",
        () => {
          throw new RetryableError("busy", { retryAfterMs: 0, code: "busy" });
        },
        { retry: { maxAttempts: 2 } },
      ),
    );
    assert.equal(output.code, "busy");
    assert.deepEqual(await payloads(registry, "process.attempt_failed"), []);
  });

  test("counts on in a later run", async (t) => {
    const registry = await registered(t);
    const attempts = [];
    const runner = ({ step }) =>
      step(
        "s",
        ({ attempt }) => {
          attempts.push(attempt);
          if (attempt < 3) throw new RetryableError("later", { retryAfterMs: attempt === 1 ? 0 : 3_600_000 });
          return "done";
        },
        { retry: {} },
      );
    const first = registry.driver({ runners: { job: runner } });
    await first.claimAndRunPending();
    await registry.awaitEvent("p", "process.step_failed", 1);
    const { wait } = await registry.getProcess("p");
    assert.deepEqual({ ...wait, untilMs: 0, sinceMs: 0 }, { kind: "retry", step: "s", attempt: 3, untilMs: 0, sinceMs: 0 });
    await first.stop();
    assert.deepEqual(attempts, [1, 2]);
  });

  test("rejects with the reason of the run's signal where that is aborted during the wait for another attempt", async (t) => {
    const registry = await registered(t);
    const runner = ({ step }) =>
      step(
        "s",
        () => {
          throw new RetryableError("later", { retryAfterMs: 3_600_000 });
        },
        { retry: {} },
      );
    const driver = registry.driver({ runners: { job: runner } });
    await driver.claimAndRunPending();
    await registry.awaitEvent("p", "process.step_failed");
    await registry.requestCancel("p", "enough");
    assert.deepEqual(await registry.awaitTerminal("p"), { type: "cancelled", message: "enough" });
  });

  test("is not retried nor recorded where the run is to stop, and its signal says so", async (t) => {
    const registry = await registered(t);
    let begun;
    const began = new Promise((resolve) => (begun = resolve));
    const runner = ({ step }) =>
      step(
        "s",
        ({ signal }) =>
          new Promise((_, reject) => {
            begun();
            signal.addEventListener("abort", () => reject(signal.reason));
          }),
        { retry: AT_ONCE },
      );
    const driver = registry.driver({ runners: { job: runner } });
    await driver.claimAndRunPending();
    await began;
    await registry.requestCancel("p", "enough");
    assert.deepEqual(await registry.awaitTerminal("p"), { type: "cancelled", message: "enough" });
    assert.deepEqual(await payloads(registry, "process.step_failed"), []);
  });
});

describe("a step with a limit", () => {
  test("fails with a TimeoutError that aborts the signal of the attempt, and may be tried again", async (t) => {
    const registry = await registered(t);
    const seen = [];
    const output = await runs(registry, ({ step, signal: ofRun }) =>
      step(
        "slow",
        ({ attempt, signal }) => {
          if (attempt === 2) return ofRun.aborted;
          signal.addEventListener("abort", () => seen.push(signal.reason.name));
          return new Promise(() => {});
        },
        { timeoutMs: 5, retry: AT_ONCE },
      ),
    );
    assert.deepEqual(output, success(false));
    assert.deepEqual(seen, ["TimeoutError"]);
    const [{ error }] = await payloads(registry, "process.step_failed");
    assert.deepEqual([error.class, error.raw.name], ["timeout", "TimeoutError"]);
  });

  test("and without a policy rejects with it, unrecorded", async (t) => {
    const registry = await registered(t);
    const output = await runs(registry, async ({ step }) => {
      const error = await thrown(step("slow", () => new Promise(() => {}), { timeoutMs: 5 }));
      return [error.name, await step("slow", () => "second", { timeoutMs: 2 ** 40 })];
    });
    assert.deepEqual(output, success(["TimeoutError", "second"]));
  });
});

describe("a timer", () => {
  test("is over at one time in all runs, and the record shows it until then", async (t) => {
    const registry = await registered(t);
    const hour = 3_600_000;
    const slept = [];
    const output = await runs(
      registry,
      async ({ sleep, sleepUntil, process }) => {
        await sleep("short", 1);
        await sleepUntil("past", new Date(process.createdAtMs));
        slept.push(sleep("long", hour).catch(() => {}));
      },
      async ({ sleep, sleepUntil, waitForSignal }) => {
        await sleep("short", hour);
        await sleepUntil("past", Date.now() + hour);
        await assert.rejects(waitForSignal("x", { timeoutMs: 0 }), { code: "timeout" });
        return "over";
      },
    );
    assert.deepEqual(output, success("over"));
    const timers = await payloads(registry, "process.timer");
    assert.deepEqual(
      timers.map(({ key }) => key),
      ["short", "past", "long"],
    );
    assert.ok(timers[2].dueAtMs > Date.now());
  });

  test("shows in the record what is waited for", async (t) => {
    const registry = await registered(t);
    const driver = registry.driver({ runners: { job: ({ sleepUntil }) => sleepUntil("then", 4_000_000_000_000) } });
    await driver.claimAndRunPending();
    const event = await registry.awaitEvent("p", "process.timer");
    assert.deepEqual((await registry.getProcess("p")).wait, {
      kind: "timer",
      key: "then",
      untilMs: 4_000_000_000_000,
      sinceMs: event.occurredAtMs,
    });
    assert.deepEqual(
      (await registry.listProcesses({ waiting: true })).map(({ id }) => id),
      ["p"],
    );
    await registry.requestCancel("p", "no more");
    assert.deepEqual(await registry.awaitTerminal("p"), { type: "cancelled", message: "no more" });
  });

  test("races with a signal, and every run sees the same winner", async (t) => {
    const registry = await registered(t);
    const race = async ({ sleep, waitForSignal }) => {
      const lost = new AbortController();
      const winner = await Promise.race([
        sleep("limit", 5).then(() => "timer"),
        waitForSignal("go", { signal: lost.signal }).then(
          () => "signal",
          () => "given up",
        ),
      ]);
      lost.abort();
      return winner;
    };
    const output = await runs(
      registry,
      async (context) => {
        assert.equal(await race(context), "timer");
        await registry.signal("p", "go");
      },
      race,
    );
    assert.deepEqual(output, success("timer"));
  });
});

describe("a wait for a process", () => {
  test("is shown while it lasts", async (t) => {
    const registry = await registered(t);
    await registry.registerProcess({ id: "q", input: { type: "external" } });
    const driver = registry.driver({ runners: { job: async ({ awaitTerminal }) => (await awaitTerminal("q")).value } });
    await driver.claimAndRunPending();
    let wait;
    while ((wait = (await registry.getProcess("p")).wait) === undefined) await new Promise((over) => setImmediate(over));
    assert.deepEqual({ ...wait, sinceMs: 0 }, { kind: "process", processId: "q", sinceMs: 0 });
    await registry.completeProcess("q", success(7));
    assert.deepEqual(await registry.awaitTerminal("p"), success(7));
  });
});

describe("are refused before anything runs", () => {
  const never = () => assert.fail("runs");
  const refusal = async (promise) => {
    const error = await thrown(promise);
    assert.ok(isProcessError(error, "invalid_argument"), String(error));
    return error.message.split(":")[0];
  };

  test("options of a step that make no sense", async (t) => {
    const registry = await registered(t);
    const given = [
      [{ retry: { maxAttempts: 0 } }, "options.retry.maxAttempts"],
      [{ retry: { backoffCoefficient: 0.5 } }, "options.retry.backoffCoefficient"],
      [{ retry: { initialIntervalMs: -1 } }, "options.retry.initialIntervalMs"],
      [{ retry: { tries: 3 } }, "options.retry.tries"],
      [{ retry: { shouldRetry: true } }, "options.retry.shouldRetry"],
      [{ retry: 3 }, "options.retry"],
      [{ timeoutMs: -1 }, "options.timeoutMs"],
      [{ timeout: 1 }, "options.timeout"],
      [3, "options"],
    ];
    const output = await runs(registry, async ({ step }) => {
      const paths = [];
      for (const [options] of given) paths.push(await refusal(step("s", never, options)));
      return paths;
    });
    assert.deepEqual(output, success(given.map(([, path]) => path)));
  });

  test("times that are none, and keys that are blank or used", async (t) => {
    const registry = await registered(t);
    const output = await runs(registry, async ({ sleep, sleepUntil }) => {
      const times = [];
      for (const time of [-1, NaN, Infinity, "1", undefined, null, {}]) times.push(await refusal(sleep("t", time)));
      for (const time of [-1, NaN, Infinity, "1", undefined, new Date(NaN), { getTime: () => 1 }])
        times.push(await refusal(sleepUntil("t", time)));
      for (const key of ["", " ", 3]) await refusal(sleep(key, 1));
      await sleep("t", 0);
      await refusal(sleep("t", 0));
      return [...new Set(times)];
    });
    assert.deepEqual(output, success(["ms", "time"]));
  });

  test("steps, timers and waits that the function of a step asks for before it has returned", async (t) => {
    const registry = await registered(t);
    const output = await runs(registry, async (context) => {
      const inner = [
        () => context.step("inner", never),
        () => context.sleep("inner", 1),
        () => context.sleepUntil("inner", 1),
        () => context.waitForSignal("go"),
        () => context.awaitTerminal("p2"),
      ];
      for (const [at, call] of inner.entries()) assert.match(await refusal(context.step(`outer ${at}`, call)), /inside of step `outer/);
      return context.step("outer", async () => {
        await null;
        return context.step("later", () => "is allowed");
      });
    });
    assert.deepEqual(output, success("is allowed"));
  });
});
