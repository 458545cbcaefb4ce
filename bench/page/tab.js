/** Another tab of a benchmark: does what the first one asks for over a channel, and tells when it happened. */
import { openRegistry } from "longwait";
import { open } from "./contenders/bare.js";
import { transactions } from "./transactions.js";

const { name } = Object.fromEntries(new URLSearchParams(location.search));
const channel = new BroadcastChannel(`bench ${name}`);
const now = () => performance.timeOrigin + performance.now();

const registry = await openRegistry({ name: "tabs" });
const bare = await open("tabs bare");
const hints = new BroadcastChannel("tabs bare hints");

const drivers = new Map();
const began = new Map();
const FREE_TIMERS = 7;

/** What runners do. */
const works = {
  nothing: () => {},
  async steps({ step }) {
    for (let n = 0; n < 5; n++) await step(`step ${n}`, () => {});
  },
  forever: () => new Promise(() => {}),
  /** Ends with the time of its next line. */
  async sleeps({ sleep, process }) {
    await sleep("timer", process.input.payload.ms);
    return Date.now();
  },
  untilSignal: ({ waitForSignal }) => waitForSignal("end").then(() => {}),
};

const tasks = {
  /** Whether it is looked at. */
  state: () => document.visibilityState,
  /** For setting the clocks of two tabs against each other. */
  clock: () => now(),
  /** Says that it waits, and answers when the promise of the end resolved. */
  async awaitTerminal(id) {
    const end = registry.awaiter.awaitTerminal(id);
    // Its first look is over once a read that was asked for later has been answered.
    await registry.getProcess(id);
    channel.postMessage({ waits: id });
    await end;
    return now();
  },
  /** The same by hand: a hint arrives, and the row is read. */
  async awaitBare(id) {
    const hinted = new Promise((hear) => {
      hints.onmessage = ({ data }) => data === id && hear();
    });
    channel.postMessage({ waits: id });
    await hinted;
    await bare.read(id);
    return now();
  },
  /** How many transactions this tab has begun. */
  transactions,
  /** Says that it reads, and answers when each chunk of a stream came. */
  async readStream(id) {
    const times = [];
    const reading = (async () => {
      for await (const { index } of registry.readStream(id, "tokens")) times[index] = now();
    })();
    await registry.getProcess(id);
    channel.postMessage({ waits: id });
    await reading;
    return times;
  },
  /** A bare BroadcastChannel: each chunk is a message. */
  async hearTokens(id) {
    const times = [];
    const heard = new Promise((end) => {
      hints.onmessage = ({ data }) => (data.end ? end() : times.push(now()));
    });
    channel.postMessage({ waits: id });
    await heard;
    return times;
  },
  /** Starts a driver for processes of a kind, and knows by its answer what others run. `work` is a name in `works`. */
  async drive({ kind, work }) {
    const runners = { [kind]: (context) => (began.get(context.process.id)?.(now()), works[work](context)) };
    const driver = registry.driver({ runners });
    drivers.set(kind, driver);
    driver.start();
    return (await driver.claimAndRunPending()).busy;
  },
  stop: (kind) => drivers.get(kind).stop(),
  /** Says that it waits, and answers when a runner here had its first turn for this. */
  async began(id) {
    const first = new Promise((tell) => began.set(id, tell));
    channel.postMessage({ waits: id });
    return first;
  },
  /** What a chain of timers of 0 ms takes from one to the next. The first ones are on the house in every browser. */
  async timers(count) {
    const gaps = [];
    for (let n = 0, last = now(); n < FREE_TIMERS + count; n++) {
      await new Promise((turn) => setTimeout(turn));
      if (n >= FREE_TIMERS) gaps.push(now() - last);
      last = now();
    }
    return gaps;
  },
  /** How many milliseconds a timer of the browser was late, which nothing led up to. */
  async timer(ms) {
    const start = performance.now();
    await new Promise((fire) => setTimeout(fire, ms));
    return performance.now() - start - ms;
  },
  /** Takes a lease, and keeps it until this tab is gone. */
  async lease(id) {
    const { lease } = await registry.claimProcessLease(id, registry.owner, 60_000);
    return lease;
  },
  /** Takes a lock, and keeps it until this tab is gone. */
  lock: (id) => new Promise((taken) => navigator.locks.request(id, () => (taken(), new Promise(() => {})))),
};

channel.onmessage = async ({ data: { task, id, number } }) => {
  if (task) channel.postMessage({ number, result: await tasks[task](id) });
};
channel.postMessage({ ready: true });
