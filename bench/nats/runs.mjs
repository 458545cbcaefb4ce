/**
 * A run over NATS: a process is registered, a driver claims it, runs one step and ends it, and the end is awaited. The bare client makes the same
 * commits one after another.
 */
import { say } from "../../scripts/lib/run.mjs";
import { each, race } from "../page/harness.js";
import { onServers } from "./lib/setting.mjs";

export const run = ({ rounds, quick, dist }) =>
  onServers(dist, ["one", "three", "far"], (stage) => measured(stage, rounds, quick ? 10 : 25));

async function measured(stage, rounds, times) {
  const here = await ours(stage, "here", await stage.registry("here"));
  const { commits, bytes } = await commitsOf(stage, here);
  say(`  ${stage.name}: a run is ${commits} messages of ${bytes} bytes`);
  const elsewhere = await ours(stage, "elsewhere", await stage.registry("elsewhere"));
  const rows = [
    { work: "run of one step, driver in the client that waits", contenders: [here, await bareHere(stage, bytes)] },
    { work: "run of one step, driver in another client", contenders: [elsewhere, await bareElsewhere(stage, bytes)] },
  ];
  let count = 0;
  const measuredRows = [];
  for (const { work, contenders } of rows) {
    const figures = await race(contenders, rounds, async ({ run, resume, pause }) => {
      await resume();
      const mean = await each(times, () => run(`r${count++}`, count));
      await pause();
      return mean;
    });
    measuredRows.push({ work: `${work}, ${stage.name}`, figures, atMost: 1.5 });
  }
  return measuredRows;
}

/** A registry that registers and waits, and the driver of another one or of itself. */
async function ours(stage, namespace, driving) {
  const registry = namespace === "here" ? driving : await stage.registry(namespace);
  const runners = { job: ({ process, step }) => step("double", () => process.input.payload * 2) };
  const driver = driving.driver({ runners });
  return {
    name: "longwait",
    namespace,
    async run(id, n) {
      await registry.registerProcess({ id, input: { type: "engine", kind: "job", payload: n } });
      const { value } = await registry.awaitTerminal(id);
      if (value !== n * 2) throw new Error(`another result: ${JSON.stringify(value)}`);
    },
    resume: () => driver.start(),
    pause: () => driver.stop(),
  };
}

/** How many messages a run of ours takes, and how many bytes the body of the last one has. */
async function commitsOf(stage, { namespace, run, resume, pause }) {
  await resume();
  const before = await stage.stored(namespace);
  await run("sample", 1);
  await pause();
  const after = await stage.stored(namespace);
  return { commits: after.last - before.last, bytes: await stage.lastBody(namespace) };
}

async function bareHere(stage, bytes) {
  const log = await stage.bare("BARE_here", bytes);
  return {
    ...idle,
    async run(id, n) {
      await log.register(id, { kind: "job", payload: n });
      await driven(log, id, n);
    },
  };
}

/** The driver hears of what is registered by a consumer, and of an end the client that waits. */
async function bareElsewhere(stage, bytes) {
  const [log, driving] = [await stage.bare("BARE_elsewhere", bytes), await stage.bare("BARE_elsewhere", bytes)];
  const waits = new Map();
  let last;
  await driving.listen((id, { process }) => {
    const isNew = process.last === 0 && process.lease === undefined && process.status.state === "running";
    if (isNew) last = driven(driving, id, process.input.payload).catch((fault) => waits.get(id)?.reject(fault));
  });
  await log.listen((id, { process }) => process.status.state === "completed" && waits.get(id)?.resolve());
  return {
    ...idle,
    async run(id, n) {
      const ended = new Promise((resolve, reject) => waits.set(id, { resolve, reject }));
      await log.register(id, { kind: "job", payload: n });
      await ended;
      waits.delete(id);
    },
    pause: () => last,
  };
}

const idle = { name: "bare client", resume: () => {}, pause: () => {} };

async function driven(log, id, n) {
  await log.claim(id);
  await log.append(id, { step: "double", value: n * 2 });
  await log.end(id, n * 2);
}
