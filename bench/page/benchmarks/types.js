/** Appends to a process whose log has events of many types: an append is to cost the same, however many there are. */
import { openRegistry } from "longwait";
import { each, inFlight, payload, race } from "../harness.js";

const typeOf = (n) => `type ${n}`;

export async function run({ rounds, quick }) {
  const counts = quick ? [1, 100, 1_000] : [1, 100, 10_000];
  const times = quick ? 50 : 200;
  const rows = [];
  for (const [kind, open] of [
    ["IndexedDB", { name: "types" }],
    ["memory", { storage: "memory" }],
  ]) {
    const registry = await openRegistry(open);
    const contenders = [];
    // The most first: a ratio is against what comes later.
    for (const count of counts.toReversed()) contenders.push(await withTypes(registry, count));
    rows.push({
      work: `append, one at a time, in ${kind}`,
      figures: await race(contenders, rounds, ({ id, count }) => each(times, (n) => append(registry, id, count, n))),
      atMost: 1.5,
    });
    await registry.close();
  }
  return rows;
}

/** A process whose log has an event of each of so many types. */
async function withTypes(registry, count) {
  const id = `p ${count}`;
  await registry.registerProcess({
    id,
    input: { type: "external" },
    eventTypes: Array.from({ length: count }, (_, n) => ({ name: typeOf(n) })),
  });
  await inFlight(count, 500, (n) => registry.appendEvent(id, { eventType: typeOf(n) }));
  return { id, count, name: `${count.toLocaleString("en")} event types` };
}

/** The types take turns, the last ones first: they came when there were many already. */
const append = (registry, id, count, n) =>
  registry.appendEvent(id, { eventType: typeOf((count * 10_000 - 1 - n) % count), payload: payload(n) });
