/** Handles on processes of definitions: how they end, alone and together, and children of a run. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defineProcess, ProcessCancelledError, ProcessFailedError, waitAll, waitFirst } from "longwait";
import { z } from "zod";
import { helped, isProcessError, open, quietConsole, settled, success } from "./registry.mjs";

const rejects = (promise, code, message = /./) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, code), `${error?.code}: ${error?.message}`);
    assert.match(error.message, message);
    return true;
  });

const jobs = defineProcess({ kind: "job", input: z.number(), output: z.number() });

/** Handles on processes that no driver runs. */
async function handles(registry, many) {
  return Promise.all(Array.from({ length: many }, (_, n) => registry.start(jobs, n, { id: `job-${n}` })));
}

const failure = { type: "failure", class: "external", code: "late", message: "too late", raw: { a: 1 } };

describe("a handle", () => {
  test("keeps of what a runner throws its name, message, code, fields and causes", async (t) => {
    quietConsole(t);
    const registry = await open(t);
    const driver = registry.driver({
      processes: [
        jobs.implement(() => {
          const cause = Object.assign(new RangeError("deep", { cause: { status: 503 } }), { at: [1] });
          throw Object.assign(new TypeError("failed", { cause }), { code: "E_FAILED", retryable: false, socket: new Map() });
        }),
      ],
    });
    driver.start();
    await assert.rejects(registry.execute(jobs, 1, { id: "p" }), (error) => {
      assert.ok(error instanceof ProcessFailedError);
      const { processId, name, message, code, raw } = error;
      assert.deepEqual([processId, name, message, code, error.class], ["p", "ProcessFailedError", "failed", "E_FAILED", "execution"]);
      const { stack: _, cause, ...kept } = raw;
      assert.deepEqual(kept, { name: "TypeError", message: "failed", code: "E_FAILED", retryable: false });
      assert.deepEqual([cause.name, cause.message, cause.at, cause.cause], ["RangeError", "deep", [1], { status: 503 }]);
      return true;
    });
  });

  test("says that its process was cancelled", async (t) => {
    const registry = await open(t);
    const [handle] = await handles(registry, 1);
    registry.driver({ processes: [jobs.implement(() => 1)] }).start();
    const { id } = await registry.start(jobs, 1, { startAtMs: Date.now() + 1_000_000 });
    const later = registry.handle(jobs, id);
    await later.cancel("enough");
    await assert.rejects(later.result(), (error) => error instanceof ProcessCancelledError && error.processId === id);
    assert.equal(await handle.result(), 1);
  });

  test("of a process that is known by its id reads nothing, and finds out later", async (t) => {
    const registry = await open(t);
    const none = registry.handle(jobs, "unknown");
    assert.deepEqual([none.id, none.disposition, Object.isFrozen(none)], ["unknown", "existing", true]);
    await rejects(none.result(), "unknown_process");
    await rejects(none.record(), "unknown_process");
    assert.throws(() => registry.handle(jobs, ""), { code: "invalid_argument" });
    assert.throws(() => registry.handle({}, "p"), {
      code: "invalid_argument",
      message: helped("definition: must be what defineProcess() gives"),
    });
    await registry.close();
    assert.throws(() => registry.handle(jobs, "p"), { code: "closed" });
  });

  test("of execute ends with its limits, and the process does not", async (t) => {
    const registry = await open(t);
    await rejects(registry.execute(jobs, 1, { id: "p", timeoutMs: 0 }), "timeout");
    assert.equal((await registry.getProcess("p")).status.state, "running");
    await assert.rejects(registry.execute(jobs, 1, { id: "q", signal: AbortSignal.abort("no") }), (reason) => reason === "no");
    assert.equal(await registry.getProcess("q"), undefined);
    await rejects(registry.execute(jobs, 1, { signal: 7 }), "invalid_argument", /^options\.signal: /);
    await rejects(registry.start(jobs, 1, { signal: AbortSignal.timeout(1) }), "invalid_argument", /^options\.signal: /);
    await rejects(registry.start(jobs, 1, { input: 7 }), "invalid_argument", /^options\.input: /);
    await rejects(registry.start({}, 1), "invalid_argument", /^definition: /);
  });
});

test("a process of a definition has its attachments from its start, and so has a child", async (t) => {
  const registry = await open(t);
  const kept = defineProcess({ kind: "kept" });
  const text = async (blob) => (blob === undefined ? undefined : blob.text());
  const runner = kept.implement(async ({ input, attachment, startChild }) => {
    const own = await text(await attachment("file"));
    if (input === "child") return own;
    const child = await startChild(kept, "child", { key: "c", attachments: { file: new Blob([`${own}, copied`]) } });
    return child.result();
  });
  registry.driver({ processes: [runner] }).start();
  assert.equal(await registry.execute(kept, null, { attachments: { file: new Blob(["bytes"]) } }), "bytes, copied");
  await rejects(registry.start(kept, null, { attachments: { file: 7 } }), "invalid_argument", /^options\.attachments\.file: /);
});

