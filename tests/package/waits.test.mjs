/** Waits of runs and of hosts: what is there is found, what is aborted takes nothing, and what would wait for itself is refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, isProcessError, open, success } from "./registry.mjs";

const job = (id, kind = "job", more) => ({ id, input: { type: "engine", kind }, ...more });

/** A run that goes no further, until its driver is stopped: a hand-over half-way. */
const halt = () => new Promise(() => {});

/** Has `runner` run `p`, twice or as often as it takes: `first` at most until it calls `halted`, then `next`. Answers how it ends. */
async function handedOver(t, runner, between = () => {}) {
  const registry = await open(t);
  await registry.registerProcess(job("p"));
  const halted = deferred();
  const first = registry.driver({ runners: { job: (context) => runner(context, { registry, halt: () => (halted.resolve(), halt()) }) } });
  await first.claimAndRunPending();
  await halted.promise;
  await first.stop();
  await between(registry);
  const next = registry.driver({ runners: { job: (context) => runner(context, { registry, halt: () => {} }) } });
  await next.claimAndRunPending();
  return { registry, output: await registry.awaitTerminal("p") };
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** Runs one process of kind `job`, and answers how it ends. */
async function outcome(t, runner, { signals = [], concurrency } = {}) {
  const registry = await open(t);
  await registry.registerProcess(job("p"));
  for (const [name, payload] of signals) await registry.signal("p", name, payload);
  const driver = registry.driver({ concurrency, runners: { job: (context) => runner(context, { registry, driver }) }, onRunError() {} });
  await driver.claimAndRunPending();
  return registry.awaitTerminal("p");
}

/** Waits for one signal of several by waits that race, and gives up those that lose. */
async function race(waitForSignal, names) {
  const losers = new AbortController();
  const waits = names.map((name) => waitForSignal(name, { signal: losers.signal }));
  const first = await Promise.race(waits);
  losers.abort();
  await Promise.allSettled(waits);
  return first.payload;
}

describe("a limit", () => {
  test("bounds only the waiting: every wait finds what is there already", async (t) => {
    const registry = await open(t);
    const scope = { sessionId: "s" };
    await registry.registerProcess(external("p", { eventTypes: [{ name: "note" }] }));
    await registry.grantHandle(scope, "p");
    await registry.appendEvent("p", { eventType: "note", payload: 1 });
    await registry.completeProcess("p", success(2));
    const attach = { awaitTerminal: () => assert.fail("was asked") };
    const waiters = [registry, registry.awaiter, registry.pollingAwaiter(), registry.session(scope), registry.driver({})];
    for (const waiter of [...waiters, registry.driver({ attach })])
      assert.deepEqual(await waiter.awaitTerminal("p", { timeoutMs: 0 }), success(2));
    for (const waiter of waiters) assert.equal((await waiter.awaitEvent("p", "note", 0, { timeoutMs: 0 })).payload, 1);
  });

  test("is kept where there is nothing", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes: [{ name: "note" }] }));
    const attach = { awaitTerminal: () => new Promise(() => {}) };
    for (const waiter of [registry, registry.pollingAwaiter(), registry.driver({ attach })])
      await assert.rejects(waiter.awaitTerminal("p", { timeoutMs: 1 }), { code: "timeout" });
    await assert.rejects(registry.awaitEvent("p", "note", 0, { timeoutMs: 0 }), { code: "timeout" });
  });

  test("does not hold back a signal of the run that came already", async (t) => {
    const runner = async ({ waitForSignal }) => [
      (await waitForSignal("go", { timeoutMs: 0 })).payload,
      await waitForSignal("go", { timeoutMs: 0 }).catch(({ code }) => code),
    ];
    assert.deepEqual(await outcome(t, runner, { signals: [["go", 1]] }), success([1, "timeout"]));
  });

  test("is no reason to look where the signal is aborted already", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    await registry.completeProcess("p", success(2));
    const signal = AbortSignal.abort("enough");
    for (const waiter of [registry, registry.pollingAwaiter(), registry.driver({})])
      await assert.rejects(waiter.awaitTerminal("p", { signal, timeoutMs: 0 }), (error) => error === "enough");
    await assert.rejects(registry.events("p", { signal }).next(), (error) => error === "enough");
  });
});

