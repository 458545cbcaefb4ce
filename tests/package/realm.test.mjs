/** What code of the same page that replaces parts of the language sees of the package, and what it can change. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { eventTypes, external, openRegistry, success } from "./registry.mjs";

let registry, mine, theirs;
beforeEach(async () => {
  registry = await openRegistry({ storage: "memory" });
  for (const id of ["mine", "theirs"]) await registry.registerProcess(external(id, { eventTypes }));
  await registry.grantHandle({ sessionId: "me" }, "mine");
  await registry.grantHandle({ sessionId: "secret scope" }, "theirs");
  [mine, theirs] = [registry.session({ sessionId: "me" }), registry.session({ sessionId: "secret scope" })];
});
afterEach(() => registry.close());

/** Parts of the language that code may replace, each by its owner and its name. */
const parts = [
  ...["stringify", "parse"].map((name) => [JSON, name]),
  ...["keys", "entries", "hasOwn", "freeze", "assign", "create", "getPrototypeOf", "getOwnPropertySymbols", "defineProperty"].map(
    (name) => [Object, name],
  ),
  ...["isArray", "from", "of"].map((name) => [Array, name]),
  ...[Symbol.iterator, "map", "push", "join", "find", "every", "concat", "slice"].map((name) => [Array.prototype, name]),
  ...["apply", "get", "ownKeys"].map((name) => [Reflect, name]),
  ...["then", "catch", "finally"].map((name) => [Promise.prototype, name]),
  ...["add", "has", "delete", "forEach"].map((name) => [Set.prototype, name]),
  ...["get", "set", "has", "delete"].map((name) => [Map.prototype, name]),
  ...["trim", "isWellFormed", "toWellFormed", "slice"].map((name) => [String.prototype, name]),
  ...["decode"].map((name) => [TextDecoder.prototype, name]),
  ...["encode", "encodeInto"].map((name) => [TextEncoder.prototype, name]),
  ...["addEventListener", "removeEventListener"].map((name) => [EventTarget.prototype, name]),
].filter(([owner, name]) => name in owner);

/** Runs `work` while each part is replaced: `seen` is called with what it is used on and given, and says what it answers, if anything. */
async function replaced(seen, work) {
  const originals = parts.map(([owner, name]) => [owner, name, Object.getOwnPropertyDescriptor(owner, name)]);
  const { apply } = Reflect;
  let inside = false;
  try {
    for (let n = 0; n < originals.length; n++) {
      const [owner, name, { value: original }] = [originals[n][0], originals[n][1], originals[n][2]];
      const replacement = function (...given) {
        if (inside) return apply(original, this, given);
        inside = true;
        try {
          seen(this, given, original);
        } finally {
          inside = false;
        }
        return apply(original, this, given);
      };
      Object.defineProperty(owner, name, { value: replacement, configurable: true, writable: true });
    }
    return await work();
  } finally {
    for (let n = originals.length - 1; n >= 0; n--) Object.defineProperty(originals[n][0], originals[n][1], originals[n][2]);
  }
}

describe("code that replaces parts of the language", () => {
  /** What a session may do, each with what it comes to. */
  async function uses(session, id) {
    const event = session.awaitEvent(id, "signal.go");
    await session.signal(id, "go", { a: 1 });
    await session.requestCancel(id, "enough");
    return [(await session.get(id)).id, (await session.list()).length, (await session.eventsAfter(id, 0)).length, (await event).payload];
  }

  test("sees neither the scopes nor the registry behind the sessions of others", async () => {
    const leaks = [];
    const includes = String.prototype.includes;
    const leaked = (value, depth = 0) => {
      if (typeof value === "string") return Reflect.apply(includes, value, ["secret scope"]);
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
      if (typeof value.registerProcess === "function" || value instanceof WebAssembly.Memory || value instanceof WebAssembly.Instance)
        return true;
      return depth < 3 && Object.entries(Object.getOwnPropertyDescriptors(value)).some(([, { value: field }]) => leaked(field, depth + 1));
    };
    const look = (self, given, part) => {
      if ([self, ...given].some((value) => leaked(value))) leaks.push(part.name);
    };
    const done = await replaced(look, () => uses(theirs, "theirs"));
    assert.deepEqual(done, ["theirs", 1, 2, { a: 1 }]);
    assert.deepEqual(leaks, []);
  });

  test("cannot make its own session into another", async () => {
    const { stringify } = JSON;
    const original = stringify;
    try {
      JSON.stringify = (value, ...more) => original(value, ...more)?.replaceAll('"me"', '"secret scope"');
      Object.prototype.toJSON = Array.prototype.toJSON = function () {
        return ["session", { sessionId: "secret scope" }, "getProcess", "theirs"];
      };
      assert.equal(await mine.get("theirs"), undefined);
      assert.equal((await mine.get("mine")).id, "mine");
      assert.deepEqual(
        (await mine.list()).map(({ record }) => record.id),
        ["mine"],
      );
    } finally {
      JSON.stringify = stringify;
      delete Object.prototype.toJSON;
      delete Array.prototype.toJSON;
    }
  });

  test("reaches no part of a session that it could change", () => {
    for (const object of [mine, mine.scope, registry, registry.awaiter, registry.hub]) {
      assert.ok(Object.isFrozen(object));
      assert.ok([Object.prototype, null].includes(Object.getPrototypeOf(object)), "nothing of the package is behind it");
    }
  });
});