describe("waitAll", () => {
  test("gives the values in the order of the handles, one handle twice", async (t) => {
    const registry = await open(t);
    const [a, b] = await handles(registry, 2);
    const values = waitAll([b, a, b]);
    await registry.completeProcess(a.id, success("a"));
    await registry.completeProcess(b.id, success("b"));
    assert.deepEqual(await values, ["b", "a", "b"]);
    assert.deepEqual(await waitAll([]), []);
  });

  test("rejects with the first failure, and lets the other waits end", async (t) => {
    const registry = await open(t);
    const all = await handles(registry, 3);
    const values = waitAll(all);
    values.catch(() => {});
    await settled();
    assert.equal(registry.hub.trackedProcesses, 3);
    await registry.completeProcess("job-1", failure);
    await assert.rejects(values, { name: "ProcessFailedError", processId: "job-1", class: "external", code: "late", raw: { a: 1 } });
    await settled();
    assert.equal(registry.hub.trackedProcesses, 0);
    assert.equal((await all[0].record()).status.state, "running");
  });

  test("ends by its signal and its limit", async (t) => {
    const registry = await open(t);
    const all = await handles(registry, 2);
    const stop = new AbortController();
    const values = waitAll(all, { signal: stop.signal });
    values.catch(() => {});
    await settled();
    stop.abort("enough");
    await assert.rejects(values, (reason) => reason === "enough");
    await settled();
    assert.equal(registry.hub.trackedProcesses, 0);
    await rejects(waitAll(all, { timeoutMs: 0 }), "timeout");
    await rejects(waitAll(all, { timeout: 1 }), "invalid_argument", /^options\.timeout: /);
    for (const given of [undefined, all[0], "ab"]) await rejects(waitAll(given), "invalid_argument", /^handles: must be an array/);
    for (const given of [{}, null, "p", { id: "p", result: async () => 1 }])
      await rejects(waitAll([all[0], given]), "invalid_argument", /^handles\[1\]: must be a handle/);
  });
});

describe("waitFirst", () => {
  test("gives the one that ended first, in whatever way, and leaves the others", async (t) => {
    const registry = await open(t);
    const all = await handles(registry, 3);
    const first = waitFirst(all);
    await settled();
    await registry.completeProcess("job-2", { ...failure, control: { b: 2 } });
    const { handle, output } = await first;
    assert.equal(handle, all[2]);
    assert.deepEqual(output, { ...failure, control: { b: 2 } });
    await settled();
    assert.equal(registry.hub.trackedProcesses, 0);
    assert.equal((await all[0].record()).status.state, "running");
    await registry.completeProcess("job-0", success(1));
    assert.deepEqual(await waitFirst([all[0], all[1], all[0]]), { handle: all[0], output: success(1) });
  });

  test("rejects where a wait does, and for no handles", async (t) => {
    const registry = await open(t);
    const [one] = await handles(registry, 1);
    await rejects(waitFirst([one, registry.handle(jobs, "unknown")]), "unknown_process");
    await settled();
    assert.equal(registry.hub.trackedProcesses, 0);
    await rejects(waitFirst([one], { timeoutMs: 0 }), "timeout");
    await assert.rejects(waitFirst([one], { signal: AbortSignal.abort("no") }), (reason) => reason === "no");
    await rejects(waitFirst([]), "invalid_argument", /^handles: must not be empty/);
  });
});

describe("a run starts a child by its definition", () => {
  const parents = defineProcess({ kind: "parent", output: z.array(z.number()) });

  test("under its own id, with a policy, once for all runs", async (t) => {
    const registry = await open(t);
    const parent = parents.implement(async ({ startChild }) => {
      const children = await Promise.all([3, 4].map((n) => startChild(jobs, n, { key: `n${n}`, priority: n, onParentEnd: "abandon" })));
      return waitAll(children);
    });
    registry.driver({ concurrency: 1, processes: [parent, jobs.implement(({ input }) => input * input)] }).start();
    assert.deepEqual(await registry.execute(parents, null, { id: "p" }), [9, 16]);
    const children = await registry.listProcesses({ parentId: "p", status: "any" });
    assert.deepEqual(
      children.map(({ id, priority, onParentEnd }) => [id, priority, onParentEnd]),
      [
        ["p/n3", 3, "abandon"],
        ["p/n4", 4, "abandon"],
      ],
    );
  });

  test("or is refused, and nothing is written; also in a plain runner", async (t) => {
    const registry = await open(t);
    const codes = async (startChild) => {
      const tried = [
        () => startChild(jobs, "x", { key: "a" }),
        () => startChild(jobs, 1, {}),
        () => startChild(jobs, 1),
        () => startChild(jobs, 1, { key: "a", onParentEnd: "x" }),
        () => startChild(jobs, 1, { key: "a", input: 1 }),
      ];
      return Promise.all(
        tried.map((one) =>
          one().then(
            () => "",
            ({ code }) => code,
          ),
        ),
      );
    };
    const runner = ({ startChild }) => codes(startChild);
    const untyped = defineProcess({ kind: "untyped" });
    registry.driver({ processes: [untyped.implement(runner)], runners: { plain: runner } }).start();
    const expected = ["invalid_payload", ...Array(4).fill("invalid_argument")];
    assert.deepEqual(await registry.execute(untyped), expected);
    await registry.registerProcess({ id: "plain", input: { type: "engine", kind: "plain" } });
    assert.deepEqual(await registry.awaitTerminal("plain"), success(expected));
    assert.equal(await registry.countProcesses({ status: "any", kind: "job" }), 0);
  });

  test("and waits for the first of several, as often as it is run", async (t) => {
    const registry = await open(t);
    const untyped = defineProcess({ kind: "untyped" });
    const parent = untyped.implement(async ({ startChild }) => {
      const children = [
        await startChild(jobs, 1, { key: "slow", startAtMs: Date.now() + 1_000_000 }),
        await startChild(jobs, 2, { key: "fast" }),
      ];
      const { handle, output } = await waitFirst(children);
      return [handle.id, output.value];
    });
    registry.driver({ processes: [parent, jobs.implement(({ input }) => input)] }).start();
    assert.deepEqual(await registry.execute(untyped, null, { id: "p" }), ["p/fast", 2]);
  });
});