describe("waits that race", () => {
  const signals = [
    ["b", "b1"],
    ["a", "a1"],
    ["b", "b2"],
    ["a", "a2"],
    ["b", "b3"],
  ];

  test("give up what they lose, though all signals are there", async (t) => {
    const runner = async ({ waitForSignal }) => {
      const got = [];
      while (got.length < 5) got.push(await race(waitForSignal, ["a", "b"]));
      return got;
    };
    const { value } = await outcome(t, runner, { signals });
    assert.deepEqual([...value].sort(), ["a1", "a2", "b1", "b2", "b3"]);
  });

  test("come to the same after a hand-over half-way, whatever has come since", async (t) => {
    const seen = [];
    const runner = async ({ waitForSignal, attempt }, { halt }) => {
      const got = [];
      for (let n = 0; n < 4; n++) {
        if (n === 2) await halt();
        got.push(await race(waitForSignal, ["a", "b"]));
        seen.push([attempt, got.at(-1)]);
      }
      return got;
    };
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    await registry.signal("p", "b", "b1");
    const halted = deferred();
    const first = registry.driver({ runners: { job: (context) => runner(context, { halt: () => (halted.resolve(), halt()) }) } });
    await first.claimAndRunPending();
    await registry.awaitEvent("p", "process.resumed");
    await registry.signal("p", "a", "a1");
    await halted.promise;
    await first.stop();
    for (const [name, payload] of [
      ["a", "a2"],
      ["b", "b2"],
      ["a", "a3"],
    ])
      await registry.signal("p", name, payload);
    await registry.driver({ runners: { job: (context) => runner(context, { halt: () => {} }) } }).claimAndRunPending();
    const { value } = await registry.awaitTerminal("p");
    assert.deepEqual(value.slice(0, 2), ["b1", "a1"], "what the first run was given");
    assert.deepEqual(
      seen.filter(([attempt]) => attempt === 1).map(([, got]) => got),
      ["b1", "a1"],
    );
    assert.deepEqual(value.slice(2), ["a2", "a3"], "the wait for a is issued first, and all are there");
  });

  test("keep a wait that lasts over many races from coming out before what it lost to", async (t) => {
    const { output } = await handedOver(
      t,
      async ({ waitForSignal }, { registry, halt }) => {
        const stop = waitForSignal("stop");
        const got = [];
        for (let n = 0; n < 2; n++) {
          if (got.length === 0) await registry.signal("p", "next", n, { signalId: `${n}` });
          got.push((await Promise.race([stop, waitForSignal("next")])).payload);
          await registry.signal("p", "next", 1, { signalId: "1" });
        }
        await halt();
        return [...got, (await stop).payload];
      },
      (registry) => registry.signal("p", "stop", "stopped"),
    );
    assert.deepEqual(output, success([0, 1, "stopped"]));
  });

  test("and are aborted in the turn that issued them have taken nothing", async (t) => {
    const runner = async ({ waitForSignal }) => {
      const given = new AbortController();
      const wait = waitForSignal("go", { signal: given.signal });
      given.abort("at once");
      await assert.rejects(wait, (error) => error === "at once");
      return (await waitForSignal("go")).payload;
    };
    assert.deepEqual(await outcome(t, runner, { signals: [["go", 1]] }), success(1));
  });

  test("take nothing in a later run where they were aborted or timed out in an earlier one", async (t) => {
    const { output, registry } = await handedOver(
      t,
      async ({ waitForSignal, step }, { halt }) => {
        const given = new AbortController();
        const aborted = waitForSignal("go", { signal: given.signal });
        await step("think", () => {});
        given.abort("changed my mind");
        await assert.rejects(aborted, (error) => error === "changed my mind");
        await assert.rejects(waitForSignal("go", { timeoutMs: 1 }), { code: "timeout" });
        await step("went on", () => {});
        await halt();
        return (await waitForSignal("go")).payload;
      },
      (registry) => registry.signal("p", "go", "late"),
    );
    assert.deepEqual(output, success("late"));
    const told = (await registry.eventsAfter("p", 0, { types: ["process.resumed"] })).map(({ payload }) => payload);
    assert.deepEqual(
      told.map(({ givenUp, timedOut }) => [givenUp, timedOut]),
      [
        [true, undefined],
        [undefined, true],
        [undefined, undefined],
      ],
    );
  });
});

