/** Definitions and handles: what goes in is checked, what comes out is typed, and where each of the three sorts of schema stands. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type } from "arktype";
import { defineProcess, ProcessCancelledError, ProcessFailedError, waitAll, waitFirst } from "longwait";
import * as v from "valibot";
import { z } from "zod";
import { isProcessError, open, quietConsole, settled } from "./registry.mjs";

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
