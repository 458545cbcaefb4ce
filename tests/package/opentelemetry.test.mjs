/** Traces by OpenTelemetry: which spans there are, what they belong to, and which there are not. By the SDK's exporter in memory. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import "fake-indexeddb/auto";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { defineProcess, waitAll } from "longwait";
import { contextOf, traced } from "longwait/opentelemetry";
import { open, openRegistry, quietConsole, settled, success } from "./registry.mjs";

/** A provider of the test's own, and its spans so far, as `name` or by what is asked of them. */
function tracing(options = {}) {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ ...options, spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer("test");
  const spans = () => exporter.getFinishedSpans();
  const named = (name) => spans().filter((span) => span.name === name);
  const one = (name) => {
    assert.equal(named(name).length, 1, `${name}: ${spans().map(({ name }) => name)}`);
    return named(name)[0];
  };
  return { tracer, spans, named, one, names: () => spans().map(({ name }) => name) };
}

/** Whether a span belongs directly below another one. */
function isBelow(span, parent) {
  assert.equal(span.spanContext().traceId, parent.spanContext().traceId);
  assert.equal(span.parentSpanContext?.spanId, parent.spanContext().spanId);
}

const job = (id, more) => ({ id, input: { type: "engine", kind: "job" }, ...more });

/** Runs what can be run in a registry, until it has ended or waits. */
async function drive(registry, job) {
  const driver = registry.driver({ runners: { job } });
  await driver.claimAndRunPending();
  return driver;
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** Runs `work` with asynchronous contexts, as an app in Node has them. */
async function withContexts(work) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  try {
    await work();
  } finally {
    context.disable();
  }
}

