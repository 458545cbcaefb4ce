/** The sink, and what it may do to the registry that calls it. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { eventTypes, external, open, settled, success } from "./registry.mjs";

/** A registry with one process and a sink. */
async function withSink(t, sink) {
  const registry = await open(t, { sink: (event) => sink(event, registry) });
  await registry.registerProcess(external("p", { eventTypes }));
  return registry;
}
const progress = (payload, replayKey) => ({ eventType: "progress", payload, replayKey });

test("gets each event once, in the order of the log, not replays, not the ends that completeProcess writes", async (t) => {
  const seen = [];
  const registry = await withSink(t, (event) => void seen.push(event));
  const { event } = await registry.appendEvent("p", progress({ n: 1 }, "k"));
  assert.deepEqual(seen, [event]);
  await registry.appendEvent("p", progress({ n: 1 }, "k"));
  await Promise.all([2, 3, 4].map((n) => registry.appendEvent("p", progress({ n }))));
  await registry.completeProcess("p", success(null));
  await registry.appendEvent("p", progress("late"));
  assert.deepEqual(
    seen.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 6],
  );
});

test("is waited for, so a slow one slows its process down, and no other", async (t) => {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const registry = await withSink(t, ({ processId }) => (processId === "p" ? gate : undefined));
  await registry.registerProcess(external("q", { eventTypes }));
  let appended = false;
  const slow = registry.appendEvent("p", progress(1)).then(() => (appended = true));
  await registry.appendEvent("q", progress(1));
  await settled();
  assert.equal(appended, false);
  assert.equal((await registry.eventsAfter("p", 0)).length, 1);
  release();
  await slow;
});

test("that throws or rejects is reported, and fails nothing", async (t) => {
  const reported = [];
  t.after(() => delete globalThis.reportError);
  globalThis.reportError = (error) => reported.push(error);
  const faults = [new Error("thrown"), new Error("rejected"), "a word"];
  const registry = await withSink(t, ({ sequence }) => {
    if (sequence === 2) return Promise.reject(faults[1]);
    throw faults[sequence === 1 ? 0 : 2];
  });
  for (const n of [1, 2, 3]) assert.equal((await registry.appendEvent("p", progress(n))).event.sequence, n);
  assert.deepEqual(reported, faults);
});

test("without reportError, as in Node, goes to the console", async (t) => {
  const log = mock.method(console, "error", () => {});
  t.after(() => log.mock.restore());
  const registry = await withSink(t, () => {
    throw new Error("oops");
  });
  await registry.appendEvent("p", progress(1));
  assert.equal(log.mock.calls[0].arguments[0].message, "oops");
});

test("may return anything", async (t) => {
  const answers = [undefined, null, 7, "x", {}, [], { then: 7 }, { then: (resolve) => resolve() }, () => {}];
  const registry = await withSink(t, ({ sequence }) => answers[sequence - 1]);
  for (let n = 1; n <= answers.length; n++) assert.equal((await registry.appendEvent("p", progress(n))).event.sequence, n);
});

test("may append to the same process, and wait for it", async (t) => {
  const seen = [];
  const registry = await withSink(t, async ({ sequence, payload }, registry) => {
    seen.push(sequence);
    if (payload > 0) await registry.appendEvent("p", progress(payload - 1));
  });
  await registry.appendEvent("p", progress(3));
  assert.deepEqual(seen, [1, 2, 3, 4]);
  assert.deepEqual(
    (await registry.eventsAfter("p", 0)).map(({ payload }) => payload),
    [3, 2, 1, 0],
  );
});

test("may append without waiting", async (t) => {
  const nested = [];
  const registry = await withSink(t, ({ payload }, registry) => {
    if (payload === "outer")
      nested.push(
        registry.appendEvent("p", progress("inner")),
        registry.appendEvent("p", { eventType: "nonsense" }).catch(({ code }) => code),
      );
  });
  await registry.appendEvent("p", progress("outer"));
  assert.equal((await nested[0]).event.sequence, 2);
  assert.equal(await nested[1], "undeclared_event_type");
});

test("may read, register, complete and wait", async (t) => {
  const registry = await withSink(t, async (event, registry) => {
    if (event.processId !== "p") return;
    assert.deepEqual(await registry.eventsAfter("p", 0), [event]);
    assert.equal(registry.hub.trackedProcesses, 0);
    await registry.registerProcess(external("child"));
    const waiting = registry.awaiter.awaitTerminal("child");
    await registry.completeProcess("child", success("born in a sink"));
    assert.deepEqual(await waiting, success("born in a sink"));
    for await (const { sequence } of registry.events("p")) if (sequence === 1) break;
    registry.hub.notify("p");
    registry.hub.subscribe("p").close();
  });
  const reported = [];
  t.after(() => delete globalThis.reportError);
  globalThis.reportError = (error) => reported.push(error);
  await registry.appendEvent("p", progress(1));
  assert.deepEqual(reported, []);
  assert.equal((await registry.getProcess("child")).status.state, "completed");
});

test("may close the registry: the append that called it still ends", async (t) => {
  const registry = await withSink(t, (_, registry) => registry.close());
  assert.equal((await registry.appendEvent("p", progress(1))).event.sequence, 1);
  await assert.rejects(registry.appendEvent("p", progress(2)), { code: "closed" });
});

test("listeners of changes may do all of that, too, and those that throw are reported", async (t) => {
  const reported = [];
  t.after(() => delete globalThis.reportError);
  globalThis.reportError = (error) => reported.push(error);
  const registry = await open(t);
  const reads = [];
  const off = registry.onChange((id) => {
    reads.push(registry.getProcess(id));
    off();
    registry.hub.notify(id);
    registry.onChange(() => {})();
    throw new Error("listener");
  });
  await registry.registerProcess(external("p", { eventTypes }));
  await settled();
  assert.equal((await reads[0]).id, "p");
  assert.equal(reads.length, 1);
  assert.deepEqual(
    reported.map(({ message }) => message),
    ["listener"],
  );
});

test("a listener that makes changes itself stacks nothing up", async (t) => {
  const registry = await open(t);
  let calls = 0;
  const off = registry.onChange((id) => (++calls < 50_000 ? registry.hub.notify(id) : off()));
  await registry.registerProcess(external("p", { eventTypes }));
  await settled();
  assert.equal(calls, 50_000);
});

test("changes made together are one hint, and none comes after the listener was taken off", async (t) => {
  const registry = await open(t);
  const heard = [];
  const off = registry.onChange((id) => heard.push(id));
  for (const id of ["a", "b", "a", "a"]) registry.hub.notify(id);
  await settled();
  assert.deepEqual(heard, ["a", "b"]);
  registry.hub.notify("a");
  off();
  await settled();
  assert.deepEqual(heard, ["a", "b"]);
});
