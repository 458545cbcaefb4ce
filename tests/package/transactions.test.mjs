/** How many transactions of IndexedDB a process takes that has no policy and does nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";

process.env.STORAGE = "indexeddb";
const { open } = await import("./registry.mjs");

test("a process without a policy takes four transactions from its registration to its end", async (t) => {
  const registry = await open(t);
  let ran = () => {};
  const driver = registry.driver({ runners: { noop: () => ran() } });
  driver.start();
  t.after(() => driver.stop());

  let begun = 0;
  const { transaction } = IDBDatabase.prototype;
  t.mock.method(IDBDatabase.prototype, "transaction", function (...given) {
    begun++;
    return transaction.apply(this, given);
  });

  const counts = [];
  for (let n = 0; n < 10; n++) {
    const before = begun;
    const running = new Promise((resolve) => (ran = resolve));
    await registry.registerProcess({ id: `p${n}`, input: { type: "engine", kind: "noop" } });
    await running;
    await driver.idle();
    counts.push(begun - before);
  }
  // The first one meets the start of the driver, and once a second there is one more, for the look at what changed.
  assert.equal(Math.min(...counts.slice(1)), 4, `${counts}`);
});
