/**
 * Bad input to every function: a ProcessError with a fitting code, as a rejection from what returns a promise and as a
 * throw from what does not; and the registry goes on working.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventTypes, external, isProcessError, openRegistry, settled, success } from "./registry.mjs";

const cycle = { a: {} };
cycle.a.b = cycle;
const boom = new Error("boom");
const deep = (levels) => (levels === 0 ? 1 : { deeper: deep(levels - 1) });

const badIds = [undefined, null, 7, true, "", "  ", {}, ["p"], 7n, Symbol("p"), () => {}, "\ud800", Object("p")];
const badObjects = [
  undefined,
  null,
  7,
  "x",
  true,
  [],
  7n,
  Symbol("x"),
  () => {},
  new Date(0),
  new Map(),
  cycle,
  { [Symbol("x")]: 1 },
  { unknownField: 1 },
  {
    get id() {
      throw boom;
    },
  },
];
const badOptionals = badObjects.filter((value) => value !== undefined);
const badNumbers = [undefined, null, "1", NaN, Infinity, -Infinity, 1.5, -1, 2 ** 53, 7n, {}, [], Symbol("1"), () => {}];
const badJson = [
  () => {},
  Symbol("x"),
  7n,
  NaN,
  [undefined],
  { a: undefined },
  cycle,
  new Date(0),
  "\udfff",
  { "\ud800": 1 },
  [, 1],
  deep(101),
  JSON.parse(`{"__proto__":1}`),
  {
    get a() {
      throw boom;
    },
  },
]; // eslint-disable-line no-sparse-arrays

const badWaits = [
  null,
  7,
  "x",
  [],
  () => {},
  { timeout: 1 },
  { timeoutMs: -1 },
  { timeoutMs: NaN },
  { timeoutMs: "1" },
  { timeoutMs: null },
  { signal: {} },
  { signal: null },
  { signal: new AbortController() },
  new AbortController().signal,
  new Date(0),
  {
    get signal() {
      throw boom;
    },
  },
];
const owner = { ownerId: "o", incarnationId: "i" };
const scope = { sessionId: "s" };
const lease = { processId: "p", owner, leaseToken: "t", fencingToken: 1, claimedAtMs: 1, expiresAtMs: 2 };
const ref = { backend: "b", id: "1" };
const wait = { kind: "signal", name: "n", eventType: "signal.n", key: "k", ordinal: 1, sinceMs: 1 };
const request = { eventType: "progress" };

/** The good arguments of each method, each with what is bad in its place. */
const methods = {
  registerProcess: [
    [
      external("q"),
      [
        ...badObjects,
        { id: "q" },
        external(""),
        external(7),
        external("\ud800"),
        external("q", { more: 1 }),
        external("q", { identity: {} }),
        external("q", { identity: { kind: "" } }),
        external("q", { recovery: "sometimes" }),
        external("q", { wakeTarget: {} }),
        external("q", { wakeTarget: { sessionId: "" } }),
        external("q", { envRef: 1 }),
        external("q", { provenance: {} }),
        { id: "q", input: { type: "other" } },
        { id: "q", input: { type: "engine" } },
        { id: "q", input: { type: "tool_call", call: { callId: "1" } } },
        { id: "q", input: { type: "session_turn" } },
        ...badJson.map((metadata) => ({ id: "q", input: { type: "external", metadata } })),
        external("q", { eventTypes: {} }),
        external("q", { eventTypes: [{}] }),
        external("q", { eventTypes: [{ name: " " }] }),
        external("q", { eventTypes: [{ name: "a" }, { name: "a" }] }),
        external("q", { eventTypes: [{ name: "a", semantics: { terminal: { state: "failed" } } }] }),
        external("q", { eventTypes: [{ name: "a", semantics: { terminal: { state: "over" } } }] }),
        external("q", { eventTypes: [{ name: "a", semantics: { wake: {} } }] }),
        external("q", { eventTypes: [{ name: "a", semantics: { wake: { input: "everything" } } }] }),
        external("q", { eventTypes: [{ name: "a", semantics: { wake: { input: { pointer: "no-slash" } } } }] }),
        external("q", { eventTypes: [{ name: "a", semantics: { wake: { input: { pointer: "/a", const: 1 } } } }] }),
      ],
    ],
  ],
  getProcess: [["p", badIds]],
  listStreams: [["p", badIds]],
  listProcesses: [
    [{}, [...badOptionals, { status: "waiting" }, { waiting: 1 }, { kind: 1 }, { definition: NaN }]],
    [{}, [...badOptionals, { limit: -1 }, { limit: 1.5 }, { limit: "1" }, { cursor: 1 }]],
  ],
  forkProcess: [
    ["p", badIds],
    [
      { newId: "q", from: "start" },
      [undefined, null, 7, {}, { newId: "q" }, { newId: "", from: "start" }, { newId: "q", from: "end" }, { newId: "q", from: {} }],
    ],
  ],
  countProcesses: [[{}, [...badOptionals, { kind: 1 }, { labels: { a: 1 } }, { limit: 1 }]]],
  listNonTerminal: [[{}, [...badOptionals, { limit: -1 }, { cursor: 1 }, { order: "age" }]]],
  changedSince: [
    [
      undefined,
      badIds
        .slice(1)
        .filter((value) => typeof value !== "string")
        .concat("\ud800", "not a cursor", "-1", "1.5"),
    ],
    [undefined, badNumbers.slice(1)],
  ],
  setExternalRef: [
    ["p", badIds],
    [ref, [...badObjects, { backend: "b" }, { ...ref, id: 1 }, { ...ref, metadata: { a: undefined } }, { ...ref, metadata: 7n }]],
  ],
  setProcessWait: [
    ["p", badIds],
    [wait, [...badObjects, { ...wait, kind: "timer" }, { ...wait, ordinal: "1" }, { ...wait, sinceMs: -1 }]],
  ],
  clearProcessWait: [["p", badIds]],
  completeProcess: [
    ["p", badIds],
    [
      success(1),
      [
        ...badObjects,
        { type: "success" },
        { type: "won" },
        { type: "failure", class: "execution", code: "c" },
        { type: "failure", class: "bad luck", code: "c", message: "m" },
        { type: "cancelled" },
        { ...success(1), more: 1 },
        ...badJson.map(success),
      ],
    ],
  ],
  completeProcessWithLease: [
    [lease, [...badObjects, { ...lease, fencingToken: -1 }, { ...lease, owner: {} }, { ...lease, expiresAtMs: "2" }]],
    [success(1), badObjects],
  ],
  requestCancel: [
    ["p", badIds],
    ["why", [null, 7, {}, [], 7n, Symbol("x"), () => {}, "\ud800"]],
  ],
  pruneTerminalProcesses: [[1, badNumbers]],
  appendEvent: [
    ["p", badIds],
    [
      request,
      [
        ...badObjects,
        {},
        { eventType: 1 },
        { ...request, replayKey: 1 },
        { ...request, wakeTargetScope: {} },
        { ...request, lease: {} },
        { ...request, more: 1 },
        { ...request, replayKey: "\ud800" },
        ...badJson.map((payload) => ({ ...request, payload })),
      ],
    ],
  ],
  eventsAfter: [
    ["p", badIds],
    [0, badNumbers],
    [{}, [...badOptionals, { limit: -1 }, { types: "progress" }, { types: [1] }]],
  ],
  recentEvents: [
    ["p", badIds],
    [1, badNumbers],
  ],
  countEventsThrough: [
    ["p", badIds],
    ["progress", badIds],
    [1, badNumbers],
  ],
  wakeEventsAfter: [
    ["p", badIds],
    [0, badNumbers],
  ],
  ackWake: [
    ["p", badIds],
    [1, [...badNumbers, 0]],
  ],
  grantHandle: [
    [scope, [...badObjects, { sessionId: "" }, { sessionId: 1 }, { sessionId: "s", agentFrameId: 1 }]],
    ["p", badIds],
    [{}, [...badOptionals, { kind: 1 }, { label: {} }]],
  ],
  revokeHandle: [
    [scope, badObjects],
    ["p", badIds],
  ],
  transferHandleGrants: [
    [scope, badObjects],
    [scope, badObjects],
    [["p"], [undefined, null, "p", {}, new Set(["p"]), [1], [""], ["p", undefined], [, "p"]]],
  ], // eslint-disable-line no-sparse-arrays
  listHandleGrants: [[scope, badObjects]],
  listLiveHandleGrants: [[scope, badObjects]],
  hasHandleGrant: [
    [scope, badObjects],
    ["p", badIds],
  ],
  handleGrantsForProcess: [["p", badIds]],
  deleteSessionProcessState: [["s", badIds]],
  claimProcessLease: [
    ["p", badIds],
    [
      owner,
      [
        ...badObjects,
        { ownerId: "o" },
        { ...owner, incarnationId: "" },
        { ...owner, liveness: { kind: "pulse" } },
        { ...owner, liveness: { kind: "web_lock" } },
      ],
    ],
    [1000, [...badNumbers, 0]],
  ],
  ownerGone: [
    [owner, [...badObjects, { ownerId: "o" }, { ...owner, liveness: { kind: "pulse" } }, { ...owner, liveness: { kind: "web_lock" } }]],
    [{}, badWaits],
  ],
  reclaimProcessLease: [
    ["p", badIds],
    [owner, badObjects],
    [lease, [...badObjects, { ...lease, processId: "other" }]],
    [1000, [...badNumbers, 0]],
  ],
  renewProcessLease: [
    [lease, badObjects],
    [1000, [...badNumbers, 0]],
  ],
  completeProcessLease: [
    [
      lease,
      [
        undefined,
        null,
        7,
        "x",
        [],
        cycle,
        {},
        { processId: "p" },
        { leaseToken: "t" },
        { processId: "", leaseToken: "t" },
        { processId: "p", leaseToken: 7 },
      ],
    ],
  ],
  getProcessLease: [["p", badIds]],
};

