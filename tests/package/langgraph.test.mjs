/** `longwait/langgraph`: LangGraph's validation suite, graphs that are continued, and what is stored and read for it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import "fake-indexeddb/auto";
import { DeltaSnapshot, emptyCheckpoint, INTERRUPT, uuid6 } from "@langchain/langgraph-checkpoint";
import { Annotation, Command, END, interrupt, START, StateGraph } from "@langchain/langgraph";
import { openRegistry } from "longwait";
import { LongwaitSaver } from "longwait/langgraph";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { helped, open, refusal } from "./registry.mjs";

const METADATA = { source: "loop", step: 0, parents: {} };
const configOf = (thread_id, checkpoint_id, checkpoint_ns = "") => ({ configurable: { thread_id, checkpoint_ns, checkpoint_id } });
const checkpointOf = (id, values = {}, versions = {}) => ({ ...emptyCheckpoint(), id, channel_values: values, channel_versions: versions });
const ids = async (listed) => (await all(listed)).map(({ checkpoint }) => checkpoint.id);

async function all(listed) {
  const found = [];
  for await (const one of listed) found.push(one);
  return found;
}

/** Checkpoints in a row, each with the whole of what came before, as a chat has it. Gives the config of the last. */
async function chain(saver, thread, count, { from = 0, value = (n) => `message ${n}` } = {}) {
  let config = configOf(thread, from === 0 ? undefined : `id-${String(from - 1).padStart(5, "0")}`);
  for (let n = from; n < from + count; n++) {
    const checkpoint = checkpointOf(
      `id-${String(n).padStart(5, "0")}`,
      { text: value(n), set: "x".repeat(1_000) },
      { text: n + 1, set: 1 },
    );
    config = await saver.put(config, checkpoint, { ...METADATA, step: n }, n === 0 ? { text: 1, set: 1 } : { text: n + 1 });
    await saver.putWrites(config, [["text", `write ${n}`]], `task-${n}`, "path");
  }
  return config;
}

/** A registry that counts the calls that a saver makes, and the events that they give. */
function counting(registry) {
  const counts = { calls: 0, events: 0 };
  const counted =
    (name) =>
    async (...given) => {
      counts.calls++;
      const answer = await registry[name](...given);
      if (name !== "appendEvents") counts.events += answer.length ?? 0;
      return answer;
    };
  const names = ["appendEvents", "eventsAfter", "recentEvents", "registerProcess"];
  return { registry: Object.fromEntries(names.map((name) => [name, counted(name)])), counts };
}