describe("a process", () => {
  test("has a span of its registering, of its run below that, and of each step below the run", async (t) => {
    const registry = await open(t);
    const { tracer, one, spans } = tracing();
    const driven = traced(registry, { tracer });
    await driven.registerProcess(job("p", { version: 3 }));
    await drive(driven, async ({ step }) => step("work", () => 1));
    await registry.awaitTerminal("p");
    const [registering, run, step] = [one("register job"), one("run job"), one("step work")];
    isBelow(run, registering);
    isBelow(step, run);
    assert.equal(spans().length, 3);
    assert.deepEqual([registering.kind, run.kind, step.kind], [SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.INTERNAL]);
    assert.deepEqual(run.attributes, {
      "longwait.registry.name": registry.name,
      "longwait.owner.id": registry.owner.ownerId,
      "longwait.owner.incarnation_id": registry.owner.incarnationId,
      "longwait.process.id": "p",
      "longwait.process.kind": "job",
      "longwait.process.version": 3,
      "longwait.run.attempt": 1,
      "longwait.run.fencing_token": 1,
      "longwait.outcome": "completed",
    });
    assert.deepEqual(step.attributes, {
      "longwait.process.id": "p",
      "longwait.process.kind": "job",
      "longwait.step.key": "work",
      "longwait.step.attempt": 1,
      "longwait.outcome": "completed",
    });
    assert.equal(registering.attributes["longwait.process.disposition"], "created");
    assert.equal(run.parentSpanContext.isRemote, true);
  });

  test("belongs to the trace that is active where it is registered, or to the one that it is given", async (t) => {
    const registry = await open(t);
    const { tracer, one, named } = tracing();
    const driven = traced(registry, { tracer });
    const request = tracer.startSpan("request");
    await withContexts(() => context.with(trace.setSpan(context.active(), request), () => driven.registerProcess(job("p"))));
    isBelow(one("register job"), request);
    await driven.registerProcess(job("q", { traceContext: { traceparent, tracestate: "a=1" } }));
    assert.deepEqual((await registry.getProcess("q")).traceContext, { traceparent, tracestate: "a=1" });
    const driver = await drive(driven, () => {});
    await driver.idle();
    const [, given] = named("run job");
    assert.equal(given.spanContext().traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert.equal(given.spanContext().traceState.serialize(), "a=1");
  });

  test("of a definition has them, too, and one call that starts and awaits it is one span", async (t) => {
    const registry = await open(t);
    const { tracer, one, named, names } = tracing();
    const driven = traced(registry, { tracer });
    const upload = defineProcess({ kind: "upload" });
    const driver = driven.driver({ processes: [upload.implement(({ input }) => input)] });
    assert.equal(driver.registry, driven);
    const handle = await driven.start(upload, 7, { id: "u", labels: { a: "b" } });
    await driver.claimAndRunPending();
    assert.equal(await handle.result(), 7);
    isBelow(one("run upload"), one("register upload"));
    assert.equal(one("wait terminal").attributes["longwait.wait.process_id"], "u");
    driver.start();
    assert.equal(await driven.execute(upload, 8, { id: "v" }), 8);
    await driver.stop();
    isBelow(named("run upload")[1], one("execute upload"));
    assert.deepEqual(
      names().filter((name) => name.startsWith("register")),
      ["register upload"],
    );
    assert.deepEqual(await waitAll([driven.handle(upload, "u"), handle]), [7, 7]);
    assert.equal(named("wait terminal").length, 3);
  });

  test("that is there already is not registered in another trace", async (t) => {
    const registry = await open(t);
    const { tracer, named } = tracing();
    const driven = traced(registry, { tracer });
    const { traceContext } = await driven.registerProcess(job("p"));
    assert.deepEqual((await driven.registerProcess(job("p"))).traceContext, traceContext);
    const [first, second] = named("register job");
    assert.deepEqual(
      [first, second].map(({ attributes }) => attributes["longwait.process.disposition"]),
      ["created", "existing"],
    );
    await driven.registerProcesses([job("q"), job("r")]);
    const [batch] = named("register");
    for (const id of ["q", "r"]) assert.ok((await registry.getProcess(id)).traceContext.traceparent.includes(batch.spanContext().spanId));
  });

  test("keeps its trace through a reload", async () => {
    const before = tracing();
    const first = traced(await openRegistry({ name: "otel-reload" }), before);
    await first.registerProcess(job("p"));
    await first.close();
    const after = tracing();
    const second = traced(await openRegistry({ name: "otel-reload" }), after);
    const driver = await drive(second, () => {});
    await driver.idle();
    isBelow(after.one("run job"), before.one("register job"));
    await second.close();
  });

  test("that was registered without tracing has runs in traces of their own", async (t) => {
    const registry = await open(t);
    const { tracer, one } = tracing();
    await registry.registerProcess(job("p"));
    await withContexts(() =>
      context.with(trace.setSpan(context.active(), tracer.startSpan("page")), async () => {
        const driver = await drive(traced(registry, { tracer }), () => {});
        await driver.idle();
      }),
    );
    assert.equal(one("run job").parentSpanContext, undefined);
  });

  test("that is not sampled is not sampled in its runs either, and says so in its record", async (t) => {
    const registry = await open(t);
    const off = tracing({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) });
    await traced(registry, off).registerProcess(job("p"));
    assert.match((await registry.getProcess("p")).traceContext.traceparent, /-00$/);
    const on = tracing();
    const driver = await drive(traced(registry, on), ({ step }) => step("s", () => 1));
    await driver.idle();
    assert.deepEqual([...off.spans(), ...on.spans()], []);
  });

  test("is as it was where no SDK is installed", async (t) => {
    const registry = await open(t);
    const driven = traced(registry);
    const driver = driven.driver({ runners: { job: ({ step }) => step("s", () => 1) } });
    await driven.registerProcess(job("p"));
    await driver.claimAndRunPending();
    assert.deepEqual(await driven.awaitTerminal("p"), success(1));
    const record = await registry.getProcess("p");
    assert.deepEqual([record.traceContext, record.runTraceContext], [undefined, undefined]);
  });
});

