/** What comes back over the border when something goes wrong that should not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "./bundled.mjs";

const { call, callNow } = await importSource("js/call.ts");

test("a trap in the wasm becomes an internal error that carries it", async () => {
  // A module whose one function is `unreachable`.
  const code = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11]);
  const { instance } = await WebAssembly.instantiate(code);
  const isInternal = (error) => error.name === "ProcessError" && error.code === "internal" && error.cause instanceof WebAssembly.RuntimeError;
  await assert.rejects(call(async () => instance.exports.f()), isInternal);
  await assert.rejects(call(() => instance.exports.f()), isInternal);
  assert.throws(() => callNow(() => instance.exports.f()), isInternal);
});

test("anything else that is thrown does, too, whatever it is", async () => {
  for (const thrown of [undefined, null, "word", Symbol("x"), { message: "like an error" }, Object.create(null)]) {
    await assert.rejects(call(() => Promise.reject(thrown)), (error) => error.code === "internal");
    assert.throws(() => callNow(() => { throw thrown; }), { code: "internal" });
  }
});

test("the reason of an aborted signal passes as it is, and only that", async () => {
  const controller = new AbortController();
  const reason = { any: "value" };
  await assert.rejects(call(() => Promise.reject(reason), controller.signal), { code: "internal" });
  controller.abort(reason);
  await assert.rejects(call(() => Promise.reject(reason), controller.signal), (error) => error === reason);
  await assert.rejects(call(() => Promise.reject({ any: "value" }), controller.signal), { code: "internal" });
});
