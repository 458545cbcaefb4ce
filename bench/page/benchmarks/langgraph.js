/**
 * What a checkpoint of LangGraph costs, in a thread of 10 and in one of 1,000. The state is that of a chat, of one size throughout: of what the app
 * keeps, a saver knows nothing. The floor is LangGraph's saver in memory, which serializes alike and stores nothing.
 */
import { openRegistry } from "longwait";
import { LongwaitSaver, MemorySaver } from "../contenders/langgraph.js";
import { each, race } from "../harness.js";

const message = (n) => ({ id: `message ${n}`, role: n % 2 === 0 ? "user" : "assistant", content: "All that was said. ".repeat(10) });
const messages = Array.from({ length: 20 }, (_, n) => message(n));

const id = (n) => `1f0${String(n).padStart(5, "0")}-0000-6000-8000-000000000000`;
const configOf = (thread, n) => ({
  configurable: { thread_id: thread, checkpoint_ns: "", checkpoint_id: n === undefined ? undefined : id(n) },
});

/** A thread, as a graph makes it: what a task wrote to a checkpoint, and the next checkpoint. */
class Thread {
  constructor(fresh, name) {
    Object.assign(this, { fresh, saver: fresh(), name, count: 0 });
  }

  async fill(count) {
    while (this.count < count) await this.step();
    return this;
  }

  async step() {
    await this.put();
    await this.putWrites();
  }

  put() {
    const n = this.count++;
    const versions = { messages: n + 1, "branch:to:model": n + 1, settings: 1 };
    const checkpoint = {
      v: 4,
      id: id(n),
      ts: "2026-01-01T00:00:00.000Z",
      channel_values: { messages, "branch:to:model": null, settings: messages.slice(0, 5) },
      channel_versions: versions,
      versions_seen: { __input__: {}, model: { "branch:to:model": n } },
    };
    const { settings, ...changed } = versions;
    const parent = n === 0 ? undefined : n - 1;
    return this.saver.put(configOf(this.name, parent), checkpoint, { source: "loop", step: n, parents: {} }, n === 0 ? versions : changed);
  }

  putWrites() {
    const writes = [
      ["messages", [message(this.count)]],
      ["branch:to:model", null],
    ];
    return this.saver.putWrites(configOf(this.name, this.count - 1), writes, `task ${this.count}`, "~__pregel_pull, model");
  }
}

/** What is called. Those that read come first, and have a saver of their own, as after a load of the page. */
const calls = {
  "getTuple, the newest": (thread) => thread.fresh().getTuple(configOf(thread.name)),
  "list, the newest 10": (thread) => listed(thread.fresh().list(configOf(thread.name), { limit: 10 })),
  "getTuple, the first by its id": (thread) => thread.fresh().getTuple(configOf(thread.name, 0)),
  "put, a checkpoint": (thread) => thread.put(),
  "putWrites, of a task": (thread) => thread.putWrites(),
};

export async function run({ rounds, quick }) {
  const [short, long] = [10, quick ? 100 : 1_000];
  const registries = await Promise.all(["short", "long"].map((name) => openRegistry({ name })));
  try {
    const [brief, history] = registries.map((registry) => () => new LongwaitSaver(registry));
    const memory = new MemorySaver();
    const whole = await new Thread(history, "t").fill(long);
    const floor = await new Thread(() => memory, "t").fill(long);
    let threads = 0;
    const contenders = [
      { name: `${long.toLocaleString("en")} checkpoints`, thread: async () => whole },
      { name: `${short} checkpoints`, thread: () => new Thread(brief, `t${threads++}`).fill(short) },
      { name: "in memory, LangGraph's", thread: async () => floor },
    ];
    const rows = [];
    for (const [work, call] of Object.entries(calls)) {
      const figures = await race(contenders, rounds, async ({ thread }) => {
        const filled = await thread();
        return each(10, () => call(filled));
      });
      // One that is far back is found by reading what lies before it, for which there is no goal.
      rows.push({ work, figures, ...(work.includes("first") ? {} : { atMost: 1.5 }) });
    }
    return rows;
  } finally {
    await Promise.all(registries.map((registry) => registry.close()));
  }
}

async function listed(tuples) {
  let count = 0;
  for await (const _ of tuples) count++;
  return count;
}
