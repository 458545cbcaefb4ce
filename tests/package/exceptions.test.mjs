/**
 * What the page's own code and globals throw at the package reaches the call that met it, and nothing else: no call hangs, and the
 * instance of the WebAssembly takes no harm, which a wait that is pending all the while shows.
 */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { eventTypes, external, openRegistry, success } from "./registry.mjs";

/** Far more than the stack of an instance bears of what leaves a frame on it. */
const MANY = 5_000;

const thrower =
  (what = "thrown by the page") =>
  () => {
    throw new Error(what);
  };

let registry, pending;
beforeEach(async () => {
  registry = await openRegistry({ storage: "memory" });
  await registry.registerProcess(external("p", { eventTypes }));
  pending = registry.awaiter.awaitTerminal("p");
});
afterEach(async () => {
  await registry.completeProcess("p", success("unharmed"));
  assert.deepEqual(await pending, success("unharmed"));
  await registry.close();
});

const code = (promise) =>
  promise.then(
    () => "resolved",
    (error) => error.code ?? String(error),
  );

describe("an abort signal", () => {
  /** A signal of a library's own, with some of its parts replaced. */
  function odd(parts) {
    const signal = { aborted: false, reason: "why", addEventListener() {}, removeEventListener() {} };
    return Object.defineProperties(signal, Object.getOwnPropertyDescriptors(parts));
  }
  /** A getter that works so many times. */
  function worksTimes(times, value) {
    let left = times;
    return () => {
      if (left-- > 0) return value;
      throw new Error("thrown by the page");
    };
  }

  const refused = {
    "whose aborted throws": () =>
      odd({
        get aborted() {
          throw new Error("thrown by the page");
        },
      }),
    "whose aborted throws the second time": () =>
      odd(Object.defineProperty({}, "aborted", { get: worksTimes(1, false), enumerable: true })),
    "whose addEventListener throws": () => odd({ addEventListener: thrower() }),
    "that is a revoked proxy": () => {
      const { proxy, revoke } = Proxy.revocable(new AbortController().signal, {});
      revoke();
      return proxy;
    },
  };
  for (const [which, signal] of Object.entries(refused)) {
    test(`${which} is refused, by thousands of waits`, async () => {
      const waits = [];
      for (let time = 0; time < MANY; time++) waits.push(code(registry.awaiter.awaitTerminal("p", { signal: signal() })));
      for (let time = 0; time < MANY / 10; time++) waits.push(code((async () => registry.events("p", { signal: signal() }).next())()));
      waits.push(
        code(registry.awaiter.awaitEvent("p", "done", 0, { signal: signal() })),
        code(registry.pollingAwaiter().awaitTerminal("p", { signal: signal() })),
      );
      assert.deepEqual([...new Set(await Promise.all(waits))], ["invalid_argument"]);
    });
  }

  test("whose reason throws rejects with an AbortError", async () => {
    const signal = odd({
      aborted: true,
      get reason() {
        throw new Error("thrown by the page");
      },
    });
    await assert.rejects(registry.awaiter.awaitTerminal("p", { signal }), { name: "AbortError" });
  });

  test("that fails while a log is followed ends that, and only that", async () => {
    for (const times of [1, 2]) {
      const events = registry.events("p", {
        signal: odd(Object.defineProperty({}, "aborted", { get: worksTimes(times, false), enumerable: true })),
      });
      assert.equal(await code(events.next()), "invalid_argument", `after ${times}`);
      assert.deepEqual(await events.next(), { done: true, value: undefined });
    }
  });

  test("whose removeEventListener throws changes nothing for the wait", async () => {
    const signal = odd({ removeEventListener: thrower() });
    const event = registry.awaiter.awaitEvent("p", "progress", 0, { signal });
    await registry.appendEvent("p", { eventType: "progress" });
    assert.equal((await event).sequence, 1);
  });

  test("rejects with its own reason, whatever that is", async () => {
    for (const reason of ["a word", null, 0, { code: "closed" }, new Error("mine"), [1, 2, 3, 4]]) {
      const stop = new AbortController();
      const waits = [registry.awaiter.awaitTerminal("p", { signal: stop.signal }), registry.events("p", { signal: stop.signal }).next()];
      stop.abort(reason);
      waits.push(registry.awaiter.awaitTerminal("p", { signal: stop.signal }));
      for (const wait of waits) await assert.rejects(wait, (error) => error === reason);
    }
  });

  test("that calls its listeners while it is asked, or twice, ends the wait once", async () => {
    const signal = odd({ addEventListener: (_, listener) => (listener(), listener()) });
    await assert.rejects(registry.awaiter.awaitTerminal("p", { signal }), (reason) => reason === "why");
  });
});