/** The same for what a session may call. */
const viewed = {
  list: [[{}, [...badOptionals, { status: "waiting" }, { waiting: 1 }, { kind: 1 }, { more: 1 }]]],
  get: methods.getProcess,
  eventsAfter: methods.eventsAfter,
  signal: [
    ["p", badIds],
    ["go", [...badIds, "a b", "a.b", "ä", "go\n"]],
    [null, badJson],
    [{}, [null, 7, "x", [], { signalId: "" }, { signalId: 7 }, { id: "1" }]],
  ],
  requestCancel: methods.requestCancel,
  awaitTerminal: [["p", badIds]],
  awaitEvent: [
    ["p", badIds],
    ["progress", badIds],
    [0, badNumbers.slice(1)],
  ],
};

const badEvents = [
  null,
  7,
  "x",
  [],
  () => {},
  { after: -1 },
  { after: 1.5 },
  { after: "0" },
  { types: "a" },
  { types: [1] },
  { untilTerminal: 1 },
  { signal: {} },
  { signal: null },
  { typos: 1 },
  {
    get after() {
      throw boom;
    },
  },
];

let registry;
before(async () => {
  registry = await openRegistry({ storage: "memory" });
  await registry.registerProcess(external("p", { eventTypes }));
});
after(() => registry.close());

