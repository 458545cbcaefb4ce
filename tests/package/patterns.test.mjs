/**
 * The runners of the guide's patterns, as the page has them, where things do not go as the page shows: after a hand-over
 * half-way, cancelled before they begin, and with signals that are there already.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { transform } from "esbuild";
import { isProcessError } from "longwait";
import { blocks } from "../samples/programs.mjs";
import { open, success } from "./registry.mjs";

const patterns = blocks("docs/patterns.md").filter(({ language, code }) => language === "ts" && code.includes("runners:"));

/** The runners of all patterns over one registry, as the page writes them. */
async function runnersOver(registry) {
  const runners = {};
  const start = (id, kind, payload = null) => registry.registerProcess({ id, input: { type: "engine", kind, payload } });
  for (const { code } of patterns) {
    // The page's own driver is not made: its runners are taken, and what it does with them is left out.
    const taken = new Error("taken");
    const driver = (options) => {
      Object.assign(runners, options.runners);
      throw taken;
    };
    const page = { ...registry, driver };
    const { code: plain } = await transform(code, { loader: "ts" });
    const run = new (async () => {}).constructor("registry", "start", "result", "isProcessError", plain);
    await assert.rejects(run(page, start, undefined, isProcessError), (error) => error === taken);
  }
  return runners;
}

/**
 * Two drivers over one registry, of which only one drives at a time, the first so many processes at once: `handOver(after)` stops the first once the log of a process has
 * an event, and starts the other.
 */
async function place(t, concurrency = 1) {
  const registry = await open(t);
  const runners = await runnersOver(registry);
  const runs = [];
  const counted = Object.fromEntries(
    Object.entries(runners).map(([kind, runner]) => [
      kind,
      (context) => (runs.push(`${context.process.id} ${context.attempt}`), runner(context)),
    ]),
  );
  const [first, next] = [registry.driver({ runners: counted, concurrency }), registry.driver({ runners: counted })];
  return {
    registry,
    runs,
    start: (id, kind, payload = null, more) => registry.registerProcess({ id, input: { type: "engine", kind, payload }, ...more }),
    drive: () => first.start(),
    async handOver() {
      await first.stop();
      next.start();
    },
    result: (id) => registry.awaitTerminal(id),
    log: async (id, ...types) =>
      (await registry.eventsAfter(id, 0, types.length ? { types } : {})).map(({ eventType, payload }) => [eventType, payload]),
  };
}

/** Cancelled before it begins, a process of that kind ends without a run. */
async function cancelledBeforeTheBegin(t, kind, payload) {
  const { registry, runs, start, drive, result } = await place(t);
  await start("p", kind, payload);
  await registry.requestCancel("p", "not needed");
  drive();
  assert.deepEqual(await result("p"), { type: "cancelled", message: "not needed" });
  assert.deepEqual(runs, []);
}

test("every pattern of the page is among these tests", async (t) => {
  const runners = Object.keys(await runnersOver(await open(t)));
  assert.deepEqual(runners, ["album", "photo", "fastest", "hare", "tortoise", "gate", "approval", "order", "upload", "booking"]);
});

describe("fan out, and join", () => {
  test("is handed over while some children have ended", async (t) => {
    const { registry, runs, start, drive, handOver, result } = await place(t);
    await start("album", "album", ["sea", "hill", "town"]);
    await start("album/sea", "photo", "sea");
    drive();
    await registry.awaitTerminal("album/sea");
    await handOver();
    assert.deepEqual(await result("album"), success(["sea, smaller", "hill, smaller", "town, smaller"]));
    assert.equal(runs.filter((run) => run.startsWith("album/sea")).length, 1);
  });

  test("is cancelled before it begins", (t) => cancelledBeforeTheBegin(t, "album", ["sea"]));

  test("has a child that is cancelled before it begins", async (t) => {
    const { registry, start, drive, result } = await place(t);
    await start("album/hill", "photo", "hill");
    await registry.requestCancel("album/hill");
    await start("album", "album", ["sea", "hill"]);
    drive();
    assert.deepEqual(await result("album"), success(["sea, smaller", null]));
  });
});

describe("wait for any, and abort the other waits", () => {
  test("is handed over when the first has ended: the winner stays the winner, though the others have ended since", async (t) => {
    // The oldest begins first, and the tortoise keeps its place.
    const { registry, start, drive, handOver, result } = await place(t, 2);
    await start("t", "tortoise");
    await start("h", "hare");
    await start("race", "fastest", ["t", "h"]);
    drive();
    await registry.awaitEvent("race", "process.step");
    await registry.requestCancel("t", "another one was faster");
    await handOver();
    assert.deepEqual(await result("race"), success("hare"));
    assert.equal((await result("t")).type, "cancelled");
  });

  test("finds all of them ended", async (t) => {
    const { registry, start, drive, result } = await place(t);
    for (const id of ["t", "h"]) {
      await start(id, id === "t" ? "tortoise" : "hare");
      await registry.completeProcess(id, success(id));
    }
    await start("race", "fastest", ["t", "h"]);
    drive();
    assert.deepEqual(await result("race"), success("t"));
  });

  test("is cancelled before it begins, as is one that it waits for", async (t) => {
    await cancelledBeforeTheBegin(t, "fastest", ["t"]);
    await cancelledBeforeTheBegin(t, "tortoise");
  });
});