describe("a later run", () => {
  /** A run that is handed over after its work; then one that finishes. */
  async function handedOver(t, runner) {
    const registry = await open(t);
    const spans = tracing();
    const driven = traced(registry, spans);
    await driven.registerProcess(job("p"));
    const driver = await drive(driven, runner);
    await settled();
    await driver.stop();
    return { registry, driven, ...spans };
  }

  test("is linked to the run before, and belongs to the registering like that", async (t) => {
    const runner = async ({ attempt, step, waitForSignal }) => {
      await step("work", () => 1);
      if (attempt === 1) await waitForSignal("never");
    };
    const { driven, named, one } = await handedOver(t, runner);
    const [first] = named("run job");
    assert.equal(first.attributes["longwait.outcome"], "lease_lost");
    assert.equal(first.status.code, SpanStatusCode.UNSET);
    const driver = await drive(driven, runner);
    await driver.idle();
    const [, second] = named("run job");
    for (const run of [first, second]) isBelow(run, one("register job"));
    assert.deepEqual(first.links, []);
    assert.equal(second.links.length, 1);
    assert.equal(second.links[0].context.spanId, first.spanContext().spanId);
    assert.equal(second.links[0].context.traceId, first.spanContext().traceId);
    assert.deepEqual(second.links[0].attributes, { "longwait.link": "run_before" });
    assert.equal(second.attributes["longwait.run.attempt"], 2);
  });

  test("makes no second span of a step, a timer, a signal or a child that it repeats", async (t) => {
    const runner = async ({ attempt, step, sleep, waitForSignal, startChild }) => {
      await step("work", () => 1);
      await sleep("nap", 0);
      const { payload } = await waitForSignal(["go", "stop"], { timeoutMs: 60_000 });
      const child = await startChild({ input: { type: "engine", kind: "job" } }, { key: "child" });
      await child.result();
      await waitForSignal("late", { timeoutMs: 0 }).catch(() => {});
      if (attempt === 1) await waitForSignal("never");
      return step("more", () => payload);
    };
    const either = (context) => (context.process.parentId === undefined ? runner(context) : "child");
    const registry = await open(t);
    const { tracer, names, one, named } = tracing();
    const driven = traced(registry, { tracer });
    await driven.registerProcess(job("p"));
    await registry.signal("p", "go", 7);
    const driver = driven.driver({ runners: { job: either } });
    driver.start();
    while ((await registry.getProcess("p/child"))?.status.state !== "completed") await settled();
    while ((await registry.getProcess("p")).wait?.name !== "never") await settled();
    await driver.stop();
    await settled();
    const once = ["step work", "wait timer", "wait terminal"];
    for (const name of once) one(name);
    const before = names();
    const next = await drive(driven, either);
    await next.idle();
    assert.deepEqual(await registry.awaitTerminal("p"), success(7));
    for (const name of once) one(name);
    assert.deepEqual(names().slice(before.length), ["step more", "run job"]);
    const signals = named("wait signal").map(({ attributes }) => [attributes["longwait.wait.signals"], attributes["longwait.outcome"]]);
    assert.deepEqual(signals, [
      [["go", "stop"], "completed"],
      [["late"], "timeout"],
      [["never"], "lease_lost"],
    ]);
    const [child] = named("register job").filter(({ attributes }) => attributes["longwait.process.parent_id"] === "p");
    isBelow(
      child,
      named("run job").find(({ attributes }) => attributes["longwait.process.id"] === "p"),
    );
    const ofChild = named("run job").find(({ attributes }) => attributes["longwait.process.id"] === "p/child");
    isBelow(
      ofChild,
      named("run job").find(({ attributes }) => attributes["longwait.process.id"] === "p"),
    );
  });

  test("makes a span of a wait that it still has to wait for, and none of one that a race has lost before", async (t) => {
    const runner = async ({ waitForSignal }) => {
      const loses = new AbortController();
      const first = waitForSignal("loser", { signal: loses.signal }).catch(() => {});
      await waitForSignal("winner");
      loses.abort();
      await first;
      await waitForSignal("last");
    };
    const { registry, driven, named } = await (async () => {
      const registry = await open(t);
      const spans = tracing();
      const driven = traced(registry, spans);
      await driven.registerProcess(job("p"));
      await registry.signal("p", "winner");
      const driver = await drive(driven, runner);
      while ((await registry.getProcess("p")).wait?.name !== "last") await settled();
      await driver.stop();
      return { registry, driven, ...spans };
    })();
    await registry.signal("p", "last");
    const driver = await drive(driven, runner);
    await driver.idle();
    await settled();
    const waits = named("wait signal").map(({ attributes }) => [...attributes["longwait.wait.signals"], attributes["longwait.outcome"]]);
    assert.deepEqual(waits.sort(), [
      ["last", "completed"],
      ["last", "lease_lost"],
      ["loser", "aborted"],
      ["winner", "completed"],
    ]);
  });

  test("has the pause between two attempts as a wait, once", async (t) => {
    quietConsole(t);
    const registry = await open(t);
    const { tracer, one, named } = tracing();
    const driven = traced(registry, { tracer });
    const retry = { initialIntervalMs: 0, maxAttempts: 3 };
    await driven.registerProcess(job("p", { retry }));
    const driver = driven.driver({
      runners: {
        job: async ({ attempt, step }) => {
          await step("flaky", ({ attempt }) => (attempt === 1 ? Promise.reject(new Error("flaky")) : 1), { retry });
          if (attempt === 1) throw new Error("first");
        },
      },
    });
    driver.start();
    await registry.awaitTerminal("p");
    await driver.stop();
    await settled();
    assert.deepEqual(
      named("wait retry").map(({ attributes }) => [attributes["longwait.step.key"], attributes["longwait.run.attempt"]]),
      [
        ["flaky", undefined],
        [undefined, 2],
      ],
    );
    const [first, second] = named("run job");
    assert.deepEqual([first.status, second.status.code], [{ code: SpanStatusCode.ERROR, message: "first" }, SpanStatusCode.UNSET]);
    assert.equal(second.links[0].context.spanId, first.spanContext().spanId);
    const [ofStep, ofRun] = named("wait retry");
    isBelow(ofStep, first);
    isBelow(ofRun, one("register job"));
    assert.deepEqual(
      named("step flaky").map(({ attributes, status }) => [attributes["longwait.step.attempt"], status.code]),
      [
        [1, SpanStatusCode.ERROR],
        [2, SpanStatusCode.UNSET],
      ],
    );
  });

  test("of a fork is in the trace of the source, and repeats nothing either", async (t) => {
    const { registry, driven, named, one } = await handedOver(t, async ({ attempt, step, waitForSignal }) => {
      await step("work", () => attempt);
      await waitForSignal("go", { timeoutMs: 0 }).catch(() => {});
      await waitForSignal("never");
    });
    await driven.forkProcess("p", { newId: "q", from: "failed" });
    await registry.deleteProcess("p", { force: true });
    const driver = await drive(driven, async ({ step, waitForSignal }) => {
      await step("work", () => 2);
      await waitForSignal("go", { timeoutMs: 0 }).catch(() => {});
    });
    await driver.idle();
    await settled();
    one("step work");
    const go = named("wait signal").filter(({ attributes }) => attributes["longwait.wait.signals"][0] === "go");
    assert.equal(go.length, 1);
    assert.equal(one("fork").attributes["longwait.process.fork_of"], "p");
    isBelow(named("run job")[1], one("register job"));
  });
});

