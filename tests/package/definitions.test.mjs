/** Definitions and handles: what goes in is checked, what comes out is typed, and where each of the three sorts of schema stands. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type } from "arktype";
import { defineProcess, ProcessFailedError } from "longwait";
import * as v from "valibot";
import { z } from "zod";
import { helped, isProcessError, open, quietConsole } from "./registry.mjs";

const rejects = (promise, code, message) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, code), `${error?.code}: ${error?.message}`);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  });

/** A registry with a started driver of these implementations. */
async function driven(t, ...processes) {
  const registry = await open(t);
  registry.driver({ processes }).start();
  return registry;
}

/** One definition, by each library: a name that is trimmed, a size with a default, an output of text. */
const LIBRARIES = {
  zod: {
    input: z.object({ name: z.string().trim().min(1), size: z.number().default(7) }),
    output: z.string().max(20),
    number: z.number(),
  },
  valibot: {
    input: v.object({ name: v.pipe(v.string(), v.trim(), v.minLength(1)), size: v.optional(v.number(), 7) }),
    output: v.pipe(v.string(), v.maxLength(20)),
    number: v.number(),
  },
  arktype: {
    input: type({ name: "string.trim |> string > 0", size: "number = 7" }),
    output: type("string <= 20"),
    number: type("number"),
  },
};

for (const [library, schemas] of Object.entries(LIBRARIES))
  describe(`with schemas of ${library},`, () => {
    const files = defineProcess({
      kind: "file",
      input: schemas.input,
      output: schemas.output,
      events: { progress: schemas.number },
      signals: { go: schemas.number },
    });
    const says = files.implement(async ({ input, append, waitForSignal }) => {
      await append({ eventType: "progress", payload: input.size });
      const { payload } = await waitForSignal("go");
      return `${input.name} ${input.size} ${payload}`;
    });

    test("the runner is given what the schema made of the input, and its output is the value", async (t) => {
      const registry = await driven(t, says);
      const handle = await registry.start(files, { name: "  a " }, { id: "a" });
      assert.deepEqual([handle.id, handle.disposition], ["a", "created"]);
      await handle.signal("go", 3);
      assert.equal(await handle.result(), "a 7 3");
      const record = await handle.record();
      assert.deepEqual(record.input, { type: "engine", kind: "file", payload: { name: "a", size: 7 } });
      const events = [];
      for await (const event of handle.events({ types: ["progress", "signal.go"], untilTerminal: true }))
        events.push([event.eventType, event.payload]);
      assert.deepEqual(events.sort(), [
        ["progress", 7],
        ["signal.go", 3],
      ]);
    });

    test("an input that does not fit is refused with its path, and nothing is written", async (t) => {
      const registry = await open(t);
      await assert.rejects(registry.start(files, { name: "a", size: "x" }, { id: "a" }), (error) => {
        assert.ok(isProcessError(error, "invalid_payload"));
        assert.match(error.message, /^input\.size: /);
        assert.deepEqual(error.issues[0].path, ["size"]);
        assert.equal(typeof error.issues[0].message, "string");
        return true;
      });
      assert.equal(await registry.countProcesses({ status: "any" }), 0);
    });

    test("a signal that does not fit is refused, and is not in the log", async (t) => {
      const registry = await open(t);
      const handle = await registry.start(files, { name: "a" });
      await rejects(handle.signal("go", "now"), "invalid_payload", /^payload: /);
      assert.deepEqual(await registry.eventsAfter(handle.id, 0), []);
    });

    test("an event that does not fit is refused in the run", async (t) => {
      const registry = await driven(
        t,
        files.implement(async ({ append }) => {
          const refused = await append({ eventType: "progress", payload: "half" }).catch((error) => error);
          return `${refused.code} ${refused.issues.length}`;
        }),
      );
      assert.equal(await registry.execute(files, { name: "a" }), "invalid_payload 1");
    });

    test("an output that does not fit fails the process, once", async (t) => {
      quietConsole(t);
      let runs = 0;
      const registry = await driven(
        t,
        files.implement(() => {
          runs++;
          return "x".repeat(21);
        }),
      );
      const handle = await registry.start(files, { name: "a" }, { retry: { maxAttempts: 5, initialIntervalMs: 1 } });
      await assert.rejects(handle.result(), (error) => {
        assert.ok(error instanceof ProcessFailedError);
        assert.equal(error.code, "invalid_payload");
        assert.match(error.message, /^output: /);
        assert.equal(error.raw.issues.length, 1);
        return true;
      });
      assert.equal(runs, 1);
    });
  });