describe("a sink", () => {
  const odd = {
    "that throws": thrower(),
    "that rejects": async () => thrower()(),
    "whose promise has a constructor that throws": () => Object.defineProperty(Promise.resolve(), "constructor", { get: thrower() }),
    "whose promise has a then that throws": () => ({
      get then() {
        throw new Error("thrown by the page");
      },
    }),
  };
  for (const [which, sink] of Object.entries(odd)) {
    test(`${which} is reported, thousands of times, and fails no append`, async (t) => {
      const shown = mock.method(console, "error", () => {});
      t.after(() => shown.mock.restore());
      const watched = await openRegistry({ storage: "memory", sink });
      await watched.registerProcess(external("q", { eventTypes }));
      for (let time = 0; time < 20; time++) {
        const appends = Array.from({ length: MANY / 20 }, () => watched.appendEvent("q", { eventType: "progress" }));
        await Promise.all(appends);
      }
      await watched.close();
      assert.equal(shown.mock.callCount(), MANY);
      assert.match(String(shown.mock.calls[0].arguments[0]), /thrown by the page/);
    });
  }
});

/** Replaces globals for one test; `undefined` removes one. */
function globals(t, replaced) {
  for (const [name, value] of Object.entries(replaced)) {
    const own = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(
      globalThis,
      name,
      typeof value === "object" ? { configurable: true, ...value } : { configurable: true, writable: true, value },
    );
    t.after(() => (own ? Object.defineProperty(globalThis, name, own) : delete globalThis[name]));
  }
}

describe("a page", () => {
  const works = async (options) => {
    const other = await openRegistry({ storage: "memory", ...options });
    await other.registerProcess({ id: "q", input: { type: "engine", kind: "job" } });
    const heard = new Promise((resolve) => other.onChange(resolve));
    let host;
    const looked = new Promise(
      (resolve) => (host = other.driver({ runHandle: { claimAndRunPending: async (reason) => resolve(reason) } })),
    );
    host.start();
    const driver = other.driver({ runners: { job: () => 7, other: () => {} } });
    await other.registerProcess({ id: "waits for the driver", input: { type: "engine", kind: "other" } });
    driver.start();
    assert.deepEqual([await heard, await looked], ["waits for the driver", "start"]);
    await host.stop();
    assert.deepEqual(await other.awaiter.awaitTerminal("q", { timeoutMs: 10_000 }), success(7));
    await assert.rejects(other.awaiter.awaitEvent("q", "process.waiting", 0, { timeoutMs: 1 }), { code: "timeout" });
    await other.close();
    assert.equal((await registry.appendEvent("p", { eventType: "progress" })).event.processId, "p");
  };

  const odd = {
    "without crypto": { crypto: undefined },
    "whose crypto throws": { crypto: { get: thrower() } },
    "without setTimeout": { setTimeout: undefined },
    "whose setTimeout throws": { setTimeout: thrower() },
    "whose clearTimeout throws": { clearTimeout: thrower() },
    "whose queueMicrotask never calls back, as that of Jest's fake timers": { queueMicrotask: () => {} },
    "whose queueMicrotask throws": { queueMicrotask: thrower() },
    "whose addEventListener throws": { addEventListener: thrower() },
    "whose navigator throws": { navigator: { get: thrower() } },
    "whose BroadcastChannel throws": { BroadcastChannel: thrower() },
    "whose reportError throws": { reportError: thrower() },
  };
  for (const [which, replaced] of Object.entries(odd)) {
    test(`${which} works`, async (t) => {
      globals(t, replaced);
      await works();
    });
  }

  test("whose Date.now throws, or gives no time, works, and times stay times", async (t) => {
    for (const now of [thrower(), () => NaN, () => undefined, () => "soon"]) {
      const odd = mock.method(Date, "now", now);
      try {
        for (let time = 0; time < MANY / 10; time++) await registry.appendEvent("p", { eventType: "progress" });
        await works();
        const { updatedAtMs } = await registry.getProcess("p");
        odd.mock.restore();
        assert.ok(Math.abs(Date.now() - updatedAtMs) < 86_400_000, String(updatedAtMs));
      } finally {
        odd.mock.restore();
      }
    }
  });

  test("whose code throws inside a listener, a runner or a validator's payload harms only that", async (t) => {
    const shown = mock.method(console, "error", () => {});
    t.after(() => shown.mock.restore());
    const unsubscribe = registry.onChange(thrower());
    for (let time = 0; time < MANY / 10; time++) await registry.appendEvent("p", { eventType: "progress" });
    await new Promise((turn) => setImmediate(turn));
    unsubscribe();
    assert.ok(shown.mock.callCount() > 0);
    const evil = {
      get secret() {
        throw new Error("thrown by the page");
      },
    };
    for (let time = 0; time < MANY; time++)
      assert.equal(await code(registry.appendEvent("p", { eventType: "progress", payload: evil })), "invalid_argument");
    await works();
  });
});