test("no stack leads into the WebAssembly: not of an error, nor of code that is called back", async (t) => {
  const seen = [];
  const { prepareStackTrace } = Error;
  t.after(() => (Error.prepareStackTrace = prepareStackTrace));
  Error.prepareStackTrace = (error, sites) => {
    for (const site of sites) seen.push(site.getThis(), site.getFunction());
    return String(error);
  };
  const called = [];
  /** Notes that it was called, and shows its stack. */
  const note = (name) => {
    called.push(name);
    void new Error(name).stack;
  };
  const show = (error) => {
    for (let fault = error; fault instanceof Error; fault = fault.cause) void fault.stack;
    return error;
  };

  const watched = await openRegistry({ storage: "memory", sink: () => note("sink") });
  await watched.registerProcess(external("q", { eventTypes }));
  watched.onChange(() => note("listener"));
  const stop = new AbortController();
  stop.signal.addEventListener("abort", () => note("abort"));
  const waits = [
    watched.awaiter.awaitTerminal("q", { signal: stop.signal }),
    watched.awaiter.awaitTerminal("q", { timeoutMs: 1 }),
    watched.events("nothing").next(),
  ];
  for (const wait of waits) wait.catch(show);
  const driver = watched.driver({
    runners: {
      async job({ step, signal, awaitTerminal, waitForSignal }) {
        note("runner");
        signal.addEventListener("abort", () => note("run's abort"));
        await step("step", () => note("step"));
        await awaitTerminal("q");
        await waitForSignal("never");
      },
    },
    attach: { awaitTerminal: async () => (note("attach"), success(1)) },
  });
  driver.start();
  await watched.registerProcess({ id: "j", input: { type: "engine", kind: "job" }, eventTypes: [{ name: "done" }] });
  await driver.awaitTerminal("q");
  await watched.appendEvent("q", { eventType: "progress" });
  await watched.awaiter.awaitEvent("j", "process.waiting");
  await watched.requestCancel("j");
  await watched.awaiter.awaitTerminal("j");
  stop.abort(new Error("enough"));
  const refusals = [
    watched.getProcess("unknown"),
    watched.getProcess(" "),
    watched.appendEvent("unknown", { eventType: "progress" }),
    watched.appendEvent("q", { eventType: "undeclared" }),
    watched.appendEvent("q", { eventType: "process.completed" }),
    watched.ownerGone({ ownerId: "o", incarnationId: "i" }),
    watched.session({ sessionId: "s" }).signal("q", "go"),
    watched.registerProcess(external("s", { eventTypes: [{ name: "e", payloadSchema: { type: "odd" } }] })),
    ...waits,
  ];
  for (const refusal of refusals) await refusal.catch(show);
  await watched.close();
  for (const call of [() => watched.hub.subscribe("q"), () => watched.driver({}), () => watched.onChange(() => {})]) {
    try {
      call();
      assert.fail("it is closed");
    } catch (error) {
      show(error);
    }
  }
  for (const name of ["sink", "listener", "abort", "runner", "step", "attach", "run's abort"]) assert.ok(called.includes(name), name);
  assert.ok(seen.length > 0);
  assert.deepEqual(
    seen.filter((value) => value instanceof WebAssembly.Instance),
    [],
  );
});
