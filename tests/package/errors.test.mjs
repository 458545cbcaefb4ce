import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { importSource, root } from "./bundled.mjs";

const { isProcessError, ProcessError } = await importSource("js/types/errors.ts");

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

test("the message of each error that longwait raises ends with the address of its page, once, and no other does", async () => {
  const { homepage } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { invalidArgument, raise, withHelp } = await importSource("js/types/errors.ts", "js/types/help.ts");
  for (const page of readdirSync(join(root, "docs/errors")).filter((name) => name !== "index.md")) {
    const code = page.replace(/\.md$/, "");
    assert.equal(raise("why", { code }).message, `why (${homepage}/errors/${code})`);
    // As when an error is passed to another thread, or becomes another one.
    assert.equal(withHelp(raise("why", { code: "closed" }).message, code), `why (${homepage}/errors/${code})`);
  }
  assert.equal(invalidArgument("why").message, `why (${homepage}/errors/invalid_argument)`);
  assert.equal(raise(undefined, { code: "closed" }).message, `closed (${homepage}/errors/closed)`);
  assert.equal(new ProcessError("why", { code: "closed" }).message, "why");
});

test("what is stored of an error, as how a process failed, has no address in it", async () => {
  const { failure, invalidArgument } = await importSource("js/types/errors.ts", "js/api/outcome.ts");
  const error = invalidArgument("why");
  const stored = failure(error);
  assert.deepEqual([stored.message, stored.raw.message], ["why", "why"]);
  assert.ok(stored.raw.stack.startsWith("ProcessError: why\n"));
  assert.ok(!JSON.stringify(failure(new Error("around", { cause: error }))).includes("://longwait"));
});

test("what it does not have is absent", () => {
  const error = new ProcessError("why", { code: "closed", processId: undefined, cause: undefined });
  assert.ok(!("cause" in error) && !("processId" in error));
  assert.deepEqual(Object.keys(error), ["code"]);
  assert.equal(new ProcessError().code, "internal");
});

test("isProcessError goes by name and code, not by class", async () => {
  const error = new ProcessError("why", { code: "closed" });
  assert.ok(isProcessError(error) && isProcessError(error, "closed"));
  assert.ok(!isProcessError(error, "timeout"));
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const others = [
    new Error("x"),
    Object.assign(new Error("x"), { name: "ProcessError" }),
    Object.assign(new Error("x"), { code: "closed" }),
    {},
    null,
    undefined,
    "closed",
    () => {},
    revoked.proxy,
  ];
  for (const value of others) assert.ok(!isProcessError(value));
});

test("isProcessError knows those of another copy of the package, of another realm, and copies that kept name and code", async () => {
  const copy = await importSource("js/types/errors.ts");
  const other = new copy.ProcessError("why", { code: "closed" });
  assert.ok(!(other instanceof ProcessError));
  const source = `() => { class ProcessError extends Error { constructor(code) { super("why"); this.code = code; } } Object.defineProperty(ProcessError.prototype, "name", { value: "ProcessError" }); return new ProcessError("closed"); }`;
  const foreign = runInNewContext(source)();
  assert.ok(!(foreign instanceof Error));
  const { name, code, message } = other;
  for (const error of [other, foreign, structuredClone({ name, code, message }), new Proxy(other, {})]) {
    assert.ok(isProcessError(error) && isProcessError(error, "closed") && !isProcessError(error, "timeout"));
  }
});

test("neither the class nor what it gives its errors can be replaced", () => {
  for (const object of [ProcessError, ProcessError.prototype]) assert.ok(Object.isFrozen(object));
});

/** What no run calls. */
const OTHER_ENTRIES = /^(ai\/.*|entries\/worker|langgraph\/.*|nats\/store|service-worker\/refused|observe\/.*|testing\/.*)\.ts$/;

test("every error of the main entry is made where it is remembered as longwait's own, so that a run can tell it from others", () => {
  const sources = readdirSync(join(root, "js"), { recursive: true }).filter((file) => file.endsWith(".ts"));
  const files = sources.filter((file) => file !== "types/errors.ts" && !OTHER_ENTRIES.test(file));
  const others = files.filter((file) => readFileSync(join(root, "js", file), "utf8").includes("new ProcessError("));
  assert.deepEqual(others, []);
});