test("what a run writes takes no transaction more where it is traced", async (t) => {
  const begun = t.mock.method(IDBDatabase.prototype, "transaction");
  const writes = () => begun.mock.calls.filter(({ arguments: [, mode] }) => mode === "readwrite").length;
  const runners = {
    "one step": ({ step }) => step("a", () => 1),
    "three steps": async ({ step }) => {
      for (const key of ["a", "b", "c"]) await step(key, async () => key);
    },
    "a timer": ({ sleep }) => sleep("s", 0),
    "a signal": async ({ waitForSignal }) => (await waitForSignal("go")).payload,
    nothing: () => 1,
  };
  for (const [name, job] of Object.entries(runners)) {
    const counts = [];
    for (const through of [(registry) => registry, (registry) => traced(registry, tracing())]) {
      const registry = through(await openRegistry({ name: `otel-${name}-${counts.length}` }));
      await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
      await registry.signal("p", "go");
      const before = writes();
      const driver = await drive(registry, job);
      await driver.idle();
      counts.push(writes() - before);
      await registry.close();
    }
    assert.equal(counts[1], counts[0], name);
    assert.ok(counts[0] > 1, name);
  }
});

describe("what fails", () => {
  test("is recorded with its error, in the step and in the run", async (t) => {
    quietConsole(t);
    const registry = await open(t);
    const { tracer, one } = tracing();
    const driven = traced(registry, { tracer });
    await driven.registerProcess(job("p"));
    const driver = await drive(driven, ({ step }) =>
      step("breaks", () => {
        throw new TypeError("broken");
      }),
    );
    await driver.idle();
    for (const name of ["step breaks", "run job"]) {
      const { status, events, attributes } = one(name);
      assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: "broken" });
      assert.deepEqual([events[0].name, events[0].attributes["exception.type"]], ["exception", "TypeError"]);
      assert.equal(attributes["longwait.outcome"], "failed");
    }
  });

  test("is no failure where it was cancelled", async (t) => {
    const registry = await open(t);
    const { tracer, one } = tracing();
    const driven = traced(registry, { tracer });
    await driven.registerProcess(job("p"));
    const driver = await drive(driven, ({ waitForSignal }) => waitForSignal("never"));
    await settled();
    await registry.requestCancel("p", "enough");
    await driver.idle();
    await settled();
    assert.equal((await registry.getProcess("p")).status.state, "cancelled");
    assert.deepEqual([one("run job").status.code, one("run job").attributes["longwait.outcome"]], [SpanStatusCode.UNSET, "cancelled"]);
    assert.deepEqual(
      [one("wait signal").status.code, one("wait signal").attributes["longwait.outcome"]],
      [SpanStatusCode.UNSET, "aborted"],
    );
  });

  test("is a failure where a runner throws an abort that nothing asked for", async (t) => {
    quietConsole(t);
    const registry = await open(t);
    const { tracer, one } = tracing();
    const driven = traced(registry, { tracer });
    await driven.registerProcess(job("p"));
    const driver = await drive(driven, () => AbortSignal.abort().throwIfAborted());
    await driver.idle();
    assert.equal(one("run job").status.code, SpanStatusCode.ERROR);
  });

  test("is an attempt of a step that took too long, also where its function never ends", async (t) => {
    quietConsole(t);
    const registry = await open(t);
    const { tracer, one } = tracing();
    const driven = traced(registry, { tracer });
    await driven.registerProcess(job("p"));
    const driver = await drive(driven, ({ step }) => step("slow", () => new Promise(() => {}), { timeoutMs: 1 }));
    await driver.idle();
    assert.equal(one("step slow").status.code, SpanStatusCode.ERROR);
  });

  test("is refused as ever, whatever it is, and shown as failed", async (t) => {
    const registry = await open(t);
    const { tracer, named } = tracing();
    const driven = traced(registry, { tracer });
    for (const wrong of [undefined, null, 7, "p", [], {}, { id: " " }, { id: "p", input: 7 }]) {
      const [own, other] = await Promise.all([driven, registry].map((one) => one.registerProcess(wrong).catch((error) => error)));
      assert.deepEqual([own.code, own.message], [other.code, other.message]);
    }
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    await assert.rejects(driven.registerProcesses(proxy), { code: "invalid_argument" });
    await assert.rejects(driven.registerProcess(proxy), { code: "invalid_argument" });
    assert.throws(() => driven.driver({ processes: proxy }), { code: "invalid_argument" });
    for (const wrong of [
      null,
      7,
      { runners: 7 },
      { runners: { job: 7 } },
      { processes: {} },
      { processes: [null] },
      { processes: [{ kind: "k" }] },
    ])
      assert.throws(() => driven.driver(wrong), { code: "invalid_argument" });
    assert.equal(named("register process").filter(({ status }) => status.code === SpanStatusCode.ERROR).length, 9);
    await assert.rejects(driven.awaitTerminal("unknown"), { code: "unknown_process" });
    await assert.rejects(waitAll([Object.create(null)]), { code: "invalid_argument" });
  });
});