test("LangGraph's validation suite passes on memory and on IndexedDB", (t) => {
  const run = [inRepo("node_modules/vitest/vitest.mjs"), "run", "--globals", "--root", inRepo("tests/langgraph/validation")];
  const { status, stdout, stderr } = spawnSync(process.execPath, run, { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /Tests +1452 passed \(1452\)/);
  t.diagnostic("726 tests of LangGraph's validation suite passed on memory, and 726 on IndexedDB");
});

const State = Annotation.Root({
  plan: Annotation(),
  approved: Annotation(),
  runs: Annotation({ reducer: (a, b) => a.concat(b), default: () => [] }),
});

/** A graph that asks in its second node. `called` are the nodes that were run. */
function asking(checkpointer, called) {
  return new StateGraph(State)
    .addNode("draft", () => (called.push("draft"), { plan: "a plan", runs: ["draft"] }))
    .addNode("ask", () => (called.push("ask"), { approved: interrupt("go?"), runs: ["ask"] }))
    .addNode("act", () => (called.push("act"), { runs: ["act"] }))
    .addEdge(START, "draft")
    .addEdge("draft", "ask")
    .addEdge("ask", "act")
    .addEdge("act", END)
    .compile({ checkpointer });
}

test("a graph that asks is resumed after its registry was closed and opened again", async () => {
  const config = { configurable: { thread_id: "t" } };
  const called = [];
  const first = await openRegistry({ name: "asking" });
  const asked = await asking(new LongwaitSaver(first), called).invoke({}, config);
  assert.equal(asked[INTERRUPT][0].value, "go?");
  await first.close();

  const second = await openRegistry({ name: "asking" });
  const graph = asking(new LongwaitSaver(second), called);
  assert.deepEqual((await graph.getState(config)).next, ["ask"]);
  const state = await graph.invoke(new Command({ resume: "yes" }), config);
  assert.deepEqual(state, { plan: "a plan", approved: "yes", runs: ["draft", "ask", "act"] });
  assert.deepEqual(called, ["draft", "ask", "ask", "act"], "what was done before is not done again");
  await second.close();
});

test("a graph is continued from an earlier checkpoint, and both branches are kept", async (t) => {
  const saver = new LongwaitSaver(await open(t));
  const config = { configurable: { thread_id: "t" } };
  const graph = asking(saver, []);
  await graph.invoke({}, config);
  await graph.invoke(new Command({ resume: "yes" }), config);
  const history = await all(graph.getStateHistory(config));
  const before = history.find(({ next }) => next[0] === "ask");
  await graph.invoke(null, before.config);
  const state = await graph.invoke(new Command({ resume: "no" }), config);
  assert.equal(state.approved, "no");
  const later = await all(graph.getStateHistory(config));
  assert.deepEqual(new Set(later.filter(({ next }) => next.length === 0).map(({ values }) => values.approved)), new Set(["yes", "no"]));
});

test("a graph within a graph has a namespace of its own, and both are deleted", async (t) => {
  const registry = await open(t);
  const saver = new LongwaitSaver(registry);
  const config = { configurable: { thread_id: "t" } };
  const inner = asking(undefined, []);
  const graph = new StateGraph(State)
    .addNode("inner", inner)
    .addEdge(START, "inner")
    .addEdge("inner", END)
    .compile({ checkpointer: saver });
  await graph.invoke({}, config);
  const state = await graph.invoke(new Command({ resume: "yes" }), config);
  assert.equal(state.approved, "yes");
  const records = await registry.listProcesses({ labels: { "langgraph.thread": "t" } });
  assert.deepEqual(
    records.map(({ input }) => [input.metadata.threadId, input.metadata.namespace.replace(/:.*/, ":…")]),
    [
      ["t", ""],
      ["t", "inner:…"],
    ],
  );
  await saver.deleteThread("t");
  assert.equal(await registry.countProcesses({ status: "any" }), 0);
  assert.equal(await saver.getTuple(config), undefined);
  await saver.deleteThread("t");
});

test("the newest checkpoint of a thread of 1,000 is read without its history, and a put reads no more than the last steps", async (t) => {
  const { registry, counts } = counting(await open(t));
  const saver = new LongwaitSaver(registry);
  await chain(saver, "t", 1_000);
  const cost = async (work) => {
    Object.assign(counts, { calls: 0, events: 0 });
    await work();
    return { ...counts };
  };
  const stepped = await cost(() => chain(saver, "t", 1, { from: 1_000 }));
  assert.deepEqual([stepped.calls, stepped.events < 100], [3, true], "a read and two appends");
  // As after a reload.
  const fresh = new LongwaitSaver(registry);
  const read = await cost(async () => assert.equal((await fresh.getTuple(configOf("t"))).checkpoint.channel_values.text, "message 1000"));
  assert.ok(read.calls <= 4 && read.events < 100, JSON.stringify(read));
  const listed = await cost(async () => assert.equal((await ids(fresh.list(configOf("t"), { limit: 3 }))).length, 3));
  assert.ok(listed.events < 120, JSON.stringify(listed));
});

test("a checkpoint is found by its id wherever it is, with what was written to it later", async (t) => {
  const saver = new LongwaitSaver(await open(t));
  await chain(saver, "t", 300);
  await saver.putWrites(configOf("t", "id-00007"), [["__resume__", "late"]], "task-late");
  const { checkpoint, metadata, parentConfig, pendingWrites } = await saver.getTuple(configOf("t", "id-00007"));
  assert.deepEqual(checkpoint.channel_values, { text: "message 7", set: "x".repeat(1_000) });
  assert.equal(metadata.step, 7);
  assert.deepEqual(parentConfig, configOf("t", "id-00006"));
  assert.deepEqual(pendingWrites, [
    ["task-late", "__resume__", "late"],
    ["task-7", "text", "write 7"],
  ]);
  assert.equal(await saver.getTuple(configOf("t", "id-99999")), undefined);
});

test("a put is one batch of events, and stores the channels that changed alone", async (t) => {
  const registry = await open(t);
  const saver = new LongwaitSaver(registry);
  const long = (text) => text.repeat(1_000);
  const first = await saver.put(configOf("t"), checkpointOf("1", { a: long("a"), b: "b" }, { a: 1, b: 1 }), METADATA, { a: 1, b: 1 });
  await saver.put(first, checkpointOf("2", { a: long("a"), b: "c" }, { a: 1, b: 2 }), METADATA, { b: 2 });
  const events = await registry.eventsAfter("langgraph/t", 0);
  assert.deepEqual(
    events.map(({ eventType, payload }) => [eventType, payload.channel ?? payload.values]),
    [
      ["langgraph.value", "a"],
      ["langgraph.checkpoint", { a: { version: 1, at: -1 }, b: { version: 1, value: { type: "json", text: `"b"` } } }],
      ["langgraph.checkpoint", { a: { version: 1, at: 1 }, b: { version: 2, value: { type: "json", text: `"c"` } } }],
    ],
  );
  assert.deepEqual((await saver.getTuple(configOf("t"))).checkpoint.channel_values, { a: long("a"), b: "c" });
});

test("what cannot be stored leaves nothing of its put behind", async (t) => {
  const registry = await open(t);
  const saver = new LongwaitSaver(registry);
  const config = await chain(saver, "t", 1);
  const before = await registry.eventsAfter("langgraph/t", 0);
  const checkpoint = checkpointOf("id-00001", { a: "a".repeat(1_000), b: "b".repeat(34_000_000) }, { a: 1, b: 1 });
  await assert.rejects(saver.put(config, checkpoint, METADATA, { a: 1, b: 1 }), { code: "invalid_argument" });
  assert.deepEqual(await registry.eventsAfter("langgraph/t", 0), before);
});

test("the state may be changed as soon as a put is called", async (t) => {
  const saver = new LongwaitSaver(await open(t));
  const values = { list: [1] };
  const put = saver.put(configOf("t"), checkpointOf("1", values, { list: 1 }), METADATA, { list: 1 });
  values.list.push(2);
  await put;
  assert.deepEqual((await saver.getTuple(configOf("t"))).checkpoint.channel_values, { list: [1] });
});

test("bytes, maps, lone surrogates and what a serializer of the app's own makes come back as they were", async (t) => {
  const registry = await open(t);
  const values = {
    bytes: new Uint8Array([0, 255, 128, 7]),
    text: "\ud800 \0 \ufeff é",
    map: new Map([["a", new Set([1])]]),
    none: undefined,
  };
  const versions = { bytes: 1, text: 1, map: 1, none: 1 };
  await new LongwaitSaver(registry).put(configOf("t"), checkpointOf("1", values, versions), METADATA, versions);
  assert.deepEqual((await new LongwaitSaver(registry).getTuple(configOf("t"))).checkpoint.channel_values, values);

  // As one that encrypts: what it makes is no text.
  const flipped = (bytes) => bytes.map((byte) => byte ^ 0xff);
  const serde = {
    dumpsTyped: async (value) => ["flipped", flipped(new TextEncoder().encode(JSON.stringify(value)))],
    loadsTyped: async (_, bytes) => JSON.parse(new TextDecoder().decode(flipped(bytes))),
  };
  await new LongwaitSaver(registry, serde).put(configOf("s"), checkpointOf("1", { a: ["secret"] }, { a: 1 }), METADATA, { a: 1 });
  assert.doesNotMatch(JSON.stringify(await registry.eventsAfter("langgraph/s", 0)), /secret/);
  assert.deepEqual((await new LongwaitSaver(registry, serde).getTuple(configOf("s"))).checkpoint.channel_values, { a: ["secret"] });
});

test("writes that are stored before their checkpoint belong to it, however much comes between", async (t) => {
  const saver = new LongwaitSaver(await open(t));
  const config = configOf("t", "id-00100");
  await saver.putWrites(config, [["text", "early"]], "task");
  await chain(saver, "t", 100);
  await saver.put(configOf("t", "id-00099"), checkpointOf("id-00100"), METADATA, {});
  assert.deepEqual((await saver.getTuple(configOf("t"))).pendingWrites, [["task", "text", "early"]]);
  // A second later, where the writes are still on their way.
  const both = [
    saver.putWrites(configOf("t", "id-00101"), [["text", "at once"]], "task"),
    saver.put(config, checkpointOf("id-00101"), METADATA, {}),
  ];
  await Promise.all(both);
  assert.deepEqual((await saver.getTuple(configOf("t"))).pendingWrites, [["task", "text", "at once"]]);
});

test("of what a task writes twice the first counts, and of interrupts the last; writes are in the order of their tasks' paths", async (t) => {
  const saver = new LongwaitSaver(await open(t));
  const config = await saver.put(configOf("t"), checkpointOf("1"), METADATA, {});
  await saver.putWrites(
    config,
    [
      ["a", "first"],
      [INTERRUPT, "first"],
    ],
    "task-b",
    "~1",
  );
  await saver.putWrites(
    config,
    [
      ["a", "second"],
      [INTERRUPT, "second"],
    ],
    "task-b",
    "~1",
  );
  await saver.putWrites(config, [["a", "other"]], "task-a", "~2");
  await saver.putWrites(config, [["a", "input"]], "task-c");
  assert.deepEqual((await saver.getTuple(config)).pendingWrites, [
    ["task-c", "a", "input"],
    ["task-b", INTERRUPT, "second"],
    ["task-b", "a", "first"],
    ["task-a", "a", "other"],
  ]);
});

test("the newest checkpoint is that with the highest id, in whatever order they were put", async (t) => {
  const source = new LongwaitSaver(await open(t));
  await chain(source, "t", 200);
  // As one who moves a thread from another saver does: by its list.
  const saver = new LongwaitSaver(await open(t));
  for await (const { config, checkpoint, metadata, parentConfig } of source.list(configOf("t"))) {
    const { checkpoint_id } = parentConfig?.configurable ?? {};
    await saver.put({ configurable: { ...config.configurable, checkpoint_id } }, checkpoint, metadata, checkpoint.channel_versions);
  }
  const sorted = await ids(source.list(configOf("t")));
  assert.equal(sorted.length, 200);
  assert.deepEqual(await ids(saver.list(configOf("t"))), sorted);
  assert.deepEqual(await ids(saver.list(configOf("t"), { limit: 2, before: configOf("t", sorted[5]) })), sorted.slice(6, 8));
  const newest = await saver.getTuple(configOf("t"));
  assert.equal(newest.checkpoint.id, sorted[0]);
  await chain(saver, "t", 1, { from: 200 });
  assert.equal((await saver.getTuple(configOf("t"))).checkpoint.id, "id-00200");
});

test("a copy that is put beside its original has the values of the original, with a parent or without", async (t) => {
  const saver = new LongwaitSaver(await open(t));
  const [one, two] = ["1".repeat(500), "2".repeat(500)];
  const root = await saver.put(configOf("t"), checkpointOf("1", { a: one }, { a: 1 }), METADATA, { a: 1 });
  await saver.put(root, checkpointOf("2", { a: two }, { a: 2 }), METADATA, { a: 2 });
  await saver.put(root, checkpointOf("3", { a: two }, { a: 2 }), METADATA, {});
  await saver.put(configOf("t"), checkpointOf("4", { a: one }, { a: 1 }), METADATA, {});
  const values = (await all(saver.list(configOf("t")))).map(({ checkpoint }) => checkpoint.channel_values.a);
  assert.deepEqual(values, [one, two, two, one]);
});

test("two tabs put into one thread, and each sees what the other put", async (t) => {
  const [first, second] = await Promise.all([openRegistry({ name: "two" }), openRegistry({ name: "two" })]);
  t.after(() => Promise.all([first.close(), second.close()]));
  const [one, other] = [new LongwaitSaver(first), new LongwaitSaver(second)];
  await chain(one, "t", 2);
  await Promise.all([
    one.put(configOf("t", "id-00001"), checkpointOf("id-1a"), METADATA, {}),
    other.put(configOf("t", "id-00001"), checkpointOf("id-1b"), METADATA, {}),
  ]);
  assert.deepEqual(await ids(one.list(configOf("t"))), ["id-1b", "id-1a", "id-00001", "id-00000"]);
  assert.equal((await one.getTuple(configOf("t"))).checkpoint.id, "id-1b");

  await other.deleteThread("t");
  assert.equal(await one.getTuple(configOf("t")), undefined);
  // A run of the first tab goes on: its parent is gone, so all that it has is stored.
  await one.put(configOf("t", "id-1b"), checkpointOf("id-2", { a: "kept" }, { a: 5 }), METADATA, {});
  assert.deepEqual((await other.getTuple(configOf("t"))).checkpoint.channel_values, { a: "kept" });
});

test("a delta channel is rebuilt in one pass over the log, in which no other channel is read", async (t) => {
  const { registry, counts } = counting(await open(t));
  const saver = new LongwaitSaver(registry);
  const other = "x".repeat(1_000);
  let config = await saver.put(
    configOf("t"),
    checkpointOf("id-0000", { log: new DeltaSnapshot([0]), other }, { log: 1, other: 1 }),
    METADATA,
    {
      log: 1,
      other: 1,
    },
  );
  for (let n = 1; n <= 200; n++) {
    await saver.putWrites(
      config,
      [
        ["log", [n]],
        ["other", other],
      ],
      `task-${n}`,
    );
    config = await saver.put(config, checkpointOf(`id-${String(n).padStart(4, "0")}`, { other }, { log: n + 1, other: 1 }), METADATA, {
      log: n + 1,
    });
  }
  Object.assign(counts, { events: 0 });
  const { log } = await saver.getDeltaChannelHistory({ config, channels: ["log"] });
  assert.deepEqual(log.seed.value, [0]);
  assert.deepEqual(
    log.writes.map(([, , [n]]) => n),
    Array.from({ length: 200 }, (_, n) => n + 1),
  );
  assert.ok(counts.events < 1_000, `${counts.events} events are read`);
});

test("threads and namespaces whose names are alike are different ones", async (t) => {
  const saver = new LongwaitSaver(await open(t));
  const places = [
    ["a", "b"],
    ["a/b", ""],
    ["a%2Fb", ""],
    ["a", "b/c"],
    ["a/b", "c"],
    ["é", ""],
  ];
  for (const [thread, namespace] of places) {
    const config = { configurable: { thread_id: thread, checkpoint_ns: namespace } };
    await saver.put(config, checkpointOf(`${thread} ${namespace}`), METADATA, {});
  }
  for (const [thread, namespace] of places)
    assert.deepEqual(await ids(saver.list(configOf(thread, undefined, namespace))), [`${thread} ${namespace}`]);
  assert.equal((await ids(saver.list({ configurable: {} }))).length, places.length);
  await saver.deleteThread("a");
  assert.equal((await ids(saver.list({}))).length, places.length - 2);
});

test("a config that lacks something is refused with its path, before anything is written", async (t) => {
  const registry = await open(t);
  const saver = new LongwaitSaver(registry);
  const put = (configurable) => saver.put({ configurable }, checkpointOf("1"), METADATA, {});
  const said = (name, what = "must be a text that is not empty") => ({ message: helped(`config.configurable.${name}: ${what}`) });
  await assert.rejects(put({}), said("thread_id"));
  await assert.rejects(put({ thread_id: 7 }), said("thread_id"));
  await assert.rejects(put({ thread_id: "" }), said("thread_id"));
  await assert.rejects(put({ thread_id: "\ud800" }), said("thread_id", "has a lone surrogate"));
  await assert.rejects(put({ thread_id: "t", checkpoint_ns: 7 }), said("checkpoint_ns", "must be a text"));
  await assert.rejects(saver.putWrites({ configurable: { thread_id: "t" } }, [], "task"), said("checkpoint_id"));
  await assert.rejects(saver.deleteThread(""), said("thread_id"));
  await assert.rejects(ids(saver.list({ configurable: { thread_id: 7 } })), said("thread_id"));
  assert.equal(await registry.countProcesses({ status: "any" }), 0);
});

test("a value that is not where a checkpoint says is a fault of the storage", async (t) => {
  const registry = await open(t);
  const saver = new LongwaitSaver(registry);
  const config = await chain(saver, "t", 1);
  const payload = { id: "id-9", since: 0, checkpoint: { type: "json", text: "{}" }, metadata: { type: "json", text: "{}" } };
  await registry.appendEvent("langgraph/t", {
    eventType: "langgraph.checkpoint",
    payload: { ...payload, values: { other: { version: 1, at: 1 } } },
  });
  await assert.rejects(saver.getTuple(configOf("t")), refusal("storage_failed", "langgraph/t"));
  assert.ok(await saver.getTuple(config));
});

test("a driver leaves threads alone, and a closed registry is said to be closed", async (t) => {
  const registry = await open(t);
  const saver = new LongwaitSaver(registry);
  await chain(saver, "t", 1);
  const driver = registry.driver({ runners: { "langgraph.thread": () => assert.fail("is run") } });
  assert.deepEqual((await driver.claimAndRunPending()).started, []);
  await registry.close();
  await assert.rejects(saver.getTuple(configOf("t")), { code: "closed" });
  await assert.rejects(saver.put(configOf("t"), checkpointOf(uuid6(0)), METADATA, {}), { code: "closed" });
});
