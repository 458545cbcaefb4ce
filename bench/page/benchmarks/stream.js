/**
 * Tokens of a model, 100 a second, from a run in this tab to a reader in another one: how late they come, and how many transactions both tabs
 * make. The floor sends each token as a message of its own, and stores nothing.
 */
import { openRegistry } from "longwait";
import { anotherTab } from "../another-tab.js";
import { median, race } from "../harness.js";
import { transactions } from "../transactions.js";

export const needs = ["openTab"];

const PER_SECOND = 100;

export async function run({ rounds, quick }) {
  const count = quick ? 200 : 1_000;
  const tab = await anotherTab();
  const registry = await openRegistry({ name: "tabs" });
  const tokens = new BroadcastChannel("tabs bare hints");
  const works = new Map();
  const driver = registry.driver({ runners: { stream: (context) => works.get(context.process.id)(context) } });
  driver.start();
  const rates = [];
  try {
    const offset = await tab.clockOffset();
    let number = 0;
    const contenders = [
      {
        name: "longwait",
        async once(round) {
          const id = `process ${number++}`;
          const go = deferred();
          const sent = deferred();
          works.set(id, async ({ stream }) => {
            const out = await stream("tokens");
            await go.promise;
            sent.resolve(await paced(count, (n) => out.append(token(n))));
            await out.close();
          });
          await registry.registerProcess({ id, input: { type: "engine", kind: "stream" } });
          const reads = tab.waits(id);
          const came = tab.ask("readStream", id);
          await reads;
          const all = async () => transactions() + (await tab.ask("transactions"));
          const [before, start] = [await all(), now()];
          go.resolve();
          const [times, arrivals] = await Promise.all([sent.promise, came]);
          if (round > 0) rates.push((((await all()) - before) / (now() - start)) * 1_000);
          return delay(times, arrivals, offset);
        },
      },
      {
        name: "a BroadcastChannel, nothing stored",
        async once() {
          const id = `process ${number++}`;
          const hears = tab.waits(id);
          const came = tab.ask("hearTokens", id);
          await hears;
          const times = await paced(count, (n) => tokens.postMessage(token(n)));
          tokens.postMessage({ end: true });
          return delay(times, await came, offset);
        },
      },
    ];
    const figures = await race(contenders, rounds, ({ once }, round) => once(round));
    const work = `${count.toLocaleString("en")} tokens at ${PER_SECOND} a second to another tab`;
    return [
      { work: `${work}: median delay`, figures, most: 60 },
      {
        work: `${work}: transactions of both tabs`,
        unit: "a second",
        figures: [{ name: "longwait", samples: rates, median: median(rates) }],
        most: 25,
      },
    ];
  } finally {
    tokens.close();
    await driver.stop();
    await registry.close();
    await tab.close();
  }
}

const now = () => performance.timeOrigin + performance.now();

const token = (n) => `token ${n} `;

/** Calls `work` at that pace; resolves with when each call was made. */
async function paced(count, work) {
  const [times, start] = [[], now()];
  for (let n = 0; n < count; n++) {
    const left = start + (n * 1_000) / PER_SECOND - now();
    if (left > 0) await new Promise((due) => setTimeout(due, left));
    times.push(now());
    await work(n);
  }
  return times;
}

function delay(sent, arrivals, offset) {
  if (arrivals.length !== sent.length) throw new Error(`${arrivals.length} of ${sent.length} tokens came`);
  return median(arrivals.map((time, n) => time - offset - sent[n]));
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
