/** Output streams, through the built package. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, isProcessError, open, success } from "./registry.mjs";

/** A registry with a process `p` whose runner this is, which has begun. */
async function begun(t, runner) {
  const registry = await open(t);
  await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
  const driver = registry.driver({ runners: { job: runner }, onRunError() {} });
  t.after(() => driver.stop());
  driver.start();
  return registry;
}

/** Everything that a stream gives until it ends. */
async function all(reader) {
  const chunks = [];
  for await (const chunk of reader) chunks.push(chunk);
  return chunks;
}

const values = (chunks) => chunks.map(({ value }) => value);

const refuses = (promise, code, start = "") =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, code), error?.message);
    assert.ok(error.message.startsWith(start), error.message);
    return true;
  });

describe("a stream", () => {
  test("wakes its reader by the notification of a commit, and a run by that of a signal", async (t) => {
    const registry = await begun(t, async ({ stream, waitForSignal }) => {
      const out = await stream("tokens");
      await out.append("a");
      await waitForSignal("more");
      await out.append("b");
      await out.close();
    });
    const woken = [];
    registry.onWake(({ processId, wait, by }) => woken.push([processId, wait, by].join(" ")));
    for await (const { value } of registry.readStream("p", "tokens")) if (value === "a") await registry.signal("p", "more");
    await registry.awaitTerminal("p");
    assert.ok(woken.includes("p signal tick"), `${woken}`);
    assert.ok(woken.includes("p stream tick"), `${woken}`);
  });

  test("is listed with what is known of it, and its chunks are not read", async (t) => {
    let goOn;
    const more = new Promise((resolve) => (goOn = resolve));
    const registry = await begun(t, async ({ stream }) => {
      const tokens = await stream("tokens");
      await tokens.append("a");
      await tokens.append("b");
      await tokens.close();
      await (await stream("lines", { keep: "untilTerminal" })).flush();
      await more;
    });
    await registry.registerProcess(external("none"));
    for await (const chunk of registry.readStream("p", "tokens")) void chunk;
    while ((await registry.listStreams("p")).length < 2) await new Promise((over) => setImmediate(over));
    const lines = { name: "lines", chunks: 0, attempt: 1, closed: false, keep: "untilTerminal" };
    assert.deepEqual(await registry.listStreams("p"), [lines, { name: "tokens", chunks: 2, attempt: 1, closed: true, keep: "process" }]);
    assert.deepEqual(await registry.listStreams("none"), []);
    await refuses(registry.listStreams("unknown"), "unknown_process");
    goOn();
  });

  test("gives its chunks while they are written, with dense indexes, and ends when it is closed", async (t) => {
    let goOn;
    const more = new Promise((resolve) => (goOn = resolve));
    const registry = await begun(t, async ({ stream }) => {
      const out = await stream("tokens");
      assert.deepEqual([out.name, out.nextIndex], ["tokens", 0]);
      await out.append("a");
      await out.append({ b: [1, null] });
      assert.equal(out.nextIndex, 2);
      await more;
      await out.append("c");
      await out.close();
      await new Promise(() => {});
    });
    const seen = [];
    for await (const chunk of registry.readStream("p", "tokens")) {
      seen.push(chunk);
      if (chunk.index === 1) goOn();
    }
    assert.deepEqual(seen, [
      { index: 0, attempt: 1, value: "a" },
      { index: 1, attempt: 1, value: { b: [1, null] } },
      { index: 2, attempt: 1, value: "c" },
    ]);
    assert.deepEqual(values(await all(registry.readStream("p", "tokens", { startIndex: 1 }))), [{ b: [1, null] }, "c"]);
    assert.deepEqual(await registry.eventsAfter("p", 0), []);
  });

  test("has all that its runner appended, whether that waited or not, and ends with its process", async (t) => {
    const registry = await begun(t, async ({ stream }) => {
      const out = await stream("lines");
      for (let number = 0; number < 1_000; number++) void out.append(number);
      return "done";
    });
    assert.deepEqual(
      values(await all(registry.readStream("p", "lines"))),
      Array.from({ length: 1_000 }, (_, number) => number),
    );
    assert.deepEqual(await registry.awaitTerminal("p"), success("done"));
    assert.deepEqual(await all(registry.readStream("p", "another")), []);
  });

  test("is a WritableStream for what writes, and a ReadableStream for what reads", async (t) => {
    const registry = await begun(t, async ({ stream }) => {
      const out = await stream("s");
      await new Blob(["one\ntwo"]).stream().pipeThrough(new TextDecoderStream()).pipeTo(out.writable);
      await refuses(out.append("late"), "invalid_argument");
    });
    const read = [];
    await registry
      .readStream("p", "s")
      .toReadableStream()
      .pipeTo(new WritableStream({ write: (chunk) => void read.push(chunk) }));
    assert.deepEqual(read, [{ index: 0, attempt: 1, value: "one\ntwo" }]);
    assert.deepEqual(await registry.awaitTerminal("p"), success(null));
  });

  test("continues in a later attempt: behind what is there, under the attempt that wrote or, resumed, the one before", async (t) => {
    const registry = await open(t);
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" }, retry: { maxAttempts: 3, initialIntervalMs: 1 } });
    const opened = [];
    const driver = registry.driver({
      runners: {
        async job({ stream, attempt }) {
          for (const [name, resume] of [
            ["anew", false],
            ["resumed", true],
          ]) {
            const out = await stream(name, { resume });
            opened.push(out.nextIndex);
            await out.append(`${name} ${attempt}`);
          }
          if (attempt < 3) throw new Error("again");
        },
      },
      onRunError() {},
    });
    t.after(() => driver.stop());
    driver.start();
    await registry.awaitTerminal("p");
    assert.deepEqual(
      (await all(registry.readStream("p", "anew"))).map(({ index, attempt, value }) => [index, attempt, value]),
      [
        [0, 1, "anew 1"],
        [1, 2, "anew 2"],
        [2, 3, "anew 3"],
      ],
    );
    assert.deepEqual(
      (await all(registry.readStream("p", "resumed"))).map(({ index, attempt }) => [index, attempt]),
      [
        [0, 1],
        [1, 1],
        [2, 1],
      ],
    );
    assert.deepEqual(opened, [0, 0, 1, 1, 2, 2]);
  });

  test("is kept as long as its process, or until that ends", async (t) => {
    const registry = await begun(t, async ({ stream }) => {
      await (await stream("kept", { keep: "process" })).append(1);
      await (await stream("dropped", { keep: "untilTerminal" })).append(2);
    });
    await registry.awaitTerminal("p");
    assert.deepEqual(values(await all(registry.readStream("p", "kept"))), [1]);
    assert.deepEqual(await all(registry.readStream("p", "dropped")), []);
    await registry.forkProcess("p", { newId: "fork", from: "start" });
    await registry.awaitTerminal("fork");
    assert.deepEqual(values(await all(registry.readStream("fork", "kept"))), [1], "of its own");
    await registry.deleteProcess("p");
    await refuses(all(registry.readStream("p", "kept")), "unknown_process");
  });

  test("refuses what is no JSON, a name that is none or is used twice, options that make no sense; and all once its run is over", async (t) => {
    let kept;
    const registry = await begun(t, async ({ stream }) => {
      const out = (kept = await stream("s"));
      await refuses(out.append({ a: [1, NaN] }), "invalid_argument", "chunk.a[1]: ");
      await refuses(out.append(undefined), "invalid_argument", "chunk: ");
      await refuses(out.append("x".repeat(33_554_432)), "invalid_argument", "chunk: ");
      await refuses(stream("s"), "invalid_argument");
      await refuses(stream(" "), "invalid_argument", "name: ");
      await refuses(stream("x".repeat(1_025)), "invalid_argument", "name: ");
      await refuses(stream(7), "invalid_argument", "name: ");
      await refuses(stream("t", { resumed: true }), "invalid_argument", "options.resumed: ");
      await refuses(stream("t", { resume: 1 }), "invalid_argument", "options.resume: ");
      await refuses(stream("t", { keep: "forever" }), "invalid_argument", "options.keep: ");
      await out.append("good");
      await out.flush();
      return out.nextIndex;
    });
    assert.deepEqual(await registry.awaitTerminal("p"), success(1));
    await refuses(kept.append("late"), "lease_lost");
    await refuses(kept.flush(), "lease_lost");
    await refuses(kept.close(), "lease_lost");
  });

  test("is read from anywhere in it, by several at once, until they leave", async (t) => {
    const registry = await begun(t, async ({ stream, signal }) => {
      const out = await stream("s");
      for (let number = 0; number < 10; number++) await out.append(number);
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    const reader = registry.readStream("p", "s", { startIndex: 8 });
    for (let round = 0; round < 2; round++) {
      const seen = [];
      for await (const { value } of reader) {
        seen.push(value);
        if (value === 9) break;
      }
      assert.deepEqual(seen, [8, 9]);
    }
    const abort = new AbortController();
    const waiting = all(registry.readStream("p", "s", { startIndex: 10, signal: abort.signal }));
    const stream = registry.readStream("p", "s", { startIndex: 9 }).toReadableStream();
    const source = stream.getReader();
    assert.equal((await source.read()).value.value, 9);
    const pending = source.read();
    await source.cancel();
    assert.equal((await pending).done, true);
    abort.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
    assert.equal(registry.hub.trackedProcesses, 1, "the driver's own watch alone");
  });

  test("of nothing: a reader waits for a process that is there, and learns of one that is not", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("outside"));
    const waiting = all(registry.readStream("outside", "s"));
    await registry.completeProcess("outside", success(1));
    assert.deepEqual(await waiting, []);
    await refuses(all(registry.readStream("unknown", "s")), "unknown_process");
    for (const given of [[], [""], ["p"], ["p", " "], ["p", "s", { startIndex: -1 }], ["p", "s", { from: 1 }], ["p", "s", { signal: 1 }]])
      assert.throws(
        () => registry.readStream(...given),
        (error) => isProcessError(error, "invalid_argument"),
        JSON.stringify(given),
      );
    const reader = registry.readStream("outside", "s");
    await registry.close();
    await refuses(all(reader), "closed");
    assert.throws(
      () => registry.readStream("outside", "s"),
      (error) => isProcessError(error, "closed"),
    );
  });
});
