/**
 * What the length of a log costs: the same calls on a process with 100 earlier events and on one with 100,000.
 *
 * Each of the two lives in a database of its own. The short log is a fresh one in each round, so that it stays short.
 */
import { openRegistry } from "longwait";
import { each, inFlight, payload, race } from "../harness.js";

/** What is called, on a `Log`. All of them are to cost the same on either one. */
const calls = {
  append: (log) => log.append(),
  "append + await it": (log) => Promise.all([log.registry.awaiter.awaitEvent(log.id, "progress", log.last), log.append()]),
  "await an event that is there": ({ registry, id, filled }) => registry.awaiter.awaitEvent(id, "progress", filled - 5),
  "recentEvents, 10": ({ registry, id }) => registry.recentEvents(id, 10),
  "eventsAfter, the last 10": ({ registry, id, last }) => registry.eventsAfter(id, last - 10),
  "eventsAfter, none": ({ registry, id, last }) => registry.eventsAfter(id, last),
  "countEventsThrough, all": ({ registry, id, last }) => registry.countEventsThrough(id, "progress", last),
  "wakeEventsAfter, the last": ({ registry, id, filled }) => registry.wakeEventsAfter(id, filled - ALARM_EVERY),
  "append, replayed by key": ({ registry, id, filled }, n) => registry.appendEvent(id, filling(1 + ((n * 37) % filled))),
};

/** Some of the events wake a session; none of these wakes is acknowledged. */
const ALARM_EVERY = 10;

const eventTypes = [{ name: "progress" }, { name: "alarm", semantics: { wake: { input: { const: "look" } } } }];

/** The nth event of the history. */
const filling = (n) => ({ eventType: n % ALARM_EVERY === 0 ? "alarm" : "progress", payload: payload(n), replayKey: `key ${n}` });

class Log {
  constructor(registry, id) {
    Object.assign(this, { registry, id, filled: 0, last: 0 });
  }

  async fill(events, progress = () => {}) {
    await this.registry.registerProcess({ id: this.id, input: { type: "external" }, eventTypes });
    await inFlight(events, 200, async (n) => {
      await this.registry.appendEvent(this.id, filling(n + 1));
      if (++this.filled % 10_000 === 0) progress(this.filled);
    });
    this.last = this.filled;
    return this;
  }

  async append() {
    const { event } = await this.registry.appendEvent(this.id, { eventType: "progress", payload: payload(this.last) });
    this.last = event.sequence;
    return event;
  }
}

export async function run({ rounds, quick }) {
  const [short, long] = [100, quick ? 10_000 : 100_000];
  const registries = await Promise.all(["short", "long"].map((name) => openRegistry({ name })));
  try {
    const history = new Log(registries[1], "p");
    await history.fill(long, (count) => console.log(`${count.toLocaleString("en")} of ${long.toLocaleString("en")} events stored`));
    let shortLogs = 0;
    const contenders = [
      { name: events(long), log: async () => history },
      { name: events(short), log: () => new Log(registries[0], `p${shortLogs++}`).fill(short) },
    ];
    const times = quick ? 20 : 50;
    const rows = [];
    for (const [work, call] of Object.entries(calls)) {
      await alike(work, call, contenders);
      const figures = await race(contenders, rounds, async ({ log }) => {
        const filled = await log();
        return each(times, (n) => call(filled, n));
      });
      rows.push({ work, figures, atMost: 1.5 });
    }
    return rows;
  } finally {
    await Promise.all(registries.map((registry) => registry.close()));
  }
}

const events = (count) => `${count.toLocaleString("en")} events`;

/** A comparison of calls that answer differently would say nothing. */
async function alike(work, call, contenders) {
  const lengths = [];
  for (const { log } of contenders) lengths.push((await call(await log(), 0)).length);
  if (lengths[0] !== lengths[1]) throw new Error(`${work}: answers ${lengths.join(" and ")} rows`);
}