describe("a wait for any of several signals", () => {
  test("takes the first of any of them by its place in the log, in every run", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    for (const [name, payload] of [
      ["b", 1],
      ["c", 2],
      ["a", 3],
      ["b", 4],
    ])
      await registry.signal("p", name, payload);
    const halted = deferred();
    const runner =
      (stops) =>
      async ({ waitForSignal }) => {
        const got = [(await waitForSignal(["a", "b"])).payload, (await waitForSignal(["b", "a", "b"])).payload];
        if (stops) (halted.resolve(), await halt());
        return [...got, (await waitForSignal(["a", "b"])).payload, (await waitForSignal(["c"])).payload];
      };
    const first = registry.driver({ runners: { job: runner(true) } });
    await first.claimAndRunPending();
    await halted.promise;
    await first.stop();
    await registry.driver({ runners: { job: runner(false) } }).claimAndRunPending();
    assert.deepEqual(await registry.awaitTerminal("p"), success([1, 3, 4, 2]));
  });

  test("is shown with all of its names, and refused without one, or with one that no signal can have", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    const runner = async ({ waitForSignal }) => {
      for (const names of [[], ["a", "b c"], ["a", 1], [""], 7, undefined])
        await assert.rejects(waitForSignal(names), { code: "invalid_argument" }, String(names));
      return (await waitForSignal(["no", "yes"])).eventType;
    };
    await registry.driver({ runners: { job: runner } }).claimAndRunPending();
    await registry.awaitEvent("p", "process.waiting");
    const { name, names, eventType, ordinal } = (await registry.getProcess("p")).wait;
    assert.deepEqual({ name, names, eventType, ordinal }, { name: "no", names: ["no", "yes"], eventType: "signal.no", ordinal: 1 });
    await registry.signal("p", "yes");
    assert.deepEqual(await registry.awaitTerminal("p"), success("signal.yes"));
  });
});

