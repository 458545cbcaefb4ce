/** What comes back of a call when something goes wrong that should not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "./bundled.mjs";

const { call, callNow } = await importSource("js/border/call.ts");

const odd = [
  undefined,
  null,
  "word",
  Symbol("x"),
  { message: "like an error" },
  Object.create(null),
  new Proxy(
    {},
    {
      getPrototypeOf() {
        throw new Error("odd");
      },
    },
  ),
];

test("what a promise rejects with that is no ProcessError becomes an internal one, whatever it is", async () => {
  const cause = new TypeError("a fault");
  await assert.rejects(
    call(() => Promise.reject(cause)),
    { name: "ProcessError", code: "internal", cause },
  );
  for (const thrown of odd)
    await assert.rejects(
      call(() => Promise.reject(thrown)),
      { name: "ProcessError", code: "internal" },
    );
});

test("what is thrown while arguments are read becomes an invalid_argument, whatever it is", async () => {
  for (const thrown of odd) {
    const work = () => {
      throw thrown;
    };
    await assert.rejects(call(work), { name: "ProcessError", code: "invalid_argument" });
    assert.throws(() => callNow(work), { name: "ProcessError", code: "invalid_argument" });
  }
});
