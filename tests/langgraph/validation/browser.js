/** The validation suite in a page, by the runner and the assertions that Vitest is made of. */
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from "@vitest/expect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, it, startTests } from "@vitest/runner";
import { expect, use } from "chai";
import { suite } from "./suite.js";

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) use(plugin);
// Fails at once, where Vitest's own one fails at the end of the test.
Object.assign(expect, { soft: expect });
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it });

const flat = (task) => (task.type === "test" ? [task] : task.tasks.flatMap(flat));

/** How many tests passed, and what became of the others. */
async function validated(storage) {
  const config = { root: "/", sequence: { hooks: "stack" }, testTimeout: 60_000, hookTimeout: 60_000, retry: 0, maxConcurrency: 1 };
  const files = await startTests([storage], { config, importFile: () => suite(storage), mocker: undefined });
  const tests = files.flatMap(flat);
  const others = tests.filter(({ result }) => result?.state !== "pass");
  return {
    passed: tests.length - others.length,
    others: others.map(({ name, mode, result }) => [name, mode, ...(result?.errors ?? []).map(({ message }) => message)]),
    faults: files.flatMap(({ result }) => (result?.errors ?? []).map(({ message }) => message)),
  };
}

Object.assign(globalThis, { validated, ready: true });
