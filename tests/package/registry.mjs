/** Registries over the built package, for the tests beside this file. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isProcessError, openRegistry, ProcessError } from "longwait";

export { isProcessError, openRegistry, ProcessError };

/** On IndexedDB where `STORAGE` says so: each registry on a database of its own. */
const inMemory = process.env.STORAGE !== "indexeddb";
if (!inMemory) await import("fake-indexeddb/auto");
let databases = 0;

/** What each registry is taken through: tracing, where `TRACED` says so. */
const through = process.env.TRACED === undefined ? (registry) => registry : await tracing();

async function tracing() {
  const [{ AsyncLocalStorageContextManager }, { BasicTracerProvider }, { context }, { traced }] = await Promise.all(
    ["@opentelemetry/context-async-hooks", "@opentelemetry/sdk-trace-base", "@opentelemetry/api", "longwait/opentelemetry"].map(
      (name) => import(name),
    ),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = new BasicTracerProvider().getTracer("test");
  return (registry) => traced(registry, { tracer });
}

/** The durability of {@link open}'s registries. */
export const durability = inMemory ? "memory" : "evictable";

/** A registry of the test's own, closed after it: in memory, unless `STORAGE` says otherwise. */
export async function open(t, options) {
  const storage = inMemory ? { storage: "memory" } : { name: `longwait-${++databases}` };
  const registry = through(await openRegistry({ ...storage, ...options }));
  t.after(() => registry.close());
  return registry;
}

export const external = (id, more) => ({ id, input: { type: "external" }, ...more });

/** Two event types that most tests can do with. */
export const eventTypes = [{ name: "progress" }, { name: "done", semantics: { terminal: { state: "completed" } } }];

export const success = (value) => ({ type: "success", value });

/**
 * Lets everything run that is ready to: promises, messages and tasks, each of which may make the next one ready. No time has
 * to pass for that, and no timer is waited for.
 */
export async function settled() {
  for (let turn = 0; turn < 10; turn++) await new Promise((over) => setImmediate(over));
}

/** Keeps what the code under test shows as errors off the console of the tests. Gives the arguments of each call. */
export function quietConsole(t) {
  const shown = [];
  t.mock.method(console, "error", (...given) => shown.push(given));
  return shown;
}

const { homepage } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** A message as the errors of longwait have it: it ends with the address of the page of their code. */
export const helped = (message, code = "invalid_argument") => `${message} (${homepage}/errors/${code})`;

/** What a rejection with that code must be, and about that process, for `assert.rejects`. */
export const refusal = (code, processId) => (error) => {
  assert.ok(isProcessError(error), String(error));
  assert.deepEqual([error.code, error.processId], [code, processId], error.message);
  return true;
};

/** Warnings, and a function that lets so many milliseconds pass, a second at a time. */
export function watched(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let passed = performance.now();
  t.mock.method(performance, "now", () => passed);
  const warnings = [];
  t.mock.method(console, "warn", (warning) => warnings.push(warning));
  const pass = async (ms) => {
    for (; ms > 0; ms -= 1_000) {
      passed += Math.min(ms, 1_000);
      t.mock.timers.tick(Math.min(ms, 1_000));
      await settled();
    }
  };
  return { warnings, pass };
}
