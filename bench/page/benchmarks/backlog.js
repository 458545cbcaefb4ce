/**
 * What a backlog costs a driver that is started: the time to its first run, and how far the memory of the WebAssembly grew by then,
 * with few pending processes and with many. The runs wait until the driver is stopped, so that each round finds the same backlog.
 */
import { memoryOfWasm } from "../heap.js";
import { inFlight, race } from "../harness.js";

const FEW = 100;

export async function run({ rounds, quick }) {
  // Imported when its memory is watched.
  const memory = memoryOfWasm();
  const { openRegistry } = await import("longwait");
  const few = await Backlog.of(FEW, openRegistry);
  const many = await Backlog.of(quick ? 10_000 : 100_000, openRegistry);
  const contenders = [many, few];
  const figures = await race(contenders, rounds, async (backlog) => {
    const before = memory.bytes();
    const taken = await backlog.firstRun();
    backlog.grown += memory.bytes() - before;
    return taken;
  });
  for (const { registry } of contenders) await registry.close();
  const grown = contenders.map(({ name, grown }) => ({ name, median: grown / 1024 }));
  return [
    { work: "start of a driver to its first run", figures, atMost: 2 },
    { work: "what the wasm memory grew by in all these starts", unit: "kB", figures: grown },
  ];
}

class Backlog {
  grown = 0;

  static async of(count, openRegistry) {
    const backlog = new Backlog();
    backlog.name = `${count.toLocaleString("en")} pending`;
    backlog.registry = await openRegistry({ name: `backlog ${count}` });
    await inFlight(count, 500, (n) => backlog.registry.registerProcess({ id: `process ${n}`, input: { type: "engine", kind: "job" } }));
    return backlog;
  }

  /** Milliseconds from the start of a driver to its first run. */
  async firstRun() {
    let begins;
    const began = new Promise((resolve) => (begins = resolve));
    const job = ({ signal }) => {
      begins(performance.now());
      return new Promise((_, stop) => signal.addEventListener("abort", () => stop(signal.reason)));
    };
    const driver = this.registry.driver({ runners: { job } });
    const start = performance.now();
    driver.start();
    const taken = (await began) - start;
    await driver.stop();
    return taken;
  }
}
