/** The fuzzer knows all of the API: what is added to it fails here until it is fuzzed, too. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import * as longwait from "longwait";
import * as worker from "longwait/worker";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { names } from "./calls/table.mjs";
import { interfaces } from "./grammar.mjs";

/** What is only read. */
const PROPERTIES = {
  registry: ["name", "durability", "owner", "awaiter", "hub"],
  session: ["scope"],
  driver: ["registry"],
  writer: ["name", "nextIndex", "writable"],
  run: ["process", "signal", "attempt", "fencingToken"],
};

/** Known under another name, or fuzzed by the end of each registry. */
const ALSO = { registry: ["pollingAwaiter", "close", "[asyncDispose]"], polling: [], hub: [] };

/**
 * What is fuzzed in part, and why:
 * - `concurrencyKey`, `onConflict`, `debounce`, deadlines that pass, and children that end with their parent are given to processes that
 *   drivers work on, of which the model says no more than what holds of every log: each is decided by runs and by the clock.
 * - Forks with a part of a log, and forks of steps, are made of those processes alone, for that reason.
 * - `registerProcesses` and `appendEvents` are given lists of one at most: `tests/package/batches.test.mjs` has the others.
 * - `events` of a `ProcessHandle` is not called: it is that of the registry, which is.
 * - `importProcesses` is called with files without processes, and with broken ones: what is exported is imported when a registry is at rest.
 * - `deleteRegistry` is called for a database that is not there: deleting one under a registry ends the world of the fuzzer with it.
 */
const known = (prefix) =>
  new Set(
    [...names]
      .filter((name) => name.startsWith(`${prefix}.`))
      .map((name) => name.slice(prefix.length + 1))
      .concat(PROPERTIES[prefix] ?? [], ALSO[prefix] ?? []),
  );

/** Every name on an object and on what it inherits, apart from what all objects have. */
function members(object) {
  const found = new Set();
  for (let at = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at))
      if (key !== "constructor") found.add(typeof key === "symbol" ? `[${key.description.replace(/^(Symbol|nodejs)\./, "")}]` : key);
  }
  return found;
}

function covers(prefix, object) {
  const missing = [...members(object)].filter((name) => !known(prefix).has(name));
  assert.deepEqual(missing, [], `the fuzzer does not know these of ${prefix}`);
}

describe("the fuzzer knows", () => {
  test("every export of the package", () => {
    assert.deepEqual(
      Object.keys(longwait).filter((name) => !names.has(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(worker).filter((name) => !names.has(`worker.${name}`)),
      [],
    );
  });

  test("every method of every object that the package gives", async () => {
    const registry = await longwait.openRegistry({ storage: "memory" });
    covers("registry", registry);
    covers("awaiter", registry.awaiter);
    covers("polling", registry.pollingAwaiter());
    covers("hub", registry.hub);
    covers("receiver", registry.hub.subscribe("p"));
    covers("iterator", registry.events("p"));
    covers("reader", registry.readStream("p", "s"));
    covers("export", registry.exportProcesses());
    covers("session", registry.session({ sessionId: "s" }));
    const context = deferred();
    const driver = registry.driver({ runners: { job: async (given) => context.resolve([given, await given.stream("s")]) } });
    covers("driver", driver);
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
    await driver.claimAndRunPending();
    const [run, writer] = await context.promise;
    covers("run", run);
    covers("writer", writer);
    await registry.close();
  });

  test("every field that is declared of what is given to the package", async () => {
    const declared = fieldsOf(await readFile(inRepo("dist/types/public.d.ts"), "utf8"));
    for (const [name, fields] of interfaces) {
      assert.ok(declared.has(name), `there is no type ${name}`);
      assert.deepEqual(
        [...declared.get(name)].filter((field) => !fields.has(field)),
        [],
        `the fuzzer does not give these fields of ${name}`,
      );
    }
  });

  test("every type that is given to the package", async () => {
    const declared = fieldsOf(await readFile(inRepo("dist/types/public.d.ts"), "utf8"));
    assert.deepEqual([...declared.keys()].filter((name) => !interfaces.has(name) && !GIVEN_BACK.has(name)).sort(), []);
  });
});

/** Types of what the package gives, and those that have no fields of their own here. */
const GIVEN_BACK = new Set([
  "AppendResult",
  "AttachmentInfo",
  "AttachmentValue",
  "ChangeReceiver",
  "DriveReport",
  "FailureClass",
  "HandleEntry",
  "HandleGrant",
  "ImportReport",
  "Json",
  "JsonCompatible",
  "JsonLike",
  "LeaseClaim",
  "ProcessAwaiter",
  "ProcessChangeHub",
  "ProcessEvent",
  "ProcessEventSink",
  "ProcessHandle",
  "ProcessRecord",
  "ProcessRegistry",
  "ProcessStatus",
  "ProcessWorkDriver",
  "ProcessesExport",
  "RemoteStore",
  "RunContext",
  "RunWait",
  "Selector",
  "SendSignal",
  "SessionDeleteReport",
  "SessionView",
  "StepContext",
  "StreamChunk",
  "StreamInfo",
  "StreamReader",
  "StreamWriter",
  "TerminalState",
  "WakeDelivery",
  "WokenWait",
]);

/** The names of the fields of each exported type, at its own level or within its alternatives. */
function fieldsOf(text) {
  const plain = text.replace(/\/\*[^]*?\*\//g, "");
  const found = new Map();
  for (const [, name, body] of plain.matchAll(/^export (?:interface|type) (\w+)[^{=]*(?:=\s*)?([^]*?)(?=^export |(?![^]))/gm)) {
    const fields = new Set();
    let depth = 0;
    for (const [token, field] of body.matchAll(/[{}()]|(?<=[{;,]\s*|^\s*)(?:readonly )?(\w+)\??(?=\s*[:(])/gm)) {
      if ("{(".includes(token)) depth++;
      else if ("})".includes(token)) depth--;
      else if (depth === 1) fields.add(field);
    }
    found.set(name, fields);
  }
  return found;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
