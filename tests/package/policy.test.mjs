/** The run policy from JavaScript: what runners throw, versions, the network, pauses, children. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NonRetryableError, ProcessCancelledError, ProcessFailedError, RetryableError } from "longwait";
import { open } from "./registry.mjs";

const job = (id, policy = {}) => ({ id, input: { type: "engine", kind: "job" }, ...policy });
const soon = { initialIntervalMs: 1, jitter: false };

/** A registry in memory with a started driver. */
async function started(t, options) {
  const registry = await open(t);
  const driver = registry.driver({ onRunError() {}, ...options });
  driver.start();
  return { registry, driver };
}

const failing = (errors) => {
  let call = 0;
  return () => {
    const error = errors[call++];
    if (error !== undefined) throw error;
    return call;
  };
};

test("a runner that throws is called again, as often as its policy says", async (t) => {
  const { registry } = await started(t, { runners: { job: failing([new Error("one"), new TypeError("two")]) } });
  await registry.registerProcess(job("p", { retry: soon }));
  assert.deepEqual(await registry.awaitTerminal("p"), { type: "success", value: 3 });
  const failed = await registry.eventsAfter("p", 0, { types: ["process.attempt_failed"] });
  assert.deepEqual(
    failed.map(({ payload }) => [payload.attempt, payload.error.message]),
    [
      [1, "one"],
      [2, "two"],
    ],
  );
});

test("the failure of the last attempt is that of the process", async (t) => {
  const { registry } = await started(t, { runners: { job: failing([new Error("one"), new Error("two"), new Error("three")]) } });
  await registry.registerProcess(job("p", { retry: { ...soon, maxAttempts: 2 } }));
  const output = await registry.awaitTerminal("p");
  assert.deepEqual([output.type, output.message], ["failure", "two"]);
});

test("a NonRetryableError ends the retrying, with its code and what it carries", async (t) => {
  const error = new NonRetryableError("gone", { code: "not_found", raw: { status: 404 }, cause: new Error("below") });
  const { registry } = await started(t, { runners: { job: failing([error]) } });
  await registry.registerProcess(job("p", { retry: soon }));
  const output = await registry.awaitTerminal("p");
  assert.deepEqual(output, { type: "failure", class: "execution", code: "not_found", message: "gone", raw: { status: 404 } });
});

test("a RetryableError asks for another attempt, also without a policy, and says when", async (t) => {
  const { registry } = await started(t, { runners: { job: failing([new RetryableError("busy", { retryAfterMs: 1 })]) } });
  await registry.registerProcess(job("p"));
  assert.deepEqual(await registry.awaitTerminal("p"), { type: "success", value: 2 });
});

test("errors of another copy of the package are known by their names", async (t) => {
  const other = Object.assign(new Error("busy"), { name: "RetryableError", retryAfterMs: 1 });
  const final = Object.assign(new Error("gone"), { name: "NonRetryableError" });
  const { registry } = await started(t, { runners: { job: failing([other, final]) } });
  await registry.registerProcess(job("p"));
  assert.equal((await registry.awaitTerminal("p")).message, "gone");
});

test("a result that is not JSON is not asked for again", async (t) => {
  let calls = 0;
  const { registry } = await started(t, { runners: { job: () => (calls++, 1n) } });
  await registry.registerProcess(job("p", { retry: soon }));
  assert.equal((await registry.awaitTerminal("p")).type, "failure");
  assert.equal(calls, 1);
});

test("a RetryableError is refused a span that is none", () => {
  for (const retryAfterMs of [-1, NaN, Infinity]) {
    assert.throws(() => new RetryableError("busy", { retryAfterMs }), { code: "invalid_argument", message: /^retryAfterMs/ });
  }
});

test("a policy is refused by the path of its field", async (t) => {
  const { registry } = await started(t, { runners: {} });
  for (const [policy, path] of [
    [{ priority: 1.5 }, "registration.priority"],
    [{ startAtMs: -1 }, "registration.startAtMs"],
    [{ retry: { maxAttempts: "3" } }, "registration.retry.maxAttempts"],
    [{ retry: { times: 3 } }, "registration.retry.times"],
    [{ onConflict: "wait" }, "registration.onConflict"],
    [{ labels: { a: 1 } }, "registration.labels.a"],
    [{ requires: "wifi" }, "registration.requires"],
    [{ debounce: { delayMs: 1 } }, "registration.debounce"],
  ]) {
    await assert.rejects(registry.registerProcess(job("p", policy)), ({ code, message }) => {
      assert.equal(code, "invalid_argument");
      assert.ok(message.startsWith(`${path}:`), message);
      return true;
    });
  }
});

test("implementations run their own versions, and plain runners what is left", async (t) => {
  const { registry } = await started(t, {
    runners: { job: () => "plain" },
    processes: [
      { kind: "job", version: 2, run: () => "second" },
      { kind: "job", run: () => "unversioned" },
    ],
  });
  for (const [id, version, value] of [
    ["a", 2, "second"],
    ["b", undefined, "unversioned"],
    ["c", 7, "plain"],
  ]) {
    await registry.registerProcess(job(id, version === undefined ? {} : { version }));
    assert.equal((await registry.awaitTerminal(id)).value, value);
  }
});

test("a driver refuses two implementations of one kind and version, and what is no implementation", async (t) => {
  const registry = await open(t);
  const run = () => 1;
  for (const [processes, path] of [
    [
      [
        { kind: "job", run },
        { kind: "job", run },
      ],
      "options.processes[1]",
    ],
    [[{ kind: "job" }], "options.processes[0].run"],
    [[{ kind: "job", version: 0.5, run }], "options.processes[0].version"],
    [{}, "options.processes"],
  ]) {
    assert.throws(
      () => registry.driver({ processes }),
      ({ code, message }) => code === "invalid_argument" && message.startsWith(path),
    );
  }
});

