/** How many bytes of the stream things take, as the server counts them: with subjects and headers. And what pruning gives back of it. */
import { payload } from "../page/harness.js";
import { onServers } from "./lib/setting.mjs";

const TIMES = 50;
const NAMESPACE = "growth";

export const run = ({ dist }) => onServers(dist, ["one"], measured);

async function measured(stage) {
  const registry = await stage.registry(NAMESPACE);
  const register = (id, more) => registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "progress" }], ...more });
  const append = (id, n) => registry.appendEvent(id, { eventType: "progress", payload: payload(n) });
  const rows = [];
  /** What each of so many takes, of what `work` does. */
  const grows = async (what, times, work) => {
    const before = await stage.stored(NAMESPACE);
    await work();
    const after = await stage.stored(NAMESPACE);
    const each = (name) => (after[name] - before[name]) / times;
    rows.push({
      work: `${what}, ${Number(each("messages").toPrecision(2))} messages`,
      unit: "B",
      figures: [{ name: "longwait", median: each("bytes") }],
    });
  };
  const times = (work) => async () => {
    for (let n = 0; n < TIMES; n++) await work(n);
  };

  await grows(
    "a registration",
    TIMES,
    times((n) => register(`p${n}`)),
  );
  await grows(
    "an append, one at a time",
    TIMES,
    times((n) => append("p1", n)),
  );
  await grows("an append, one of 50 at once", TIMES, () => Promise.all(Array.from({ length: TIMES }, (_, n) => append("p2", n))));
  const { lease } = await registry.claimProcessLease("p3", registry.owner, 60_000);
  let held = lease;
  await grows(
    "a renewal of a lease",
    TIMES,
    times(async () => (held = await registry.renewProcessLease(held, 60_000))),
  );
  await registry.completeProcessLease(held);

  await driven(registry, grows);
  await grows(
    "an end",
    TIMES,
    times((n) => registry.completeProcess(`p${n}`, { type: "success", value: null })),
  );

  const full = await stage.stored(NAMESPACE);
  const { prunedProcesses, prunedEvents } = await registry.pruneTerminalProcesses(Number.MAX_SAFE_INTEGER);
  const left = await stage.stored(NAMESPACE);
  const unit = "B";
  rows.push(
    {
      work: `all of ${prunedProcesses} processes with ${prunedEvents} events that have ended`,
      unit,
      figures: [{ name: "longwait", median: full.bytes }],
    },
    { work: `what is left of them behind pruning, ${left.messages} messages`, unit, figures: [{ name: "longwait", median: left.bytes }] },
  );
  return rows;
}

/** Steps and chunks are of a run: one of 50 steps, one of as many chunks that come one at a time, and one of as many at once. */
async function driven(registry, grows) {
  const many = async (work) => {
    for (let n = 0; n < TIMES; n++) await work(n);
  };
  const works = {
    nothing: async () => {},
    steps: ({ step }) => many((n) => step(`step ${n}`, () => payload(n))),
    async chunks({ stream }) {
      const writer = await stream("tokens");
      await many(async (n) => (await writer.append(`token ${n}`), await writer.flush()));
    },
    async together({ stream }) {
      const writer = await stream("tokens");
      await Promise.all(Array.from({ length: TIMES }, (_, n) => writer.append(`token ${n}`)));
      await writer.flush();
    },
  };
  const driver = registry.driver({ runners: works });
  driver.start();
  const run = async (kind) => {
    await registry.registerProcess({ id: kind, input: { type: "engine", kind } });
    await registry.awaitTerminal(kind);
  };
  await grows("a run without a step", 1, () => run("nothing"));
  await grows("a step, with its share of the run", TIMES, () => run("steps"));
  await grows("a chunk of a stream, one at a time, with its share of the run", TIMES, () => run("chunks"));
  await grows("a chunk of a stream, one of 50 at once, with its share of the run", TIMES, () => run("together"));
  await driver.stop();
}
