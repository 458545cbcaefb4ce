/** A process with some clients of bench/nats/clients.mjs, which asks it for one task after the other. */
import { payload } from "../../page/harness.js";
import { packageOf } from "./setting.mjs";

const now = () => performance.timeOrigin + performance.now();

const registries = [];
let heard = () => {};
let waited;
let total;

const tasks = {
  /** Opens the clients from one number up to another; each begins its waits. */
  async open({ dist, servers, from, to, clients, waits, processes }) {
    const { openRegistry, natsStore } = await packageOf(dist);
    [waited, total] = [clients * waits, processes];
    for (let client = from; client < to; client++) {
      const registry = await openRegistry({ storage: natsStore({ servers, namespace: "clients" }) });
      registries.push(registry);
      await registry.getProcess(idOf(client * waits));
      for (let n = 0; n < waits; n++) waitAlways(registry, idOf(client * waits + n));
    }
    await settled();
  },
  /** Begins so many operations a second, and answers what they took. */
  async load({ rate, seconds, patience }) {
    const taken = { appends: [], reads: [], wakes: [], faults: [], inTime: 0 };
    const begin = now();
    const end = begin + seconds * 1_000;
    heard = (at) => at >= begin && taken.wakes.push(now() - at);
    const running = new Set();
    for (let n = 0; n < rate * seconds; n++) {
      const due = begin + (n / rate) * 1_000;
      if (due > now()) await new Promise((turn) => setTimeout(turn, due - now()));
      const [kind, work] = operation(n, due);
      const done = work(registries[n % registries.length])
        .then(
          () => (taken[kind].push(now() - due), now() <= end && taken.inTime++),
          (fault) => taken.faults.push(String(fault)),
        )
        .finally(() => running.delete(done));
      running.add(done);
    }
    await Promise.race([Promise.all(running), new Promise((late) => setTimeout(late, patience))]);
    // The last wakes.
    await new Promise((turn) => setTimeout(turn, 200));
    return taken;
  },
};

/** Resolves once this process has little to do: its clients have received all that a client is sent at the start. */
async function settled() {
  for (;;) {
    const before = process.cpuUsage();
    await new Promise((turn) => setTimeout(turn, 250));
    const { user, system } = process.cpuUsage(before);
    if (user + system < 50_000) return;
  }
}

async function waitAlways(registry, id) {
  for (let after = 0; ;) {
    const { sequence, payload } = await registry.awaitEvent(id, "progress", after);
    after = sequence;
    heard(payload.at);
  }
}

function operation(n, due) {
  const kind = n % 10;
  const append = (id) => [
    "appends",
    (registry) => registry.appendEvent(id, { eventType: "progress", payload: { ...payload(n), at: due } }),
  ];
  if (kind < 3) return append(some(waited));
  if (kind < 6) return append(some(total));
  return ["reads", (registry) => (kind < 8 ? registry.getProcess(some(total)) : registry.recentEvents(some(total), 10))];
}

const idOf = (n) => `p${n}`;
const some = (count) => idOf(Math.floor(Math.random() * count));

process.on("message", async ({ task, given }) => {
  const answer = await tasks[task](given).then(
    (result) => ({ result }),
    (fault) => ({ fault: String(fault.stack ?? fault) }),
  );
  process.send(answer);
});
process.on("disconnect", () => process.exit());