const show = (value) => {
  try {
    return typeof value === "string" ? JSON.stringify(value) : typeof value === "object" ? JSON.stringify(value) : String(value);
  } catch {
    return "an object that JSON.stringify cannot show";
  }
};

async function refuses(call, what, codes = ["invalid_argument"]) {
  let promise;
  try {
    promise = call();
  } catch (error) {
    assert.fail(`${what} threw ${error} instead of rejecting`);
  }
  await promise.then(
    (value) => assert.fail(`${what} was taken and gave ${show(value)}`),
    (error) =>
      assert.ok(isProcessError(error) && codes.includes(error.code), `${what} gave ${error?.code}: ${error?.message ?? String(error)}`),
  );
}

describe("every method refuses bad arguments", () => {
  async function refusesEach(object, method, places) {
    const good = places.map(([value]) => value);
    for (const [place, [, bad]] of places.entries()) {
      for (const value of bad) {
        const given = good.with(place, value);
        await refuses(() => object[method](...given), `${method}(${given.map(show).join(", ")})`);
      }
    }
  }

  for (const [method, places] of Object.entries(methods)) test(method, () => refusesEach(registry, method, places));
  for (const [method, places] of Object.entries(viewed)) {
    test(`${method} of a session`, async () => {
      await registry.grantHandle(scope, "p");
      await refusesEach(registry.session(scope), method, places);
    });
  }

  const { signal, awaitTerminal, awaitEvent } = viewed;
  for (const [method, places] of Object.entries({ signal, awaitTerminal, awaitEvent }))
    test(`${method} of a driver`, () => refusesEach(registry.driver({}), method, places));

  test("a driver without options", () => {
    for (const options of [undefined, null, []])
      assert.throws(() => registry.driver(options), { code: "invalid_argument", message: /^options: must be a plain object/ });
  });

  test("what a runner is given", async () => {
    const places = {
      append: [methods.appendEvent[1]],
      step: [
        ["key", badIds],
        [() => 1, badObjects.filter((value) => typeof value !== "function")],
      ],
      waitForSignal: [
        ["go", [...badIds.filter((value) => !Array.isArray(value)), "a b", "", [], ["go", "a b"], ["go", 7], [["go"]]]],
        [{}, badWaits],
      ],
      awaitTerminal: [
        ["p", badIds],
        [{}, badWaits],
      ],
    };
    await registry.registerProcess({ id: "run", input: { type: "engine", kind: "job" }, eventTypes });
    const driver = registry.driver({
      runners: {
        job: async (context) => {
          for (const method of Object.keys(places)) await refusesEach(context, method, places[method]);
        },
      },
    });
    await driver.claimAndRunPending();
    assert.deepEqual(await driver.awaitTerminal("run"), success(null));
    assert.deepEqual(
      (await registry.eventsAfter("run", 0)).map(({ eventType }) => eventType),
      ["process.completed"],
    );
  });

  test("a scope that reads as another's frame gets no session", () => {
    assert.throws(
      () => registry.session({ sessionId: "s/frame:f" }),
      (error) => isProcessError(error, "invalid_argument"),
    );
  });

  test("the awaiters", async () => {
    for (const awaiter of [registry.awaiter, registry.pollingAwaiter()]) {
      for (const id of badIds) {
        await refuses(() => awaiter.awaitTerminal(id), `awaitTerminal(${show(id)})`);
        await refuses(() => awaiter.awaitEvent(id, "progress"), `awaitEvent(${show(id)})`);
        await refuses(() => awaiter.awaitEvent("p", id), `awaitEvent("p", ${show(id)})`);
      }
      for (const options of badWaits) {
        await refuses(() => awaiter.awaitTerminal("p", options), `awaitTerminal with ${show(options)}`);
        await refuses(() => awaiter.awaitEvent("p", "progress", 0, options), `awaitEvent with ${show(options)}`);
      }
      for (const after of badNumbers.slice(1))
        await refuses(() => awaiter.awaitEvent("p", "progress", after), `awaitEvent after ${show(after)}`);
      await refuses(() => awaiter.awaitTerminal("p", { untilTerminal: true }), "an option of the other method");
      await refuses(() => awaiter.awaitEvent("p", "progress", 0, { untilTerminal: "yes" }), "a word for true");
    }
    await settled();
    assert.equal(registry.hub.trackedProcesses, 0);
  });

  test("what does not return a promise throws", () => {
    const throws = (call, what) => assert.throws(call, (error) => isProcessError(error, "invalid_argument"), what);
    for (const id of badIds) {
      throws(() => registry.events(id), `events(${show(id)})`);
      throws(() => registry.hub.subscribe(id), `subscribe(${show(id)})`);
      throws(() => registry.hub.notify(id), `notify(${show(id)})`);
    }
    for (const scope of [
      ...badObjects,
      {},
      { sessionId: "" },
      { sessionId: 1 },
      { sessionId: "s", agentFrameId: " " },
      { sessionId: "s", agentFrameId: null },
    ])
      throws(() => registry.session(scope), `session(${show(scope)})`);
    for (const options of badEvents) throws(() => registry.events("p", options), `events with ${show(options)}`);
    for (const listener of [undefined, null, 7, "x", {}, []]) {
      throws(() => registry.onChange(listener), `onChange(${show(listener)})`);
      throws(() => registry.onWake(listener), `onWake(${show(listener)})`);
    }
  });

  test("openRegistry", async () => {
    const bad = [
      null,
      7,
      "memory",
      [],
      () => {},
      { storag: "memory" },
      { storage: "disk" },
      { storage: 7 },
      { storage: null },
      { storage: ["memory"] },
      { fallback: "indexeddb" },
      { fallback: true },
      { name: "" },
      { name: " " },
      { name: 7 },
      { name: "\ud800" },
      { durability: "loose" },
      { durability: true },
      { sink: {} },
      { sink: "f" },
      { owner: "me" },
      { owner: {} },
      { owner: { ownerId: "" } },
      { owner: { ownerId: "o", incarnationId: "i" } },
      { wasm: 7 },
      { wasm: "" },
      { wasm: {} },
      { wasm: null },
      {
        get name() {
          throw boom;
        },
      },
    ];
    for (const options of bad)
      await refuses(
        () =>
          openRegistry(
            options && typeof options === "object" && !Array.isArray(options) && !("storage" in options)
              ? Object.defineProperty(options, "storage", { value: "memory", enumerable: true })
              : options,
          ),
        `openRegistry(${show(options)})`,
      );
    await assert.rejects(openRegistry({ storage: { kind: "nats" } }), /^ProcessError: options\.storage: is no store of "longwait\/nats"/);
  });
});

