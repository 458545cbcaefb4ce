/** Arguments that cannot be read are mistakes of the caller, not faults of the package. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventTypes, external, openRegistry } from "./registry.mjs";

const thrower = () => {
  throw new Error("cannot be read");
};

/** What throws at each look. */
const unreadable = {
  "a revoked proxy of an object": () => revoked({}),
  "a revoked proxy of an array": () => revoked([]),
  "a revoked proxy of a function": () => revoked(() => {}),
  "a proxy that throws": () => new Proxy({}, Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, thrower]))),
  "a proxy that throws what cannot be read": () =>
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw revoked({});
        },
        get: () => {
          throw revoked({});
        },
        getPrototypeOf: () => {
          throw revoked({});
        },
      },
    ),
};

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

let registry;
before(async () => {
  registry = await openRegistry({ storage: "memory" });
  await registry.registerProcess(external("p", { eventTypes }));
});
after(() => registry.close());

const lease = {
  processId: "p",
  owner: { ownerId: "o", incarnationId: "i" },
  leaseToken: "t",
  fencingToken: 1,
  claimedAtMs: 1,
  expiresAtMs: 2,
};
const output = { type: "success", value: null };

/** Each method with arguments that it takes; a bad one is put in the place of each of them in turn. */
const methods = {
  registerProcess: [external("q")],
  getProcess: ["p"],
  listProcesses: [{}, {}],
  countProcesses: [{}],
  forkProcess: ["p", { newId: "q", from: { step: "s" }, input: { type: "external" } }],
  listNonTerminal: [{}],
  changedSince: ["", 1],
  setExternalRef: ["p", { backend: "b", id: "i" }],
  setProcessWait: ["p", {}],
  clearProcessWait: ["p"],
  completeProcess: ["p", output],
  completeProcessWithLease: [lease, output],
  requestCancel: ["p", "why"],
  pruneTerminalProcesses: [1],
  appendEvent: ["p", { eventType: "progress" }],
  eventsAfter: ["p", 0, {}],
  recentEvents: ["p", 1],
  countEventsThrough: ["p", "progress", 1],
  wakeEventsAfter: ["p", 0],
  ackWake: ["p", 1],
  grantHandle: [{ sessionId: "s" }, "p", {}],
  revokeHandle: [{ sessionId: "s" }, "p"],
  transferHandleGrants: [{ sessionId: "s" }, { sessionId: "t" }, ["p"]],
  listHandleGrants: [{ sessionId: "s" }],
  listLiveHandleGrants: [{ sessionId: "s" }],
  hasHandleGrant: [{ sessionId: "s" }, "p"],
  handleGrantsForProcess: ["p"],
  deleteSessionProcessState: ["s"],
  claimProcessLease: ["p", lease.owner, 1],
  reclaimProcessLease: ["p", lease.owner, lease, 1],
  renewProcessLease: [lease, 1],
  completeProcessLease: [lease],
  getProcessLease: ["p"],
  listStreams: ["p"],
  exportProcesses: [{ ids: ["p"] }],
  importProcesses: [new Blob([]), {}],
  ownerGone: [lease.owner, {}],
  awaitTerminal: ["p", {}],
  awaitEvent: ["p", "progress", 0, {}],
  signal: ["p", "go", null, {}],
  events: ["p", {}],
  session: [{ sessionId: "s" }],
  driver: [{}],
  onChange: [() => {}],
  onWake: [() => {}],
  onDurabilityChange: [() => {}],
};
const sessionMethods = {
  list: [{}],
  get: ["p"],
  awaitTerminal: ["p", {}],
  awaitEvent: ["p", "progress", 0, {}],
  eventsAfter: ["p", 0, {}],
  signal: ["p", "go", null, {}],
  requestCancel: ["p", "why"],
};
const driverMethods = {
  claimAndRunPending: ["why"],
  signal: ["p", "go", null, {}],
  awaitTerminal: ["p", {}],
  awaitEvent: ["p", "progress", 0, {}],
};

async function refuses(name, call) {
  try {
    await call();
  } catch (error) {
    assert.deepEqual([error.name, error.code], ["ProcessError", "invalid_argument"], `${name}: ${error.message}`);
    return;
  }
  assert.fail(`${name} was taken`);
}

for (const [what, make] of Object.entries(unreadable)) {
  describe(what, () => {
    const holders = {
      registry: [() => registry, methods],
      session: [() => registry.session({ sessionId: "s" }), sessionMethods],
      driver: [() => registry.driver({}), driverMethods],
      awaiter: [() => registry.awaiter, { awaitTerminal: ["p", {}], awaitEvent: ["p", "progress", 0, {}] }],
      hub: [() => registry.hub, { subscribe: ["p"], notify: ["p"] }],
    };
    for (const [holder, [of, calls]] of Object.entries(holders)) {
      test(`is refused by each method of a ${holder}, whichever argument it is`, async () => {
        for (const [method, given] of Object.entries(calls)) {
          for (let index = 0; index < given.length; index++) {
            // It says that it is a function, and what it throws when it is called is reported.
            if (typeof given[index] === "function" && typeof make() === "function") continue;
            await refuses(`argument ${index} of ${method}`, () => of()[method](...given.with(index, make())));
            const field = Object.keys(Object(given[index]))[0];
            if (typeof given[index] === "object" && given[index] !== null && field !== undefined)
              await refuses(`${field} of argument ${index} of ${method}`, () =>
                of()[method](...given.with(index, { ...given[index], [field]: make() })),
              );
          }
        }
      });
    }

    test("is refused as an option of a registry, a wait, a log or a driver", async () => {
      for (const option of ["storage", "name", "durability", "fallback", "owner", "wasm"])
        await refuses(option, () => openRegistry({ storage: "memory", [option]: make() }));
      await refuses("options", () => openRegistry(make()));
      for (const option of ["signal", "timeoutMs"]) await refuses(option, () => registry.awaiter.awaitTerminal("p", { [option]: make() }));
      for (const option of ["signal", "after", "types"]) await refuses(option, () => registry.events("p", { [option]: make() }));
      for (const option of ["runners", "attach", "runHandle", "leaseTtlMs", "concurrency"])
        await refuses(option, () => registry.driver({ [option]: make() }));
      await refuses("a payload", () => registry.appendEvent("p", { eventType: "progress", payload: { deep: [make()] } }));
    });
  });
}

test("a registry, a session or a driver is no argument, nor is a proxy of one", async () => {
  const driver = registry.driver({});
  for (const object of [registry, registry.session({ sessionId: "s" }), driver, registry.awaiter]) {
    for (const given of [object, new Proxy(object, {})]) {
      await refuses("registerProcess", () => registry.registerProcess(given));
      await refuses("appendEvent", () => registry.appendEvent("p", { eventType: "progress", payload: given }));
      await refuses("openRegistry", () => openRegistry(given));
      await refuses("session", () => registry.session(given));
      await refuses("driver", () => registry.driver(given));
      await refuses("getProcess", () => registry.getProcess(given));
    }
  }
});
