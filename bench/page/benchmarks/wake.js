/** From a change to the promise of its waiter, in memory, so that no disk is part of it. */
import { openRegistry } from "longwait";
import { race, settled } from "../harness.js";

const MANY = 10_000;

export async function run({ rounds, quick }) {
  const registry = await openRegistry({ storage: "memory" });
  try {
    const times = quick ? 100 : 500;
    return [
      {
        work: "tick to resolved promise",
        figures: await race([ticked(registry), resolved], rounds, ({ wake }) => mean(times, wake)),
        most: 0.02,
      },
      {
        work: "append to resolved awaitEvent",
        figures: await race([await appended(registry), resolved], rounds, ({ wake }) => mean(times, wake)),
      },
      {
        work: `wake ${MANY.toLocaleString("en")} waiters of one process, in all`,
        figures: await race([crowd(registry), crowdOfPromises], rounds, ({ wake }) => wake()),
        most: 100,
      },
    ];
  } finally {
    await registry.close();
  }
}

/** Each `wake` resolves with the milliseconds from the change to the promise, without the time to begin the wait. */
async function mean(times, wake) {
  let sum = 0;
  for (let n = 0; n < times; n++) sum += await wake();
  return sum / times;
}

async function after(change, waiting) {
  await settled();
  const start = performance.now();
  change();
  await waiting;
  return performance.now() - start;
}

function ticked(registry) {
  const receiver = registry.hub.subscribe("tick");
  return { name: "longwait", wake: () => after(() => registry.hub.notify("tick"), receiver.changed()) };
}

async function appended(registry) {
  await registry.registerProcess({ id: "append", input: { type: "external" }, eventTypes: [{ name: "progress" }] });
  let last = 0;
  return {
    name: "longwait",
    wake() {
      const waiting = registry.awaiter.awaitEvent("append", "progress", last++);
      return after(() => registry.appendEvent("append", { eventType: "progress" }), waiting);
    },
  };
}

function crowd(registry) {
  let round = 0;
  return {
    name: "longwait",
    async wake() {
      const id = `crowd ${round++}`;
      await registry.registerProcess({ id, input: { type: "external" } });
      const waits = Array.from({ length: MANY }, () => registry.awaiter.awaitTerminal(id));
      return after(() => registry.completeProcess(id, { type: "success", value: null }), Promise.all(waits));
    },
  };
}

/** The floor: promises, with nothing else to do. */
const resolved = {
  name: "bare promise",
  wake() {
    const { promise, resolve } = Promise.withResolvers();
    return after(resolve, promise);
  },
};

const crowdOfPromises = {
  name: "bare promises",
  wake() {
    const { promise, resolve } = Promise.withResolvers();
    return after(resolve, Promise.all(Array.from({ length: MANY }, () => promise.then(() => null))));
  },
};
