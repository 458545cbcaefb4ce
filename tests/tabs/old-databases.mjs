/** What an open registry of today makes of a database that an earlier version wrote, in any engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fixture, versions } from "../fixtures/fixtures.mjs";
import { readBack, registrations, restore } from "../fixtures/scene.mjs";

/** Runs the job that the fixture left in its second wait, and begins what was pruned anew. */
const goOn = async (registrations) => {
  const { registry } = globalThis;
  for (const registration of registrations) await registry.registerProcess(registration);
  let repeated = false;
  const driver = registry.driver({
    runners: {
      async job({ step, waitForSignal, attempt }) {
        const first = await step("first", () => (repeated = true));
        const signals = [await waitForSignal("go"), await waitForSignal("go")].map(({ payload }) => payload);
        return { first, signals, attempt };
      },
    },
  });
  driver.start();
  await driver.signal("job", "go", "two", { signalId: "two" });
  const job = await driver.awaitTerminal("job");
  await driver.stop();
  const ringing = [{ name: "ring", semantics: { wake: { input: "payload" } } }];
  await registry.registerProcess({ id: "pruned", input: { type: "external" }, eventTypes: ringing });
  const { event: rung } = await registry.appendEvent("pruned", { eventType: "ring", payload: "again" });
  const { lease } = await registry.claimProcessLease("pruned", registry.owner, 60_000);
  const { event } = await registry.appendEvent("types", { eventType: "note", payload: "third" });
  const replayed = await registry.appendEvent("types", {
    eventType: "note",
    payload: { nested: [{ deep: { er: [1, 2, 3] } }] },
    replayKey: "first",
  });
  return {
    job,
    repeated,
    wake: rung.semantics.wake.dedupeKey,
    fence: lease.fencingToken,
    sequence: event.sequence,
    replayed: [replayed.replayed, replayed.event.sequence],
  };
};

/** `openTab()` resolves with a tab that has the package and no registry yet. */
export function opensOldDatabases(openTab) {
  for (const version of versions)
    test(`a database of version ${version} opens, reads as it did, and its work goes on`, async (t) => {
      const { database, answers } = fixture(version);
      const tab = await openTab(t);
      const name = `of ${version}`;
      await tab.run(restore, [name, database]);
      await tab.run(async (name) => {
        globalThis.registry = await globalThis.longwait.openRegistry({ name });
      }, name);
      assert.deepEqual(await tab.run(readBack), answers);
      assert.deepEqual(await tab.run(goOn, registrations), {
        job: { type: "success", value: { first: { by: "0.1.0" }, signals: ["one", "two"], attempt: 2 } },
        repeated: false,
        wake: "pruned@2:1",
        fence: 2,
        sequence: 7,
        replayed: [true, 1],
      });
    });
  test("names that are longer than they may be today stay readable", async (t) => {
    const { database } = fixture("0.1.0");
    const long = { bare: `bare ${"x".repeat(2_000)}`, note: `note ${"x".repeat(2_000)}` };
    const longer = JSON.parse(JSON.stringify(database), (_, value) => (Object.hasOwn(long, value) ? long[value] : value));
    const tab = await openTab(t);
    await tab.run(restore, ["of long names", longer]);
    const read = await tab.run(async () => {
      const registry = await globalThis.longwait.openRegistry({ name: "of long names" });
      const [granted] = await registry.listHandleGrants({ sessionId: "s" });
      const records = await registry.listProcesses({ status: "any" });
      const events = await registry.eventsAfter("types", 0);
      await registry.appendEvent("types", { eventType: "pong", payload: 1 });
      await registry.close();
      return { ids: records.map(({ id }) => id), granted: granted.record.id, types: events.map(({ eventType }) => eventType) };
    });
    assert.ok(read.ids.includes(long.bare));
    assert.equal(read.granted, long.bare);
    assert.equal(read.types[0], long.note);
  });
}