describe("odd, but not wrong", () => {
  test("too many arguments are ignored, as functions do", async () => {
    assert.equal((await registry.getProcess("p", 1, 2)).id, "p");
  });

  test("ids of any characters work", async () => {
    for (const id of [" p ", "ä/😀", "a\u0000b", "__proto__", "constructor", "x".repeat(1_024), "session:s", "\uffff"]) {
      await registry.registerProcess(external(id));
      assert.equal((await registry.getProcess(id)).id, id);
      await registry.completeProcess(id, success(null));
    }
    await registry.pruneTerminalProcesses(Date.now() + 1000);
  });

  test("what is handed out can be changed without harm", async () => {
    const record = await registry.getProcess("p");
    record.id = "changed";
    record.eventTypes.length = 0;
    registry.owner.ownerId = "changed";
    assert.equal((await registry.getProcess("p")).id, "p");
    assert.notEqual(registry.owner.ownerId, "changed");
  });

  test("arguments can be changed as soon as the call was made", async () => {
    const payload = { list: [1] };
    const appended = registry.appendEvent("p", { eventType: "progress", payload });
    payload.list.push(2);
    assert.deepEqual((await appended).event.payload, { list: [1] });
  });

  test("a signal that is no EventTarget of ours still aborts", async () => {
    const listeners = new Set();
    const signal = {
      aborted: false,
      reason: undefined,
      addEventListener: (type, listener) => type === "abort" && listeners.add(listener),
      removeEventListener: (_, listener) => listeners.delete(listener),
    };
    const waiting = registry.awaiter.awaitTerminal("p", { signal });
    await settled();
    Object.assign(signal, { aborted: true, reason: "mine" });
    for (const listener of listeners) (listener.handleEvent ?? listener)({ type: "abort" });
    await assert.rejects(waiting, (reason) => reason === "mine");
    assert.equal(listeners.size, 0);
  });
});

