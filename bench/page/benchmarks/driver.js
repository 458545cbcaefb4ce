/**
 * What a driver adds to a process that does nothing: transactions, and time beside bare IndexedDB doing the same writes. And how
 * soon it goes on with what a crash left behind.
 */
import { openRegistry } from "longwait";
import * as bare from "../contenders/bare-driver.js";
import { raceAfterCrash } from "../crash.js";
import { inFlight, median, race } from "../harness.js";

export async function run(sizes) {
  return [...("crashTab" in globalThis ? await afterCrash(sizes) : []), ...(await costs(sizes))];
}

async function afterCrash({ rounds }) {
  const registry = await openRegistry({ name: "tabs" });
  let driver;
  const figures = await raceAfterCrash(rounds, async (tab, id) => {
    // Or it would run the next one itself.
    await driver?.idle();
    await driver?.stop();
    const began = tab.ask("began", id);
    await tab.ask("drive", { kind: "job", work: "forever" });
    await registry.registerProcess({ id, input: { type: "engine", kind: "job" } });
    await began;
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
  return [{ work: "crash of a tab to the runner here", figures, most: 200 }];
}

async function costs({ rounds, quick }) {
  const registry = await openRegistry({ name: "driver" });
  const floor = await bare.open("driver bare");
  let ran = () => {};
  const driver = registry.driver({ runners: { noop: () => ran() } });
  driver.start();
  let count = 0;
  const register = async () => (await registry.registerProcess({ id: `p${count++}`, input: { type: "engine", kind: "noop" } })).id;
  const drive = async () => driver.awaitTerminal(await register());
  /** Without a wait of ours, whose reads would count. */
  const alone = async () => {
    const running = new Promise((resolve) => (ran = () => resolve()));
    await register();
    await running;
    await driver.idle();
    ran = () => {};
  };
  try {
    await drive();
    const transactions = await counted(alone);
    const times = quick ? 200 : 1000;
    const contenders = [
      { name: "longwait", once: drive },
      { name: "bare IndexedDB", once: () => floor.run(`p${count++}`) },
    ];
    return [
      { work: "no-op process, one at a time", figures: [transactions], unit: "transactions", most: 4 },
      {
        work: `no-op process, ${times} at 64`,
        figures: await race(contenders, rounds, ({ once }) => inFlight(times, 64, once)),
        atMost: 3,
      },
    ];
  } finally {
    await registry.close();
    floor.close();
  }
}

/** How many transactions begin while it is driven. Once a second there is one more, for the look at what changed: a median does not see it. */
async function counted(drive) {
  const { transaction } = IDBDatabase.prototype;
  const samples = [];
  for (let round = 0; round < 9; round++) {
    let begun = 0;
    IDBDatabase.prototype.transaction = function (...given) {
      begun++;
      return transaction.apply(this, given);
    };
    await drive();
    IDBDatabase.prototype.transaction = transaction;
    samples.push(begun);
  }
  return { name: "longwait", samples, median: median(samples) };
}
