/**
 * What the number of stored processes costs: the same calls among 1,000 of them and among 100,000, with ten events each. All but a
 * tenth are half running and half ended; that tenth ended before the others, in batches, for pruning. A prune among 1,000 has a new
 * database each time, as it takes half of them away.
 */
import { openRegistry } from "longwait";
import { each, inFlight, payload, race } from "../harness.js";

const FEW = 1_000;
const EVENTS = 10;
const BATCH = 1_000;

export async function run({ rounds, quick }) {
  const many = quick ? 10_000 : 100_000;
  // One for the round that warms up.
  const large = await Stored.filled({ batches: rounds + 1, others: many - (rounds + 1) * BATCH });
  const small = await Stored.filled({ others: FEW });
  let fresh;
  const times = quick ? 20 : 100;
  const contenders = [
    { name: named(many), on: large },
    { name: named(FEW), on: small },
  ];
  const row = async (work, measure) => ({ work, figures: await race(contenders, rounds, measure), atMost: 2 });
  const called =
    (call) =>
    ({ on }) =>
      each(times, (n) => call(on, n));
  const rows = [
    await row(
      "append",
      called((stored, n) => stored.append(n)),
    ),
    await row(
      "await a process that has ended",
      called((stored, n) => stored.result(n)),
    ),
    await row(
      "list 100 that have ended",
      called((stored) => stored.list("completed")),
    ),
    await row(
      "list 100 that run",
      called((stored) => stored.list("running")),
    ),
    await row("prune 1,000", async ({ on }) => {
      if (on === large) return large.prune();
      await fresh?.close();
      fresh = await Stored.filled({ batches: 1, others: FEW });
      return fresh.prune();
    }),
  ];
  for (const stored of [large, small, fresh]) await stored.close();
  return rows;
}

const named = (count) => `${count.toLocaleString("en")} processes, ${(count * EVENTS).toLocaleString("en")} events`;

let databases = 0;

class Stored {
  cutoffs = [];

  static async filled({ batches = 0, others }) {
    const stored = new Stored();
    await stored.fill(batches, others);
    return stored;
  }

  async fill(batches, others) {
    this.registry = await openRegistry({ name: `scale ${databases++}` });
    this.others = others;
    for (let batch = 0; batch < batches; batch++) {
      await inFlight(BATCH, 200, (n) => this.live(`batch ${batch}/${n}`, true));
      // The next batch has a later time than this one.
      const last = Date.now();
      while (Date.now() === last) await new Promise((turn) => setTimeout(turn));
      this.cutoffs.push(Date.now());
    }
    await inFlight(others, 200, async (n) => {
      await this.live(id(n), isEnded(n));
      if (n % 10_000 === 9_999) console.log(`${(n + 1).toLocaleString("en")} of ${others.toLocaleString("en")} processes stored`);
    });
  }

  /** A process with its events: the last one may be its end. */
  async live(id, ends) {
    await this.registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "progress" }] });
    const appends = Array.from({ length: ends ? EVENTS - 1 : EVENTS }, (_, n) => ({ eventType: "progress", payload: payload(n) }));
    await Promise.all(appends.map((append) => this.registry.appendEvent(id, append)));
    if (ends) await this.registry.completeProcess(id, { type: "success", value: null });
  }

  append(n) {
    return this.registry.appendEvent(this.some(n, false), { eventType: "progress", payload: payload(n) });
  }

  result(n) {
    return this.registry.awaiter.awaitTerminal(this.some(n, true));
  }

  async list(status) {
    const { length } = await this.registry.listProcesses({ status }, { limit: 100 });
    if (length !== 100) throw new Error(`lists ${length}`);
  }

  /** Milliseconds to prune the oldest batch. */
  async prune() {
    const start = performance.now();
    const { prunedProcesses } = await this.registry.pruneTerminalProcesses(this.cutoffs.shift());
    const taken = performance.now() - start;
    if (prunedProcesses !== BATCH) throw new Error(`pruned ${prunedProcesses}`);
    return taken;
  }

  /** One of the others, all over them. */
  some(n, ended) {
    const place = (n * 7_919) % this.others;
    return id(isEnded(place) === ended ? place : place ^ 1);
  }

  close() {
    return this.registry.close();
  }
}

const id = (n) => `process ${n}`;
const isEnded = (n) => n % 2 === 0;