describe("large and deep", () => {
  test("a payload of more than 33,554,432 characters is refused, and one of 4 million kept", async () => {
    await refuses(() => registry.appendEvent("p", { eventType: "progress", payload: "x".repeat(33_554_433) }), "a huge string");
    await refuses(
      () => registry.appendEvent("p", { eventType: "progress", payload: Array.from({ length: 600 }, () => "x".repeat(60_000)) }),
      "many large strings",
    );
    await refuses(() => registry.getProcess("x".repeat(33_554_433)), "a huge id");
    const large = { text: "ä".repeat(4_000_000) };
    const { event } = await registry.appendEvent("p", { eventType: "progress", payload: large });
    assert.equal(event.payload.text.length, 4_000_000);
  });

  test("a payload of a hundred levels is kept, wherever it goes", async () => {
    const payload = deep(98);
    assert.deepEqual((await registry.appendEvent("p", { eventType: "progress", payload })).event.payload, payload);
    const id = "deep";
    const record = await registry.registerProcess({
      id,
      input: { type: "external", metadata: deep(97) },
      eventTypes: [{ name: "e", payloadSchema: { properties: { deeper: { $ref: "#" } } } }],
    });
    assert.deepEqual(record.input.metadata, deep(97));
    await registry.appendEvent(id, { eventType: "e", payload });
    assert.deepEqual((await registry.completeProcess(id, success(payload))).status.awaitOutput, success(payload));
  });

  test("a selector that is nested as deep as it can be works or is refused", async () => {
    let selector = "payload";
    for (let level = 0; level < 45; level++) selector = { template: "{x}", fields: { x: selector } };
    await registry.registerProcess(external("nested", { eventTypes: [{ name: "e", semantics: { wake: { input: selector } } }] }));
    assert.equal((await registry.appendEvent("nested", { eventType: "e", payload: "bottom" })).event.semantics.wake.input, "bottom");
  });

  test("endless, circular or hopeless schemas are refused", async () => {
    const schemas = [
      { $ref: "#" },
      { allOf: [{ $ref: "#" }] },
      { pattern: "(" },
      7,
      "x",
      [],
      { type: 7 },
      { $ref: "https://example.com/x" },
    ];
    for (const payloadSchema of schemas) {
      await refuses(
        () => registry.registerProcess(external("hopeless", { eventTypes: [{ name: "e", payloadSchema }] })),
        `the schema ${show(payloadSchema)}`,
        ["invalid_schema"],
      );
    }
    assert.equal(await registry.getProcess("hopeless"), undefined);
  });
});

test("after all this the registry works as on its first day", async () => {
  const id = "fresh";
  await registry.registerProcess(external(id, { eventTypes }));
  const waiting = registry.awaiter.awaitTerminal(id);
  assert.equal((await registry.appendEvent(id, { eventType: "progress", payload: { n: 1 } })).event.sequence, 1);
  await registry.completeProcess(id, success("well"));
  assert.deepEqual(await waiting, success("well"));
  assert.equal((await registry.getProcess("p")).wait, undefined);
  assert.equal((await registry.getProcess("p")).status.state, "running");
  assert.equal(registry.hub.trackedProcesses, 0);
});

test("a closed registry refuses everything with `closed`, bad arguments still as such", async () => {
  const closed = await openRegistry({ storage: "memory" });
  await closed.close();
  for (const [method, places] of Object.entries(methods)) {
    await refuses(() => closed[method](...places.map(([value]) => value)), `${method} of a closed registry`, ["closed"]);
  }
  await refuses(() => closed.getProcess(7), "a number for an id");
});
