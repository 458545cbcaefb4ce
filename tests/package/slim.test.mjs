/** The slim entry does what the whole one does, but for drivers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

process.env.ENTRY = "longwait/slim";
const { external, isProcessError, open, openRegistry, success } = await import("./registry.mjs");

describe("longwait/slim", async () => {
  await import("./surface.test.mjs");
  await import("./sink.test.mjs");
});

test("longwait/slim has no driver, and all else that a registry of longwait has", async (t) => {
  const whole = await (await import("longwait")).openRegistry({ storage: "memory" });
  t.after(() => whole.close());
  const slim = await open(t);
  assert.equal(typeof whole.driver, "function");
  for (const name of members(whole)) assert.equal(name in slim, name !== "driver", name);
});

test("the two entries of one page have WebAssembly of their own, and know each other's errors", async (t) => {
  const slim = await open(t);
  const { openRegistry: openWhole, ProcessError } = await import("longwait");
  assert.notEqual(openWhole, openRegistry);
  const whole = await openWhole({ storage: "memory" });
  t.after(() => whole.close());
  await whole.registerProcess(external("p"));
  assert.equal(await slim.getProcess("p"), undefined);
  assert.ok(isProcessError(new ProcessError("mine", { code: "timeout" }), "timeout"));
  await slim.registerProcess(external("p"));
  await slim.completeProcess("p", success(1));
  assert.deepEqual(await slim.awaiter.awaitTerminal("p"), success(1));
  assert.equal((await whole.getProcess("p")).status.state, "running");
});

/** The names of what an object and its classes have. */
function members(object) {
  const names = new Set();
  for (let of = object; of !== Object.prototype; of = Object.getPrototypeOf(of))
    for (const name of Object.getOwnPropertyNames(of)) names.add(name);
  return names;
}
