/** What a stream promises that is written in one tab and read in another one, in any engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as page from "./page.mjs";

/** Starts a driver in this page for processes that put out what they are signalled, until that is `end`. */
const drivesStreams = (who) => {
  const { registry } = globalThis;
  globalThis.driver = registry.driver({
    runners: {
      async streams({ stream, waitForSignal, attempt }) {
        const out = await stream("lines");
        await out.append(`${who}, from ${out.nextIndex}`);
        await out.flush();
        for (;;) {
          const { payload } = await waitForSignal("say");
          if (payload === "end") return attempt;
          await out.append(payload);
          await out.flush();
        }
      },
    },
  });
  globalThis.driver.start();
};

/** Begins to read `p`; what came stands in `globalThis.read`, and `globalThis.heard` is called with each. */
const reads = () => {
  globalThis.read = [];
  globalThis.heard = () => {};
  globalThis.reading = (async () => {
    for await (const chunk of globalThis.registry.readStream("p", "lines")) globalThis.heard(globalThis.read.push(chunk));
  })();
};

/** Resolves with what came, once that is so much. */
const came = async (count) => {
  if (globalThis.read.length < count) await new Promise((done) => (globalThis.heard = (length) => length >= count && done()));
  return globalThis.read;
};

export function readsStreams(two) {
  test("read what a run in the other one writes: while it is written, and all of it once it has ended", async (t) => {
    const [writer, reader] = await two(t);
    await reader.run(page.start, ["p", "streams"]);
    await reader.run(reads);
    await writer.run(drivesStreams, "one");
    assert.deepEqual(await reader.run(came, 1), [{ index: 0, attempt: 1, value: "one, from 0" }]);
    for (let n = 0; n < 10; n++) {
      await writer.run(page.call, ["signal", "p", "say", { n }]);
      assert.deepEqual((await reader.run(came, n + 2)).at(-1), { index: n + 1, attempt: 1, value: { n } });
    }
    await reader.run(page.call, ["signal", "p", "say", "end"]);
    await reader.run(() => globalThis.reading);
    await reader.run(reads);
    await reader.run(() => globalThis.reading);
    assert.equal((await reader.run(came, 11)).length, 11);
    const log = await reader.run(page.call, ["eventsAfter", "p", 0, { types: ["process.completed"] }]);
    assert.equal(log.length, 1);
  });

  test("continue a stream whose tab is closed: its indexes continue, under the next attempt", async (t) => {
    const [writer, reader] = await two(t);
    if (!(await writer.run(() => "locks" in navigator))) return t.skip("this engine has no Web Locks: a lease ends by its time alone");
    await writer.run(drivesStreams, "one");
    await writer.run(page.start, ["p", "streams"]);
    await reader.run(reads);
    await reader.run(came, 1);
    await reader.run(page.call, ["signal", "p", "say", "first"]);
    await reader.run(came, 2);
    await reader.run(drivesStreams, "other");
    await writer.close();
    assert.deepEqual(await reader.run(came, 4), [
      { index: 0, attempt: 1, value: "one, from 0" },
      { index: 1, attempt: 1, value: "first" },
      { index: 2, attempt: 2, value: "other, from 2" },
      { index: 3, attempt: 2, value: "first" },
    ]);
    await reader.run(page.call, ["signal", "p", "say", "end"]);
    assert.deepEqual(await reader.run(page.end, "p"), { type: "success", value: 2 });
    await reader.run(() => globalThis.reading);
  });

  test("read a stream of which no notification comes", async (t) => {
    const [writer, reader] = await two(t);
    await writer.run(() => (BroadcastChannel.prototype.postMessage = () => {}));
    await writer.run(page.start, ["p", "streams"]);
    await reader.run(reads);
    await writer.run(drivesStreams, "one");
    await writer.run(page.call, ["signal", "p", "say", "first"]);
    assert.deepEqual(
      (await reader.run(came, 2)).map(({ value }) => value),
      ["one, from 0", "first"],
    );
    await writer.run(page.call, ["signal", "p", "say", "end"]);
    await reader.run(() => globalThis.reading);
  });
}
