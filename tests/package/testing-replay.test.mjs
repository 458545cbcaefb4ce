/** What `world.replay()` says of a runner and a log that was recorded with another version of its code. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { defineProcess } from "longwait";
import { createTestWorld } from "longwait/testing";

const DAY_MS = 86_400_000;
const order = defineProcess({ kind: "order" });

const first = async ({ step, sleep, waitForSignal, input }) => {
  const charge = await step("charge", () => `charged ${input}`);
  await sleep("cool off", DAY_MS);
  const { payload } = await waitForSignal(["yes", "no"]);
  await step("send", () => undefined);
  return [charge, payload];
};

/** What is not to be called in a replay. */
const never = () => assert.fail("the function of a step was called");

let world;
before(async () => void (world = await createTestWorld({ processes: [order.implement(first)] })));
after(() => world.close());

/** The export of an order that was run so far. */
async function recorded({ ended = true, id = crypto.randomUUID(), answer = "yes" } = {}) {
  const tab = await world.tab();
  const handle = await tab.registry.start(order, "tea", { id });
  await world.untilWaiting(id, "yes");
  if (ended) {
    await handle.signal(answer, "please");
    await handle.result();
  }
  const lines = [];
  for await (const line of tab.registry.exportProcesses({ ids: [id] })) lines.push(line);
  await tab.close();
  return { id, text: lines.join(""), lines, tab };
}

/** What is said of a runner and a log, without the id. */
async function said(log, run, options) {
  const { fits, lines, processes } = await world.replay(log, order.implement(run), options);
  assert.equal(fits, lines.length === 0);
  assert.equal(processes.length, 1);
  const { processId, standsAt } = processes[0];
  return { standsAt, lines: lines.map((line) => line.replace(`"${processId}": `, "")) };
}

describe("the log of a process that has ended", () => {
  let log;
  before(async () => void ({ text: log } = await recorded()));

  test("fits the runner that wrote it, and nothing of it is done again", async () => {
    const again = async (context) => first({ ...context, step: (key) => context.step(key, never) });
    assert.deepEqual(await said(log, again), { standsAt: "returned", lines: [] });
  });

  test("does not fit a runner with one more step", async () => {
    const run = async (context) => (await context.step("tax", never), first(context));
    const { standsAt, lines } = await said(log, run);
    assert.equal(standsAt, "step tax");
    assert.deepEqual(lines.slice(0, 2), [
      `asks for the step "tax", which the log has not`,
      `does not ask for the step "charge", which the log has`,
    ]);
  });

  test("is read on behind a new step that has a mock", async () => {
    const tax = world.mockStep({ kind: "order", key: "tax" }, 0);
    const run = async (context) => (await context.step("tax", never), first(context));
    assert.deepEqual(await said(log, run), { standsAt: "returned", lines: [`asks for the step "tax", which the log has not`] });
    assert.equal(tax.calls, 1);
    tax.restore();
  });

  test("does not fit a runner with one step less", async () => {
    const run = async ({ step, sleep, waitForSignal, input }) => {
      await sleep("cool off", DAY_MS);
      const { payload } = await waitForSignal(["yes", "no"]);
      await step("send", never);
      return [`charged ${input}`, payload];
    };
    assert.deepEqual(await said(log, run), { standsAt: "returned", lines: [`does not ask for the step "charge", which the log has`] });
  });

  test("does not fit a runner that has a step where the log has a timer, or waits for something else", async () => {
    const run = async ({ step, waitForSignal }) => {
      await step("charge", never);
      await waitForSignal("maybe");
    };
    const { lines } = await said(log, run);
    assert.deepEqual(lines, [
      `asks for the wait for the signal "maybe", which the log has not`,
      `does not ask for the step "send", which the log has`,
      `does not ask for the timer "cool off", which the log has`,
      `does not ask for the wait for the signal "no or yes", which the log has`,
    ]);
    const otherwise = await said(log, async ({ step }) => step("cool off", never));
    assert.equal(otherwise.lines[0], `asks for the step "cool off", which the log has as a timer`);
  });

  test("does not fit a runner that returns something else, or throws", async () => {
    const other = async (context) => (await first(context), "other");
    assert.deepEqual((await said(log, other)).lines, [`returns "other", and the log ends with ["charged tea","please"]`]);
    const throwing = async (context) => {
      await first(context);
      throw new Error("no more");
    };
    const { standsAt, lines } = await said(log, throwing);
    assert.deepEqual([standsAt, lines], ["threw", [`throws "no more", and the log ends with ["charged tea","please"]`]]);
  });

  test("is known by its form: lines, chunks of text, an export on its way, or the events alone", async () => {
    const { id, lines, text } = await recorded();
    const cut = [text.slice(0, 100), text.slice(100)];
    for (const log of [lines, lines.map((line) => line.trimEnd()), cut, world.registry.exportProcesses({ ids: [id] })])
      assert.deepEqual(await said(log, first), { standsAt: "returned", lines: [] });
    const events = await world.registry.eventsAfter(id, 0);
    assert.deepEqual(await said(events, first, { input: "tea" }), { standsAt: "returned", lines: [] });
  });
});

