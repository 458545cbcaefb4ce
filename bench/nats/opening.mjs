/**
 * The cost of opening over NATS, in a client that comes to a namespace with a long history and to one with a short one: to the first process by its
 * id, the first page of a list, and the end of a driver's first sweep. Half of the processes have ended.
 */
import { say } from "../../scripts/lib/run.mjs";
import { inFlight, payload, race } from "../page/harness.js";
import { onServers, packageOf } from "./lib/setting.mjs";

const AT_ONCE = 100;

export const run = ({ rounds, quick, dist }) => onServers(dist, ["one"], (stage) => measured(stage, dist, rounds, quick ? 10 : 1));

async function measured(stage, dist, rounds, less) {
  const few = { namespace: "few", processes: 100, events: 100 };
  const long = { namespace: "long", processes: 100, events: 10_000 / less };
  const many = { namespace: "many", processes: 10_000 / less, events: 100 };
  const young = { namespace: "young", processes: 10_000 / less, events: 1 };
  const { openRegistry, natsStore } = await packageOf(dist);
  for (const stored of [few, long, young, many]) {
    stored.name = `${(stored.processes * stored.events).toLocaleString("en")} events of ${stored.processes.toLocaleString("en")} processes`;
    const start = performance.now();
    await fill(await stage.registry(stored.namespace), stored);
    const { messages, bytes } = await stage.stored(stored.namespace);
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    say(`  ${stored.name}: ${messages.toLocaleString("en")} messages, ${(bytes / 1e6).toFixed(1)} MB, written in ${seconds} s`);
  }
  const works = {
    "first process": (registry, { processes }) => registry.getProcess(`p${processes >> 1}`),
    "first page of 50 processes": (registry) => registry.listProcesses({}, { limit: 50 }),
    "end of a driver's first sweep": (registry) => registry.driver({ runners: { job: () => {} } }).claimAndRunPending(),
  };
  const rows = [];
  for (const [what, work] of Object.entries(works))
    for (const contenders of [
      [long, few],
      [many, young, few],
    ]) {
      const figures = await race(contenders, rounds, async (stored) => {
        const start = performance.now();
        const registry = await openRegistry({ storage: natsStore({ servers: stage.tcp, namespace: stored.namespace }) });
        await work(registry, stored);
        const taken = performance.now() - start;
        await registry.close();
        return taken;
      });
      rows.push({ work: `open to ${what}`, figures, atMost: 2 });
    }
  return rows;
}

/** Events come many at once, so that few messages have all of them. */
function fill(registry, { processes, events }) {
  return inFlight(processes, 50, async (n) => {
    const id = `p${n}`;
    await registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "progress" }] });
    const ends = n % 2 === 0;
    const appended = ends ? events - 1 : events;
    for (let from = 0; from < appended; from += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, appended - from) }, (_, m) => from + m);
      await Promise.all(numbers.map((m) => registry.appendEvent(id, { eventType: "progress", payload: payload(m) })));
    }
    if (ends) await registry.completeProcess(id, { type: "success", value: null });
  });
}
