/** What a driver adds: how soon it goes on with what a crash left behind, and what a process that does nothing costs. */
import { openRegistry } from "longwait";
import { open as openBare } from "../contenders/bare-driven.js";
import { raceAfterCrash } from "../crash.js";
import { inFlight, median, race } from "../harness.js";

export async function run({ rounds, quick }) {
  const figures = await afterCrash(rounds);
  const driven = await openDriven("driven");
  const bare = await openBare("driven bare");
  try {
    return [
      { work: "crash of a tab to the runner here", figures, most: 200 },
      { work: "a process that does nothing, driven", unit: "transactions", figures: [await transactions(driven, rounds)], most: 4 },
      { work: "such processes, 64 in flight", figures: await race([driven, bareDriven(bare)], rounds, ({ all }) => all(quick ? 250 : 1000)), atMost: 3 },
    ];
  } finally {
    bare.close();
    await driven.close();
  }
}

async function afterCrash(rounds) {
  const registry = await openRegistry({ name: "tabs" });
  let driver;
  const figures = await raceAfterCrash(rounds, async (tab, id) => {
    // Or it would run the next one itself.
    await driver?.idle();
    await driver?.stop();
    await tab.ask("drive", id);
    const taken = new Promise((run) => (driver = registry.driver({ runners: { job: ({ attempt }) => run(attempt) } })));
    driver.start();
    // Having found that another one runs it, it stands by.
    const { busy } = await driver.claimAndRunPending();
    if (!busy.includes(id)) throw new Error("is not run by the other tab");
    return async () => {
      if ((await taken) !== 2) throw new Error("was not taken over");
    };
  });
  await registry.close();
  return figures;
}

let count = 0;

/** With a driver that runs what is registered, and does nothing. */
async function openDriven(name) {
  const registry = await openRegistry({ name });
  const running = new Map();
  const driver = registry.driver({ runners: { job: ({ process }) => running.get(process.id)() } });
  driver.start();
  const one = () => {
    const id = `process ${count++}`;
    const begun = new Promise((run) => running.set(id, run));
    return registry.registerProcess({ id, input: { type: "engine", kind: "job" } }).then(() => begun);
  };
  return {
    name: "longwait",
    async one() {
      await one();
      await driver.idle();
    },
    async all(times) {
      const start = performance.now();
      await inFlight(times, 64, one);
      await driver.idle();
      return (performance.now() - start) / times;
    },
    close: () => registry.close(),
  };
}

function bareDriven(bare) {
  return {
    name: "bare IndexedDB",
    all: (times) =>
      inFlight(times, 64, async () => {
        const id = `process ${count++}`;
        await bare.register(id);
        await bare.claim(id);
        await bare.end(id);
      }),
  };
}

/** How many each process takes. */
async function transactions({ one }, rounds) {
  const { prototype } = IDBDatabase;
  const { transaction } = prototype;
  let begun = 0;
  prototype.transaction = function (...given) {
    begun += 1;
    return transaction.apply(this, given);
  };
  const samples = [];
  for (let round = 0; round <= rounds; round++) {
    begun = 0;
    await one();
    if (round > 0) samples.push(begun);
  }
  prototype.transaction = transaction;
  return { name: "longwait", samples, median: median(samples) };
}
