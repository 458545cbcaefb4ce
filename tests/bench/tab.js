/** Another tab of a benchmark: does what the first one asks for over a channel, and tells when it happened. */
import { openRegistry } from "longwait";
import { open } from "./contenders/bare.js";

const { name } = Object.fromEntries(new URLSearchParams(location.search));
const channel = new BroadcastChannel(`bench ${name}`);
const now = () => performance.timeOrigin + performance.now();

const registry = await openRegistry({ name: "tabs" });
const bare = await open("tabs bare");
const hints = new BroadcastChannel("tabs bare hints");

const tasks = {
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
  /** Takes a lease, and keeps it until this tab is gone. */
  async lease(id) {
    const { lease } = await registry.claimProcessLease(id, registry.owner, 60_000);
    return lease;
  },
  /** Runs a process, and goes on with that until this tab is gone. */
  async drive(id) {
    const running = new Promise((run) => registry.driver({ runners: { job: () => (run(), new Promise(() => {})) } }).start());
    await registry.registerProcess({ id, input: { type: "engine", kind: "job" } });
    await running;
  },
  /** Takes a lock, and keeps it until this tab is gone. */
  lock: (id) => new Promise((taken) => navigator.locks.request(id, () => (taken(), new Promise(() => {})))),
};

channel.onmessage = async ({ data: { task, id, number } }) => {
  if (task) channel.postMessage({ number, result: await tasks[task](id) });
};
channel.postMessage({ ready: true });