describe("with a JSON Schema,", () => {
  const sums = defineProcess({
    kind: "sum",
    input: { type: "object", required: ["list"], properties: { list: { type: "array", items: { type: "number" } } } },
    output: { type: "number", maximum: 10 },
    events: { partial: { type: "number" } },
    signals: { add: { type: "number" } },
  });
  const runner = sums.implement(async ({ input, append, waitForSignal }) => {
    await append({ eventType: "partial", payload: input.list.length });
    return input.list.reduce((sum, n) => sum + n, 0) + (await waitForSignal("add")).payload;
  });

  test("all of it is checked, with the paths of what does not fit", async (t) => {
    quietConsole(t);
    const registry = await driven(t, runner);
    await assert.rejects(registry.start(sums, { list: [1, "2"] }), (error) => {
      assert.ok(isProcessError(error, "invalid_payload"));
      assert.match(error.message, /^input\.list\[1\]: /);
      assert.deepEqual(error.issues[0].path, ["list", 1]);
      return true;
    });
    const handle = await registry.start(sums, { list: [1, 2] });
    await rejects(handle.signal("add", "3"), "invalid_payload", /^payload: /);
    await handle.signal("add", 8);
    await assert.rejects(handle.result(), { name: "ProcessFailedError", code: "invalid_payload" });
  });

  test("that of an event is stored, and checked wherever it is appended", async (t) => {
    const registry = await open(t);
    const handle = await registry.start(sums, { list: [] });
    const { eventTypes } = await handle.record();
    assert.deepEqual(
      eventTypes.find(({ name }) => name === "partial"),
      { name: "partial", payloadSchema: { type: "number" } },
    );
    await rejects(registry.appendEvent(handle.id, { eventType: "partial", payload: "x" }), "invalid_payload");
  });

  test("one that cannot be compiled is refused when it is needed, and nothing is written", async (t) => {
    const registry = await open(t);
    for (const spec of [{ input: { type: "nonsense" } }, { events: { e: { type: "nonsense" } } }])
      await rejects(registry.start(defineProcess({ kind: "k", ...spec }), 1), "invalid_schema");
    assert.equal(await registry.countProcesses({ status: "any" }), 0);
  });
});

