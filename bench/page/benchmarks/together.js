/**
 * Many appends at once, to one process and over a thousand.
 *
 * Against the floor twice: with a transaction for each append, as an app writes it, and with one for all of them, which
 * an app cannot write without knowing all appends in advance. A second variant of that has the indexes of longwait.
 */
import * as bare from "../contenders/bare.js";
import { contenders, withContenders } from "../contenders/index.js";
import { inFlight, payload, race } from "../harness.js";

const MANY = 1_000;

export function run({ rounds }) {
  return withContenders(
    async (logs) => {
      for (const { log } of logs) await inFlight(MANY, 50, (n) => log.register(`p${n}`));
      const floors = logs
        .filter(({ name }) => [bare.name, bare.indexed.name].includes(name))
        .map(({ name, log }) => ({ name: `${name}, one transaction`, run: (_, id) => inOne(log, id) }));
      const [subject, ...others] = logs
        .filter(({ name }) => name !== bare.indexed.name)
        .map(({ name, log }) => ({
          name,
          run: (width, id) => inFlight(MANY, width, (n) => log.append(id(n), payload(n))),
        }));
      const figures = (width, id) => race([subject, ...floors, ...others], rounds, (contender) => contender.run(width, id));
      return [
        {
          work: "append, 1,000 at once to one process",
          figures: await figures(MANY, () => "p0"),
          atMost: { ...Object.fromEntries(floors.map(({ name }) => [name, 1 / 0.7])), Dexie: 1 / 6, idb: 1 / 6 },
        },
        {
          work: "append to 1,000 processes, 50 in flight",
          figures: await figures(50, (n) => `p${n}`),
          atMost: { Dexie: 1 / 4, idb: 1 / 4 },
        },
      ];
    },
    [...contenders, bare.indexed],
  );
}

/** Milliseconds per append. */
async function inOne(log, id) {
  const start = performance.now();
  await log.appendAll(Array.from({ length: MANY }, (_, n) => [id(n), payload(n)]));
  return (performance.now() - start) / MANY;
}
