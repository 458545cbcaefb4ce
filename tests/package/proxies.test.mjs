/** Frameworks hand out proxies of what is kept in their state; what the package gives works behind them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { reactive, readonly, ref, shallowReactive } from "@vue/reactivity";
import { eventTypes, external, open, success } from "./registry.mjs";

/** Ways of keeping a value in state, each of which gives it back as the framework does. */
const frameworks = {
  "ref(…) of Vue": (value) => ref(value).value,
  "reactive({…}) of Vue": (value) => reactive({ value }).value,
  "readonly(reactive({…})) of Vue": (value) => readonly(reactive({ value })).value,
  "shallowReactive(…) of Vue": (value) => shallowReactive(value),
  "a Proxy that forwards everything": (value) => new Proxy(value, {}),
  "a Proxy that reads with itself as the receiver": (value) =>
    new Proxy(value, { get: (target, key, receiver) => Reflect.get(target, key, receiver) }),
  "an object that inherits from it": (value) => Object.create(value),
};

for (const [framework, kept] of Object.entries(frameworks)) {
  describe(`kept by ${framework}`, () => {
    test("a registry works, with its hub, awaiters, receivers and log", async (t) => {
      const registry = kept(await open(t, { name: "kept" }));
      assert.deepEqual([registry.name, registry.durability, typeof registry.owner.incarnationId], ["kept", "memory", "string"]);
      await registry.registerProcess(external("p", { eventTypes }));
      const changes = [];
      const unsubscribe = registry.onChange((id) => changes.push(id));
      const hub = kept(registry.hub);
      const receiver = kept(hub.subscribe("p"));
      assert.equal(hub.trackedProcesses, 1);
      const changed = receiver.changed();
      const ends = [registry.awaiter, registry.pollingAwaiter()].map((awaiter) => kept(awaiter).awaitTerminal("p"));
      await registry.appendEvent("p", { eventType: "progress", payload: 1 });
      await changed;
      receiver.close();
      await registry.completeProcess("p", success(7));
      assert.deepEqual(await Promise.all(ends), [success(7), success(7)]);
      const types = [];
      for await (const { eventType } of kept(registry.events("p", { untilTerminal: true }))) types.push(eventType);
      assert.deepEqual(types, ["progress", "process.completed"]);
      assert.deepEqual([...new Set(changes)], ["p"]);
      unsubscribe();
    });

    test("a session works", async (t) => {
      const registry = await open(t);
      await registry.registerProcess(external("p", { eventTypes }));
      await registry.grantHandle({ sessionId: "s" }, "p");
      const session = kept(registry.session({ sessionId: "s" }));
      assert.equal(session.scope.sessionId, "s");
      assert.deepEqual(
        (await session.list()).map(({ record }) => record.id),
        ["p"],
      );
      const end = session.awaitTerminal("p");
      await session.signal("p", "go", 1);
      await registry.completeProcess("p", success(null));
      assert.deepEqual(await end, success(null));
    });

    test("a driver works, and so does the registry that it is of", async (t) => {
      const registry = kept(await open(t));
      const driver = kept(registry.driver({ runners: { job: async ({ waitForSignal }) => (await waitForSignal("go")).payload } }));
      driver.start();
      await driver.registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
      await registry.awaiter.awaitEvent("p", "process.waiting");
      await driver.signal("p", "go", 7);
      assert.deepEqual(await driver.awaitTerminal("p"), success(7));
      await driver.idle();
      await driver.stop();
    });

    test("a registry is closed", async (t) => {
      const registry = kept(await open(t));
      await registry.close();
      await assert.rejects(registry.getProcess("p"), { code: "closed" });
    });
  });
}

test("methods work when they are taken apart, and cannot be replaced", async (t) => {
  const registry = await open(t);
  const { registerProcess, awaiter, hub, driver, session } = registry;
  assert.equal((await registerProcess(external("p"))).id, "p");
  const made = [
    registry,
    awaiter,
    hub,
    hub.subscribe("p"),
    driver({}),
    session({ sessionId: "s" }),
    session({ sessionId: "s" }).scope,
    registry.events("p"),
  ];
  for (const object of made) {
    assert.ok(Object.isFrozen(object));
    for (const key of Object.keys(object)) assert.throws(() => (object[key] = () => {}), TypeError, key);
  }
});