describe("a Standard Schema", () => {
  const standard = (validate) => ({ "~standard": { version: 1, vendor: "own", validate } });
  const ofInput = (validate) => defineProcess({ kind: "k", input: standard(validate) });

  test("may take its time", async (t) => {
    const registry = await open(t);
    const taken = z.string().refine(async (name) => name !== "taken", "is taken");
    const names = defineProcess({ kind: "name", input: z.object({ name: taken }), signals: { rename: taken } });
    await rejects(registry.start(names, { name: "taken" }), "invalid_payload", /^input\.name: is taken \(/);
    const handle = await registry.start(names, { name: "free" });
    await rejects(handle.signal("rename", "taken"), "invalid_payload", /^payload: is taken \(/);
    assert.equal((await handle.signal("rename", "other")).event.payload, "other");
  });

  test("that throws, rejects or answers nonsense refuses the payload", async (t) => {
    const registry = await open(t);
    const fault = new Error("no");
    const throws = () => {
      throw fault;
    };
    for (const validate of [throws, async () => throws(), () => undefined, async () => null, () => ({ issues: [null] })])
      await rejects(registry.start(ofInput(validate), 1), "invalid_payload", /^input: could not be checked by its schema \(/);
    await assert.rejects(registry.start(ofInput(throws), 1), { cause: fault });
    assert.equal(await registry.countProcesses({ status: "any" }), 0);
  });

  test("names places by keys, symbols and segments, and at most ten of them", async (t) => {
    const registry = await open(t);
    const path = ["a", { key: 1 }, Symbol("s")];
    await rejects(
      registry.start(
        ofInput(() => ({ issues: [{ message: "bad", path }, { message: "worse" }] })),
        1,
      ),
      "invalid_payload",
      /^input\.a\[1\]\["Symbol\(s\)"\]: bad; input: worse \(/,
    );
    const many = { issues: Array.from({ length: 50 }, (_, n) => ({ message: `fault ${n}` })) };
    await assert.rejects(
      registry.start(
        ofInput(() => many),
        1,
      ),
      (error) => error.message.split("; ").length === 10 && error.issues.length === 50,
    );
    await rejects(
      registry.start(
        ofInput(() => ({ issues: [] })),
        1,
      ),
      "invalid_payload",
      /^input: is refused by its schema \(/,
    );
  });

  test("gives what is stored: as JSON, or it is refused with the path", async (t) => {
    const registry = await open(t);
    const stores = async (value) => {
      const handle = await registry.start(
        ofInput(() => ({ value })),
        1,
      );
      return (await handle.record()).input.payload;
    };
    assert.deepEqual(await stores({ a: undefined, b: [{ c: undefined, d: 1 }] }), { b: [{ d: 1 }] });
    assert.equal(await stores(undefined), null);
    await rejects(stores({ at: new Date() }), "invalid_payload", /^input\.at: /);
    await rejects(stores({ list: [undefined] }), "invalid_payload", /^input\.list\[0\]: /);
    await rejects(stores({ big: [1n] }), "invalid_payload", /^input\.big\[0\]: /);
    const dates = defineProcess({ kind: "date", input: z.object({ at: z.coerce.date() }) });
    await rejects(registry.start(dates, { at: "2031-01-01" }), "invalid_payload", /^input\.at: is an instance of Date/);
  });

  test("sees no payload that is read back", async (t) => {
    let seen = 0;
    const counted = standard((value) => (seen++, { value }));
    const definition = defineProcess({ kind: "k", input: counted, events: { e: counted }, signals: { s: counted } });
    const registry = await driven(
      t,
      definition.implement(async ({ input, waitForSignal }) => [input, (await waitForSignal("s")).payload]),
    );
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "k", payload: "other" } });
    await registry.signal("p", "s", "another");
    assert.deepEqual(await registry.handle(definition, "p").result(), ["other", "another"]);
    assert.equal(seen, 0);
  });
});

describe("without schemas,", () => {
  const plain = defineProcess({ kind: "plain" });

  test("any JSON will do, and what is none is refused as everywhere", async (t) => {
    const registry = await driven(
      t,
      plain.implement(({ input }) => input),
    );
    for (const value of [null, 7, { a: [1] }]) assert.deepEqual(await registry.execute(plain, value), value);
    assert.equal(await registry.execute(plain), null);
    await rejects(registry.start(plain, { at: new Date() }), "invalid_argument", /^input\.at: /);
    const handle = await registry.start(plain);
    await rejects(handle.signal("go", 7n), "invalid_argument", /^payload/);
  });

  test("an id is a random UUID, later ones sorting behind, and anything else a registration has may be said at the start", async (t) => {
    const registry = await open(t);
    const ids = [];
    const nowMs = Date.now();
    t.mock.method(Date, "now", () => nowMs - ids.length / 100); // A clock that hardly moves, and backwards.
    for (let n = 0; n < 200; n++) ids.push((await registry.start(plain)).id);
    t.mock.restoreAll();
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(new Set(ids.map((id) => id.slice(20))).size, ids.length, "they are random");
    assert.deepEqual([...ids].sort(), ids, "they sort in the order in which they were made");
    const labelled = defineProcess({
      kind: "labelled",
      version: 3,
      labels: { area: "files", tenant: "a" },
      priority: 1,
      recovery: "abandon",
    });
    const options = { label: "for people", labels: { tenant: "b" }, priority: 2, wakeTarget: { sessionId: "s" }, envRef: "e" };
    const record = await (await registry.start(labelled, null, options)).record();
    assert.deepEqual(record.identity, { kind: "labelled", label: "for people" });
    const { version, labels, priority, recovery, wakeTarget, envRef } = record;
    assert.deepEqual(
      { version, labels, priority, recovery, wakeTarget, envRef },
      { version: 3, labels: { area: "files", tenant: "b" }, priority: 2, recovery: "abandon", wakeTarget: { sessionId: "s" }, envRef: "e" },
    );
  });

  test("an implementation begins its own version alone", async (t) => {
    const [first, second] = [1, 2].map((version) => defineProcess({ kind: "k", version }));
    const registry = await driven(t, ...[first, second].map((definition) => definition.implement(({ process }) => process.version)));
    assert.deepEqual(await Promise.all([registry.execute(second), registry.execute(first)]), [2, 1]);
  });
});

describe("starting again", () => {
  const events = { b: z.number(), a: z.string() };
  const before = defineProcess({ kind: "k", events });

  test("under an id gives the process that is there, whatever has become of policy, schemas and the order of events", async (t) => {
    const registry = await open(t);
    const { disposition } = await registry.start(before, 1, { id: "p" });
    const after = defineProcess({
      kind: "k",
      events: { a: z.number(), b: v.string() },
      input: z.number(),
      retry: { maxAttempts: 3 },
      priority: 5,
    });
    const again = await registry.start(after, 1, { id: "p", labels: { a: "b" } });
    assert.deepEqual([disposition, again.disposition], ["created", "existing"]);
    await rejects(registry.start(after, 2, { id: "p" }), "registration_conflict");
    const declared = (await again.record()).eventTypes.filter(({ name }) => !name.startsWith("process."));
    assert.deepEqual(declared, [{ name: "a" }, { name: "b" }]);
  });

  test("of a concurrency key is queued, which its registration decides", async (t) => {
    const registry = await open(t);
    const keyed = defineProcess({ kind: "k", concurrencyKey: "account-1" });
    const started = await Promise.all([1, 2, 3].map((n) => registry.start(keyed, n)));
    assert.deepEqual(
      started.map(({ disposition }) => disposition),
      ["created", "queued", "queued"],
    );
    const newest = await registry.start(keyed, 4, { onConflict: "use_existing" });
    assert.deepEqual([newest.disposition, started.some(({ id }) => id === newest.id)], ["existing", true]);
    await rejects(registry.start(keyed, 5, { onConflict: "reject" }), "conflict");
  });
});

describe("a run", () => {
  const logs = defineProcess({ kind: "log", events: { line: z.string(), loose: true } });

  test("appends in the order of its calls, checked or not", async (t) => {
    const registry = await driven(
      t,
      logs.implement(async ({ append }) => {
        const requests = [1, 2, 3, 4].map((n) => ({ eventType: n % 2 ? "line" : "loose", payload: `${n}` }));
        await Promise.all(requests.map((request) => append(request)));
      }),
    );
    const handle = await registry.start(logs);
    await handle.result();
    const events = await registry.eventsAfter(handle.id, 0, { types: ["line", "loose"] });
    assert.deepEqual(
      events.map(({ payload }) => payload),
      ["1", "2", "3", "4"],
    );
  });

  test("is refused what is no event of it, or cannot be read", async (t) => {
    const registry = await driven(
      t,
      logs.implement(async ({ append }) => {
        const throwing = {
          eventType: "line",
          get payload() {
            throw new Error("a getter");
          },
        };
        const requests = [
          { eventType: "other" },
          undefined,
          { eventType: "line" },
          throwing,
          {
            get eventType() {
              throw new Error();
            },
          },
        ];
        return Promise.all(
          requests.map((request) =>
            append(request).then(
              () => "",
              ({ code }) => code,
            ),
          ),
        );
      }),
    );
    assert.deepEqual(await registry.execute(logs), [
      "undeclared_event_type",
      "invalid_argument",
      "invalid_payload",
      "invalid_argument",
      "invalid_argument",
    ]);
  });
});

describe("a definition", () => {
  test("is frozen, and says of itself its kind and version", () => {
    const definition = defineProcess({ kind: "k", version: 2 });
    assert.ok(Object.isFrozen(definition));
    assert.deepEqual(Object.keys(definition), ["kind", "version", "implement"]);
    const { kind, version, run, ...rest } = definition.implement(() => {});
    assert.deepEqual([kind, version, typeof run, rest], ["k", 2, "function", {}]);
    assert.throws(() => definition.implement("run"), {
      code: "invalid_argument",
      message: helped("run: must be a function, not a string"),
    });
  });

  const bad = [
    [undefined, "spec: must be a plain object"],
    [null, "spec: must be a plain object"],
    [[], "spec: must be a plain object"],
    [{}, "spec.kind: must be a string, not undefined"],
    [{ kind: " " }, "spec.kind: must not be blank"],
    [{ kind: "k", inptu: z.string() }, "spec.inptu: is not known here"],
    [{ kind: "k", retry: { maxAttempts: "5" } }, "spec.retry.maxAttempts: must be a whole number"],
    [{ kind: "k", parentId: "p" }, "spec.parentId: is not known here"],
    [{ kind: "k", version: 1.5 }, "spec.version: must be a whole number"],
    [{ kind: "k", input: "string" }, "spec.input: must be a Standard Schema or a JSON Schema, not a string"],
    [{ kind: "k", input: null }, "spec.input: must be a Standard Schema or a JSON Schema, not null"],
    [{ kind: "k", output: () => true }, "spec.output: must be a Standard Schema or a JSON Schema, not a function"],
    [{ kind: "k", output: new Date() }, "spec.output: is an instance of Date, not plain JSON"],
    [{ kind: "k", input: { "~standard": { version: 2 } } }, `spec.input["~standard"]: is of no version that is known here, but 1`],
    [{ kind: "k", events: [] }, "spec.events: must be a plain object"],
    [{ kind: "k", events: { "": true } }, "spec.events: a name: must not be blank"],
    [{ kind: "k", events: { e: 7 } }, "spec.events.e: must be a Standard Schema or a JSON Schema"],
    [{ kind: "k", signals: { "a b": true } }, "spec.signals: a name: must be of ASCII letters"],
    [{ kind: "k", signals: { go: undefined } }, "spec.signals.go: must be a Standard Schema or a JSON Schema"],
    [
      {
        get kind() {
          throw new Error("on purpose");
        },
      },
      "an argument could not be read: on purpose",
    ],
  ];
  for (const [spec, message] of bad)
    test(`is refused: ${message}`, () => {
      assert.throws(
        () => defineProcess(spec),
        (error) => isProcessError(error, "invalid_argument") && error.message.startsWith(message),
      );
    });
});
