/** What the entry for service workers refuses, and what it says where there are none. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openRegistry } from "longwait";
import { handleSync, requestSync, support } from "longwait/service-worker";

/** The global of a service worker, as far as it is needed: `send` an event and get what it was to wait for. */
class Scope extends EventTarget {
  registration = {};
  send(type, fields = {}) {
    const waits = [];
    this.dispatchEvent(Object.assign(new Event(type), fields, { waitUntil: (work) => waits.push(work) }));
    return waits;
  }
}

const refuses = (call, message) =>
  assert.throws(call, ({ name, code, message: said }) => {
    assert.deepEqual([name, code], ["ProcessError", "invalid_argument"]);
    assert.match(said, message);
    return true;
  });

describe("handleSync refuses", () => {
  for (const scope of [undefined, {}, new EventTarget(), globalThis])
    test(`${Object.prototype.toString.call(scope)} for the global of a service worker`, () => refuses(() => handleSync(scope, {}), /self/));

  const wrong = [
    [undefined, /options: must be an object/],
    [{ through: 1 }, /options\.through/],
    [{ tag: " " }, /options\.tag/],
    [{ tag: 7 }, /options\.tag/],
    [{ budgetMs: 0 }, /options\.budgetMs/],
    [{ budgetMs: "1" }, /options\.budgetMs/],
    [{ events: "sync" }, /options\.events: /],
    [{ events: ["sync", "fetch"] }, /options\.events\[1\]/],
  ];
  for (const [options, message] of wrong)
    test(JSON.stringify(options) ?? "no options", () => refuses(() => handleSync(new Scope(), options), message));
});

describe("an event of a service worker", () => {
  test("with another tag, or that was not asked for, is left alone", () => {
    const scope = new Scope();
    handleSync(scope, { events: ["sync", "periodicsync"], tag: "own" });
    for (const [type, tag] of [["sync", "longwait"], ["periodicsync", "longwait"], ["push"], ["activate"]])
      assert.deepEqual(scope.send(type, { tag }), []);
  });

  test("fails where the sweep does", async () => {
    const scope = new Scope();
    handleSync(scope, { open: { durability: "none" } });
    const [waited] = scope.send("push");
    await assert.rejects(waited, { code: "invalid_argument" });
  });
});

test("requestSync refuses what makes no sense, and says where there are no service workers", async (t) => {
  const registry = await openRegistry({ storage: "memory" });
  t.after(() => registry.close());
  const wrong = [
    [registry, { tags: "x" }, /options\.tags/],
    [registry, { tag: "" }, /options\.tag/],
    [registry, { periodicMs: 0.5 }, /options\.periodicMs/],
    [registry, { isOnline: true }, /options\.isOnline/],
    [registry, { registration: {} }, /options\.registration/],
    [registry, null, /options/],
    [{}, {}, /registry/],
    [registry, {}, /no service workers/],
  ];
  for (const [given, options, message] of wrong) await assert.rejects(requestSync(given, options), { code: "invalid_argument", message });
});

test("support() says what is not there", async () => {
  assert.deepEqual(await support(), {
    serviceWorker: false,
    sync: "unsupported",
    periodicSync: "unsupported",
    push: "unsupported",
    locks: globalThis.navigator?.locks !== undefined,
  });
});
