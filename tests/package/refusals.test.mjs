/** Arguments that are refused whatever the process is like, before anything is looked up; and what closed registries refuse. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, isProcessError, open } from "./registry.mjs";

const refused = (promise, code = "invalid_argument") =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, code), `${error?.code}: ${error?.message}`);
    return true;
  });

const revoked = (target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

const LONG = "x".repeat(1_025);
const owner = { ownerId: "page", incarnationId: "1" };

describe("a proxy that was revoked is an argument that cannot be read", () => {
  test("where an object is wanted", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    await refused(registry.registerProcess(revoked({})));
    await refused(registry.appendEvent("p", revoked({})));
    await refused(registry.listProcesses(revoked({})));
    await refused(registry.awaitTerminal("p", revoked({})));
    await refused(registry.ownerGone(owner, revoked({})));
    assert.throws(
      () => registry.session(revoked({})),
      (error) => isProcessError(error, "invalid_argument"),
    );
  });

  test("where a list is wanted, or data", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    await refused(registry.transferHandleGrants({ sessionId: "a" }, { sessionId: "b" }, revoked([])));
    await refused(registry.eventsAfter("p", 0, { types: revoked([]) }));
    await refused(registry.signal("p", "go", revoked([])));
  });
});

describe("a lease that no claim could have given is refused, whether or not the process is known", () => {
  for (const [what, spoil] of [
    ["a blank owner", (lease) => ({ ...lease, owner: { ...lease.owner, ownerId: "\uFEFF" } })],
    ["a life without a name", (lease) => ({ ...lease, owner: { ...lease.owner, incarnationId: " " } })],
    ["an owner of 1,025 characters", (lease) => ({ ...lease, owner: { ...lease.owner, ownerId: LONG } })],
    ["a process of 1,025 characters", (lease) => ({ ...lease, processId: LONG })],
    ["a blank process", (lease) => ({ ...lease, processId: "" })],
  ]) {
    test(what, async (t) => {
      const registry = await open(t);
      await registry.registerProcess(external("p", { eventTypes: [{ name: "note" }] }));
      const { lease } = await registry.claimProcessLease("p", owner, 1_000_000);
      const spoilt = spoil(lease);
      await refused(registry.renewProcessLease(spoilt, 1_000));
      await refused(registry.completeProcessWithLease(spoilt, { type: "success", value: 1 }));
      for (const id of ["p", "nobody"]) await refused(registry.appendEvent(id, { eventType: "note", lease: spoilt }));
      if (spoilt.processId === "p") await refused(registry.reclaimProcessLease("p", owner, spoilt, 1_000));
      assert.deepEqual(await registry.getProcessLease("p"), lease);
      assert.deepEqual(await registry.eventsAfter("p", 0), []);
    });
  }
});

test("a scope that none can be is refused wherever it is given", async (t) => {
  const registry = await open(t);
  for (const scope of [{ sessionId: " " }, { sessionId: "s", agentFrameId: "\u2028" }, { sessionId: "s/frame:f" }, { sessionId: LONG }]) {
    await refused(registry.registerProcess(external("p", { provenance: { originator: { type: "session", scope } } })));
    await refused(registry.registerProcess(external("p", { wakeTarget: scope })));
    await refused(registry.appendEvent("nobody", { eventType: "note", wakeTargetScope: scope }));
    assert.throws(
      () => registry.session(scope),
      (error) => isProcessError(error, "invalid_argument"),
    );
  }
  assert.deepEqual(await registry.listProcesses(), []);
});

test("an engine of a blank kind is refused, also where the identity says another kind, and whatever is stored", async (t) => {
  const registry = await open(t);
  const engine = (kind) => ({ id: "p", input: { type: "engine", kind }, identity: { kind: "job" } });
  await refused(registry.registerProcess(engine("\u00a0")));
  assert.equal(await registry.getProcess("p"), undefined);
  await registry.registerProcess(engine("job"));
  await refused(registry.registerProcess(engine("\u00a0")));
});

test("a list of a kind by a name that none can have is refused, for a session too", async (t) => {
  const registry = await open(t);
  await refused(registry.listProcesses({ kind: LONG }));
  await refused(registry.session({ sessionId: "s" }).list({ kind: LONG }));
});

test("what a host that runs the work itself throws in a sweep comes out as it was thrown", async (t) => {
  const registry = await open(t);
  const thrown = new Error("no workers");
  const driver = registry.driver({
    runHandle: {
      async claimAndRunPending() {
        throw thrown;
      },
    },
  });
  await assert.rejects(driver.claimAndRunPending(), (error) => error === thrown);
  await registry.close();
  await refused(driver.claimAndRunPending(), "closed");
});

test("a registry that is closed asks the browser for nothing", async (t) => {
  const registry = await open(t);
  assert.equal(await registry.requestPersistence(), "memory");
  await registry.close();
  await refused(registry.requestPersistence(), "closed");
});
