import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "./bundled.mjs";

const { isProcessError, ProcessError } = await importSource("js/errors.ts");

test("a ProcessError is an Error with a name, a code, a process and a cause", () => {
  const cause = new Error("underneath");
  const error = new ProcessError("why", { code: "timeout", processId: "p", cause });
  assert.ok(error instanceof ProcessError && error instanceof Error);
  assert.equal(String(error), "ProcessError: why");
  assert.equal(error.code, "timeout");
  assert.equal(error.processId, "p");
  assert.equal(error.cause, cause);
  assert.match(error.stack, /ProcessError: why\n/);
});

test("what it does not have is absent", () => {
  const error = new ProcessError("why", { code: "closed", processId: undefined, cause: undefined });
  assert.ok(!("cause" in error) && !("processId" in error));
  assert.deepEqual(Object.keys(error), ["code"]);
  assert.equal(new ProcessError().code, "internal");
});

test("isProcessError goes by name and code, also for another copy of the package", async () => {
  const copy = await importSource("js/errors.ts");
  const error = new copy.ProcessError("why", { code: "closed" });
  assert.ok(!(error instanceof ProcessError));
  assert.ok(isProcessError(error) && isProcessError(error, "closed"));
  assert.ok(!isProcessError(error, "timeout"));
  for (const value of [new Error("x"), { name: "ProcessError", code: "closed" }, null, undefined, "closed"]) assert.ok(!isProcessError(value));
});