test("what requires the network is run once the detector says that the host is online", async (t) => {
  let [online, listeners] = [false, new Set()];
  const onlineDetector = {
    isOnline: () => online,
    subscribe: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
  };
  const { registry } = await started(t, { onlineDetector, runners: { job: ({ process }) => process.id } });
  await registry.registerProcess(job("waits", { requires: "network" }));
  await registry.registerProcess(job("runs"));
  assert.equal((await registry.awaitTerminal("runs")).value, "runs");
  assert.equal((await registry.getProcess("waits")).status.state, "running");
  online = true;
  listeners.forEach((listener) => listener());
  assert.equal((await registry.awaitTerminal("waits")).value, "waits");
  await registry.close();
  assert.equal(listeners.size, 0);
});

test("a run of a process that is paused is aborted, and begun again once it is resumed", async (t) => {
  const reasons = [];
  let begun = () => {};
  const begins = () => new Promise((resolve) => (begun = resolve));
  let next = begins();
  const { registry } = await started(t, {
    runners: {
      async job({ signal, attempt }) {
        begun();
        if (attempt > 1) return attempt;
        await new Promise((resolve) => (signal.onabort = resolve));
        reasons.push(signal.reason.code);
        throw signal.reason;
      },
    },
  });
  await registry.registerProcess(job("p"));
  await next;
  assert.equal((await registry.pauseProcess("p", "lunch")).paused.reason, "lunch");
  next = begins();
  assert.equal((await registry.resumeProcess("p")).paused, undefined);
  await next;
  assert.equal((await registry.awaitTerminal("p")).value, 2);
  assert.deepEqual(reasons, ["lease_lost"]);
});

test("a run is given what its children end with, and rejects with how they fail", async (t) => {
  const child = (kind, payload) => ({ input: { type: "engine", kind, payload } });
  const { registry } = await started(t, {
    concurrency: 1,
    runners: {
      async job({ startChild }) {
        const doubled = await startChild(child("double", 4), { key: "a" });
        const fails = await startChild(child("fails"), { key: "b" });
        const stops = await startChild({ ...child("stops"), id: "own id" }, { key: "c" });
        await stops.cancel("enough");
        const outcome = (handle) => handle.result().then(String, (error) => `${error.name} ${error.message} ${error.code}`);
        return [doubled.id, doubled.disposition, await outcome(doubled), await outcome(fails), await outcome(stops)];
      },
      double: ({ process }) => process.input.payload * 2,
      fails() {
        throw Object.assign(new Error("no"), { code: "why" });
      },
      stops: ({ waitForSignal }) => waitForSignal("never"),
    },
  });
  await registry.registerProcess(job("p"));
  assert.deepEqual((await registry.awaitTerminal("p")).value, [
    "p/a",
    "created",
    "8",
    "ProcessFailedError no why",
    "ProcessCancelledError enough undefined",
  ]);
  assert.equal((await registry.getProcess("own id")).parentId, "p");
  assert.ok(ProcessFailedError.prototype instanceof Error && ProcessCancelledError.prototype instanceof Error);
});

test("children that are still running are cancelled when their parent ends, and abandoned ones are not", async (t) => {
  const waits = { input: { type: "engine", kind: "waits" } };
  const { registry } = await started(t, {
    runners: {
      async job({ startChild }) {
        await startChild(waits, { key: "stops" });
        await startChild(waits, { key: "stays", onParentEnd: "abandon" });
      },
      waits: ({ waitForSignal }) => waitForSignal("go").then(() => "went"),
    },
  });
  await registry.registerProcess(job("p"));
  await registry.awaitTerminal("p");
  assert.deepEqual(await registry.awaitTerminal("p/stops"), { type: "cancelled", message: "its parent `p` ended" });
  await registry.signal("p/stays", "go");
  assert.equal((await registry.awaitTerminal("p/stays")).value, "went");
});

test("a child whose id is undefined is named after its key, and a getter that throws is a refusal", async (t) => {
  const { registry } = await started(t, {
    runners: {
      async job({ startChild }) {
        const input = { type: "external" };
        const named = await startChild({ id: undefined, input }, { key: "k" });
        const throwing = Object.defineProperty({ input }, "envRef", {
          enumerable: true,
          get() {
            throw new Error("not now");
          },
        });
        return [named.id, await startChild(throwing, { key: "l" }).catch(({ code, message }) => `${code} ${message}`)];
      },
    },
  });
  await registry.registerProcess(job("p"));
  const [id, refusal] = (await registry.awaitTerminal("p")).value;
  assert.equal(id, "p/k");
  assert.match(refusal, /^invalid_argument registration/);
});

test("a child is refused without a key, and for what a registration refuses", async (t) => {
  const { registry } = await started(t, {
    runners: {
      async job({ startChild }) {
        const refused = (...given) => startChild(...given).catch(({ code, message }) => `${code} ${message}`);
        return [await refused({ input: { type: "external" } }, {}), await refused({ input: {} }, { key: "k" })];
      },
    },
  });
  await registry.registerProcess(job("p"));
  const [key, input] = (await registry.awaitTerminal("p")).value;
  assert.match(key, /^invalid_argument options\.key/);
  assert.match(input, /^invalid_argument registration\.input\.type/);
});
