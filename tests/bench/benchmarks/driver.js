/** What a driver adds to a process that does nothing: transactions, and time beside bare IndexedDB doing the same writes. */
import { openRegistry } from "longwait";
import * as bare from "../contenders/bare-driver.js";
import { inFlight, race } from "../harness.js";

export async function run({ rounds, quick }) {
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
    const contenders = [{ name: "longwait", once: drive }, { name: "bare IndexedDB", once: () => floor.run(`p${count++}`) }];
    return [
      { work: "no-op process, one at a time", figures: [transactions], unit: "transactions", most: 4 },
      { work: `no-op process, ${times} at 64`, figures: await race(contenders, rounds, ({ once }) => inFlight(times, 64, once)), atMost: 3 },
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
  return { name: "longwait", samples, median: [...samples].sort((a, b) => a - b)[4] };
}