describe("the log of a process that has not ended", () => {
  test("fits a runner that continues otherwise behind it", async () => {
    const { text } = await recorded({ ended: false });
    assert.deepEqual(await said(text, first), { standsAt: "waits", lines: [] });
    const more = async (context) => {
      await context.step("charge", never);
      await context.sleep("cool off", DAY_MS);
      await Promise.race([context.waitForSignal(["yes", "no"]), context.step("remind", never)]);
    };
    assert.deepEqual(await said(text, more), { standsAt: "step remind", lines: [] });
  });

  test("does not fit a runner that leaves out what it has", async () => {
    const { text } = await recorded({ ended: false });
    const run = async ({ step, waitForSignal }) => {
      await step("charge", never);
      await waitForSignal(["yes", "no"]);
    };
    assert.deepEqual(await said(text, run), { standsAt: "waits", lines: [`does not ask for the timer "cool off", which the log has`] });
  });
});

test("several processes of an export are each run by themselves", async () => {
  const [one, two] = [await recorded({ id: "one" }), await recorded({ id: "two", ended: false })];
  const report = await world.replay(
    world.registry.exportProcesses({ ids: [one.id, two.id] }),
    order.implement(async ({ step }) => step("charge", never)),
  );
  assert.deepEqual(
    report.processes.map(({ processId, fits, standsAt }) => [processId, fits, standsAt]),
    [
      ["one", false, "returned"],
      ["two", false, "returned"],
    ],
  );
  assert.match(report.lines.join("\n"), /^"one": does not ask for the step "send"/);
});

test("the end of a child is read from the export, where it is in it", async () => {
  const child = defineProcess({ kind: "child" });
  const parent = defineProcess({ kind: "parent" });
  const bearing = async ({ startChild }) => (await startChild(child, 2, { key: "c" })).result();
  const own = await createTestWorld({ processes: [child.implement(({ input }) => 2 * input), parent.implement(bearing)] });
  const tab = await own.tab();
  assert.equal(await tab.registry.execute(parent, null, { id: "p" }), 4);
  const report = await own.replay(tab.registry.exportProcesses(), parent.implement(bearing));
  assert.deepEqual([report.fits, report.lines, report.processes[0].standsAt], [true, [], "returned"]);
  await own.close();
});

test("code that does not come to rest is named", async () => {
  const { text } = await recorded();
  const { lines, standsAt } = await said(text, () => new Promise(() => {}), { timeoutMs: 20 });
  assert.equal(standsAt, "runs");
  assert.equal(lines.at(-1), "its code has not come to rest within 20 ms, outside of a step");
});

test("what is no log is refused", async () => {
  const refused = (log, message) => assert.rejects(world.replay(log, order.implement(first)), { code: "invalid_argument", message });
  await refused("", /NDJSON/);
  await refused([], /NDJSON/);
  await refused(undefined, /NDJSON/);
  await refused([1, 2], /NDJSON/);
  await refused("nothing", /line 1 of the log is no JSON/);
  await refused('{"longwait":"processes","version":1}\n{"complete":{"processes":0}}\n', /no process of kind "order"/);
  await assert.rejects(world.replay("", {}), { code: "invalid_argument" });
});