describe("wait for one of several signals", () => {
  test("takes those that are there already, in the order of the log, also after a hand-over half-way", async (t) => {
    const { registry, start, drive, handOver, result } = await place(t);
    await start("gate", "gate");
    await registry.signal("gate", "close");
    drive();
    await registry.awaitEvent("gate", "process.waiting");
    await handOver();
    await registry.signal("gate", "close");
    assert.deepEqual(await result("gate"), success(["signal.close", "signal.close"]));
    await start("there", "gate");
    for (const name of ["open", "open", "close"]) await registry.signal("there", name);
    assert.deepEqual(await result("there"), success(["signal.open", "signal.open"]));
  });

  test("is cancelled before it begins", (t) => cancelledBeforeTheBegin(t, "gate"));
});

describe("a deadline for an answer", () => {
  test("finds an answer that came in time, however late the run looks", async (t) => {
    const { registry, start, drive, result } = await place(t);
    await start("p", "approval", { withinMs: 3_600_000 });
    await registry.signal("p", "answer", "granted");
    drive();
    assert.deepEqual(await result("p"), success("granted"));
  });

  test("is handed over while it waits, and the answer comes where nothing runs", async (t) => {
    const { registry, start, drive, handOver, result } = await place(t);
    await start("p", "approval", { withinMs: 3_600_000 });
    drive();
    await registry.awaitEvent("p", "process.waiting");
    await handOver();
    await registry.signal("p", "answer", "granted");
    assert.deepEqual(await result("p"), success("granted"));
  });

  test("that has passed is recorded, so that it has passed in every run", async (t) => {
    const { start, drive, result, log } = await place(t);
    await start("p", "approval", { withinMs: 0 });
    drive();
    assert.deepEqual(await result("p"), success("no answer in time"));
    assert.deepEqual(
      (await log("p", "process.resumed")).map(([, { timedOut }]) => timedOut),
      [true],
    );
  });

  test("is cancelled before it begins", (t) => cancelledBeforeTheBegin(t, "approval", { withinMs: 1 }));
});

describe("ask a person", () => {
  const reviews = [{ approved: false, note: "one" }, { approved: false, note: "two" }, { approved: true }];

  test("takes answers that are there already", async (t) => {
    const { registry, start, drive, result, log } = await place(t);
    await start("p", "order");
    for (const review of reviews) await registry.signal("p", "review", review);
    drive();
    assert.deepEqual(await result("p"), success("sent"));
    assert.deepEqual(
      (await log("p", "signal.rework")).map(([, note]) => note),
      ["one", "two"],
    );
  });

  test("is handed over between two answers, and asks for nothing again", async (t) => {
    const { registry, start, drive, handOver, result, log } = await place(t);
    await start("p", "order");
    drive();
    await registry.signal("p", "review", reviews[0]);
    await registry.awaitEvent("p", "signal.rework");
    await handOver();
    for (const review of reviews.slice(1)) await registry.signal("p", "review", review);
    assert.deepEqual(await result("p"), success("sent"));
    assert.deepEqual(
      (await log("p", "signal.rework")).map(([, note]) => note),
      ["one", "two"],
    );
  });

  test("is cancelled before it begins", (t) => cancelledBeforeTheBegin(t, "order"));
});

describe("progress that a page shows", () => {
  test("is that of the last part, also where the work is handed over half-way", async (t) => {
    const { registry, start, drive, handOver, result } = await place(t);
    await start("p", "upload", ["a", "b", "c"]);
    drive();
    await registry.awaitEvent("p", "process.step");
    await handOver();
    assert.deepEqual(await result("p"), success(null));
    const { current, total, message } = (await registry.getProcess("p")).progress;
    assert.deepEqual([current, total, message], [3, 3, "part c"]);
  });

  test("is cancelled before it begins", (t) => cancelledBeforeTheBegin(t, "upload", ["a"]));
});

describe("clean up when cancelled", () => {
  test("is handed over, and cancelled where nothing runs it: the later run cleans up", async (t) => {
    const { registry, runs, start, drive, handOver, result, log } = await place(t);
    await start("p", "booking");
    drive();
    await registry.awaitEvent("p", "process.step");
    await registry.requestCancel("p", "changed my mind");
    await handOver();
    assert.deepEqual(await result("p"), { type: "cancelled", message: "changed my mind" });
    assert.deepEqual(
      (await log("p", "process.step")).map(([, { key }]) => key),
      ["book", "release"],
    );
    assert.ok(runs.length <= 2);
  });

  test("and cancelled before it begins has nothing to clean up", (t) => cancelledBeforeTheBegin(t, "booking"));
});