test("a wait of a run that makes no sense is refused as ever", async (t) => {
  const registry = await open(t);
  const driven = traced(registry, tracing());
  await driven.registerProcess(job("p"));
  const odd = [undefined, null, 7, " ", Symbol("s"), {}, Object.create(null), [], [Symbol("s")], () => {}];
  const refused = { code: "invalid_argument" };
  const driver = await drive(driven, async ({ sleep, sleepUntil, step, waitForSignal, awaitTerminal, startChild }) => {
    for (const one of odd) {
      for (const call of [
        () => sleep(one, 1),
        () => sleepUntil(one, 1),
        () => step(one, () => 1),
        () => step("s", one === odd.at(-1) ? 7 : one),
      ])
        await assert.rejects(call, refused);
      for (const call of [() => waitForSignal(one), () => awaitTerminal(one), () => startChild(one), () => startChild(one, one)])
        await assert.rejects(call, refused);
    }
    const throwing = Object.defineProperty({}, "signal", { enumerable: true, get: () => assert.fail("is read") });
    for (const options of [7, "x", { timeoutMs: -1 }, { signal: 1 }, throwing])
      for (const call of [() => waitForSignal("go", options), () => awaitTerminal("q", options)]) await assert.rejects(call, refused);
    return "refused";
  });
  await driver.idle();
  assert.deepEqual(await registry.awaitTerminal("p"), success("refused"));
});