describe("a request to cancel", () => {
  test("ends a process that was never begun without running it, and frees its place for others", async (t) => {
    const registry = await open(t);
    const began = [];
    const driver = registry.driver({
      concurrency: 1,
      runners: {
        long: async ({ process, step }) => {
          began.push(process.id);
          await step("hold", () => release.promise);
        },
        // Waits for its abort and nothing else.
        tortoise: ({ process, signal }) => (
          began.push(process.id),
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
        ),
        quick: ({ process }) => void began.push(process.id),
      },
    });
    const release = deferred();
    driver.start();
    await registry.registerProcess(job("1", "long"));
    await registry.registerProcess(job("2", "tortoise"));
    await registry.registerProcess(job("3", "quick"));
    await registry.requestCancel("2", "no longer needed");
    release.resolve();
    assert.deepEqual(await registry.awaitTerminal("2"), { type: "cancelled", message: "no longer needed" });
    assert.deepEqual(await registry.awaitTerminal("3"), success(null));
    assert.deepEqual(began.sort(), ["1", "3"]);
    assert.deepEqual(
      (await registry.eventsAfter("2", 0)).map(({ eventType }) => eventType),
      ["process.cancel_requested", "process.cancelled"],
    );
    await registry.registerProcess(external("4"));
    await registry.requestCancel("4");
    await driver.claimAndRunPending();
    assert.equal((await registry.getProcess("4")).status.state, "running", "its host ends it");
  });

  test("between two runs aborts the later one once it listens: at once, or behind what it repeats", async (t) => {
    const registry = await open(t);
    const seen = [];
    const aborted = (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const runners = {
      async tortoise({ signal }) {
        seen.push(["tortoise", signal.aborted]);
        await aborted(signal);
      },
      async booking({ signal, step, waitForSignal }) {
        seen.push(["booking", signal.aborted]);
        try {
          await step("book", () => "seat 12");
          await step("pay", () => 7);
          await waitForSignal("paid");
          await aborted(signal);
        } catch (error) {
          if (signal.aborted) await step("release", () => {});
          throw error;
        }
      },
    };
    for (const kind of Object.keys(runners)) await registry.registerProcess(job(kind, kind));
    await registry.signal("booking", "paid");
    const first = registry.driver({ runners });
    await first.claimAndRunPending();
    await registry.awaitEvent("booking", "process.resumed");
    await first.stop();
    for (const kind of Object.keys(runners)) await registry.requestCancel(kind, "changed my mind");
    await registry.driver({ runners }).claimAndRunPending();
    for (const kind of Object.keys(runners))
      assert.deepEqual(await registry.awaitTerminal(kind), { type: "cancelled", message: "changed my mind" });
    assert.deepEqual(
      seen.slice(2).map(([, aborted]) => aborted),
      [false, false],
    );
    const steps = (await registry.eventsAfter("booking", 0, { types: ["process.step"] })).map(({ payload }) => payload.key);
    assert.deepEqual(steps, ["book", "pay", "release"]);
  });
});

describe("what would wait for itself is refused", () => {
  const why = /would wait for that itself|cannot await itself/;

  test("idle() inside a run, also behind a step", async (t) => {
    const runner = async ({ step }, { driver }) => {
      await assert.rejects(driver.idle(), { code: "invalid_argument", message: /idle\(\) inside a run of "p" would wait for that itself/ });
      await step("one", async () => assert.rejects(driver.idle(), { code: "invalid_argument" }));
      await assert.rejects(driver.idle(), { code: "invalid_argument" });
      return "refused";
    };
    assert.deepEqual(await outcome(t, runner), success("refused"));
  });

  test("idle() inside of what a host is asked for", async (t) => {
    const registry = await open(t);
    const runHandle = {
      claimAndRunPending: async () =>
        assert.rejects(driver.idle(), { code: "invalid_argument", message: /claimAndRunPending of runHandle/ }),
    };
    const driver = registry.driver({ runHandle });
    await driver.claimAndRunPending();
    driver.start();
    await driver.idle();
    await driver.stop();
  });

  test("idle() of another driver is none of its business, and of its own from outside neither", async (t) => {
    const registry = await open(t);
    const other = registry.driver({ runners: {} });
    await registry.registerProcess(job("p"));
    const driver = registry.driver({ runners: { job: async () => (await other.idle(), 1) } });
    await driver.claimAndRunPending();
    await driver.idle();
    assert.deepEqual(await registry.awaitTerminal("p"), success(1));
  });

  test("a process that awaits itself, by whatever wait", async (t) => {
    const runner = async ({ process: { id }, awaitTerminal, step }, { registry, driver }) => {
      await assert.rejects(registry.awaitTerminal(id), { code: "invalid_argument", message: why });
      for (const waits of [awaitTerminal, registry.awaiter.awaitTerminal, registry.pollingAwaiter().awaitTerminal, driver.awaitTerminal]) {
        await step(`${waits.name} ${Math.random()}`, () => {});
        await assert.rejects(waits(id), { code: "invalid_argument", message: why });
      }
      return "refused";
    };
    assert.deepEqual(await outcome(t, runner), success("refused"));
  });

  test("processes that await each other: the one that closes the circle", async (t) => {
    const registry = await open(t);
    const others = { a: "b", b: "c", c: "a" };
    const driver = registry.driver({
      runners: { job: async ({ process: { id }, awaitTerminal }) => (await awaitTerminal(others[id])).type },
      onRunError() {},
    });
    driver.start();
    for (const id of ["a", "b", "c"]) await registry.registerProcess(job(id));
    const ends = await Promise.all(["a", "b", "c"].map((id) => registry.awaitTerminal(id)));
    assert.deepEqual(ends.map(({ type }) => type).sort(), ["failure", "success", "success"]);
    assert.equal(ends.find(({ type }) => type === "failure").code, "invalid_argument");
  });

  test("but not where one of them may go on", async (t) => {
    const registry = await open(t);
    const runners = {
      one: async ({ awaitTerminal }) => (await awaitTerminal("two", { timeoutMs: 5 }).catch(({ code }) => ({ type: code }))).type,
      two: async ({ awaitTerminal }) => (await awaitTerminal("one")).value,
    };
    registry.driver({ runners }).start();
    for (const id of ["one", "two"]) await registry.registerProcess(job(id, id));
    assert.deepEqual(await registry.awaitTerminal("two"), success("timeout"));
  });

  test("a step inside of itself, and any second use of its key", async (t) => {
    const runner = async ({ step }) => {
      const refused = { code: "invalid_argument", message: /`upload`/ };
      await assert.rejects(
        step("upload", () => step("upload", () => assert.fail("is done"))),
        refused,
      );
      await assert.rejects(
        step("upload", async () => (await null, step("upload", () => assert.fail("is done")))),
        refused,
      );
      await assert.rejects(
        step("upload", () => {
          throw new Error("offline");
        }),
        { message: "offline" },
      );
      assert.equal(await step("upload", () => "one"), "one");
      await assert.rejects(
        step("upload", () => assert.fail("is done again")),
        refused,
      );
      const [first, second] = await Promise.allSettled([step("both", () => 1), step("both", () => assert.fail("is done"))]);
      assert.equal(first.value, 1);
      assert.ok(isProcessError(second.reason, "invalid_argument"));
      return "refused";
    };
    assert.deepEqual(await outcome(t, runner), success("refused"));
  });
});

describe("what waits for others while it runs does not hang", () => {
  test("a sweep of its own driver, with one at a time", async (t) => {
    const registry = await open(t);
    const driver = registry.driver({
      concurrency: 1,
      runners: {
        parent: async ({ awaitTerminal }) => {
          await registry.registerProcess(job("child", "child"));
          const { started } = await driver.claimAndRunPending();
          return [started, (await awaitTerminal("child")).value];
        },
        child: () => "done",
      },
    });
    await registry.registerProcess(job("p", "parent"));
    await driver.claimAndRunPending();
    assert.deepEqual(await registry.awaitTerminal("p"), success([["child"], "done"]));
  });

  test("stopping its own driver, and closing its registry", async (t) => {
    for (const end of [({ driver }) => driver.stop(), ({ registry }) => registry.close()]) {
      const registry = await open(t);
      await registry.registerProcess(job("p"));
      const ended = deferred();
      const driver = registry.driver({ runners: { job: async () => void ended.resolve(await end({ registry, driver })) } });
      await driver.claimAndRunPending();
      await ended.promise;
    }
  });

  test("a sink that closes the registry, under an append of a run", async (t) => {
    const closed = deferred();
    const registry = await open(t, { sink: ({ eventType }) => eventType === "note" && closed.resolve(registry.close()) });
    await registry.registerProcess(job("p", "job", { eventTypes: [{ name: "note" }] }));
    registry.driver({ runners: { job: ({ append }) => append({ eventType: "note" }).then(() => 1) } }).start();
    await closed.promise;
  });

  test("a sink that appends, and a feed of the process itself", async (t) => {
    const registry = await open(t, {
      async sink({ eventType, processId }) {
        if (eventType === "note") await registry.appendEvent(processId, { eventType: "echo" });
      },
    });
    await registry.registerProcess(job("p", "job", { eventTypes: [{ name: "note" }, { name: "echo" }] }));
    const driver = registry.driver({
      runners: {
        job: async ({ process: { id }, append }) => {
          await append({ eventType: "note" });
          for await (const { eventType } of registry.events(id)) if (eventType === "echo") return eventType;
        },
      },
    });
    await driver.claimAndRunPending();
    assert.deepEqual(await registry.awaitTerminal("p"), success("echo"));
  });
});

describe("a run that is over", () => {
  test("is not aborted by its own end, and its context says that it is over", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p"));
    let context;
    const left = deferred();
    const driver = registry.driver({
      runners: {
        job: (given) => {
          context = given;
          left.resolve(given.waitForSignal("never"));
          left.promise.catch(() => {});
          return 1;
        },
      },
    });
    await driver.claimAndRunPending();
    assert.deepEqual(await registry.awaitTerminal("p"), success(1));
    await driver.idle();
    await assert.rejects(left.promise, { code: "lease_lost" });
    await driver.stop();
    assert.equal(context.signal.aborted, false);
    for (const call of [
      () => context.append({ eventType: "signal.x" }),
      () => context.step("s", () => 1),
      () => context.waitForSignal("x"),
      () => context.awaitTerminal("q"),
    ])
      await assert.rejects(call(), { code: "lease_lost", message: /the run of "p" is over/ });
  });
});