describe("the code of a run", () => {
  test("has its span active while it is on the stack, and behind promises where contexts follow them", async (t) => {
    const registry = await open(t);
    const { tracer, one, named } = tracing();
    const driven = traced(registry, { tracer });
    const active = () => trace.getActiveSpan()?.spanContext().spanId;
    const seen = [];
    const runner = async ({ step }) => {
      seen.push(active());
      await step("work", async () => {
        seen.push(active());
        await null;
        seen.push(active());
      });
    };
    await withContexts(async () => {
      await driven.registerProcess(job("p"));
      await (await drive(driven, runner)).idle();
    });
    const [run, step] = [one("run job"), one("step work")].map((span) => span.spanContext().spanId);
    assert.deepEqual(seen, [run, step, step]);
    assert.equal(named("run job").length, 1);
  });

  test("gives its own spans their parents also where no contexts follow promises", async (t) => {
    const registry = await open(t);
    const { tracer, one } = tracing();
    const driven = traced(registry, { tracer });
    const greet = defineProcess({ kind: "greet" });
    const run = async (runContext) => {
      await null;
      tracer.startSpan("prepare", {}, contextOf(runContext)).end();
      await runContext.step("work", async (step) => {
        await null;
        tracer.startSpan("fetch", {}, contextOf(step)).end();
      });
    };
    await driven.start(greet);
    const driver = driven.driver({ processes: [greet.implement(run)] });
    await driver.claimAndRunPending();
    await driver.idle();
    isBelow(one("prepare"), one("run greet"));
    isBelow(one("fetch"), one("step work"));
    assert.equal(contextOf({ signal: new AbortController().signal }), context.active());
  });
});

test("a traced registry is what it is of, with what that computes when it is read", async (t) => {
  const registry = await open(t);
  const driven = traced(registry);
  assert.deepEqual(Object.keys(driven).sort(), Object.keys(registry).sort());
  assert.equal(driven.durability, registry.durability);
  assert.deepEqual(driven.owner, registry.owner);
  await driven.close();
  await assert.rejects(registry.listProcesses(), { code: "closed" });
});
