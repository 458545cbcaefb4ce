/**
 * Nested payloads of 900 bytes: many appended at once to one process, that log read back, and processes with such inputs listed.
 *
 * The floor under the appends is one transaction for all of them, in which the process is got once and put once: with the
 * indexes over events that longwait has, and with none. The floor under the list is `getAll` over the very records that
 * the list answers.
 */
import { openRegistry } from "longwait";
import * as bare from "../contenders/bare.js";
import * as records from "../contenders/bare-records.js";
import * as idb from "../contenders/idb.js";
import { withContenders } from "../contenders/index.js";
import * as longwait from "../contenders/longwait.js";
import { inFlight, nested, race } from "../harness.js";

export async function run({ rounds, quick }) {
  const [events, processes] = quick ? [1_000, 400] : [5_000, 2_000];
  return [...(await logs(rounds, events)), await lists(rounds, processes)];
}

/** Each round writes a new log with every contender, and reads it once it is there. */
function logs(rounds, count) {
  const all = count.toLocaleString("en");
  const inOne = ({ name, open }) => ({ name: `${name}, one transaction`, open });
  const floors = [bare.indexed, bare].map(inOne);
  return withContenders(
    async (contenders) => {
      const [subject, , bareLog, idbLog] = contenders;
      const readers = [subject, { ...idbLog, name: `${idb.name}, getAll` }, { ...bareLog, name: `${bare.name}, getAll` }];
      const appending = await race(contenders, rounds, async ({ log }, round) => {
        await log.register(id(round));
        const appends = Array.from({ length: count }, (_, n) => [id(round), nested(n)]);
        return milliseconds(
          () => log.appendAll?.(appends) ?? Promise.all(appends.map(([process, payload]) => log.append(process, payload))),
        );
      });
      const reading = await race(readers, rounds, ({ log }, round) =>
        milliseconds(async () => {
          const events = await log.events(id(round));
          if (events.length !== count || events.at(-1).payload.note !== nested(0).note) throw new Error(`reads ${events.length} events`);
        }),
      );
      return [
        {
          work: `append ${all} at once, nested 900 bytes each`,
          figures: appending,
          atMost: Object.fromEntries(floors.map(({ name }) => [name, 1.4])),
        },
        { work: `read these ${all} events`, figures: reading, atMost: 2 },
      ];
    },
    [longwait, ...floors, inOne(idb)],
  );
}

const id = (round) => `p${round}`;

async function lists(rounds, count) {
  const registry = await openRegistry({ name: "nested list" });
  const floor = await records.open("nested list bare");
  try {
    await inFlight(count, 200, (n) => registry.registerProcess({ id: id(n), input: { type: "engine", kind: "job", payload: nested(n) } }));
    await floor.fill(await registry.listProcesses());
    const contenders = [
      { name: "longwait", list: () => registry.listProcesses() },
      { name: records.name, list: floor.list },
    ];
    const figures = await race(contenders, rounds, ({ list }) =>
      milliseconds(async () => {
        const { length } = await list();
        if (length !== count) throw new Error(`lists ${length}`);
      }),
    );
    return { work: `list ${count.toLocaleString("en")} processes with such inputs`, figures, atMost: 3 };
  } finally {
    floor.close();
    await registry.close();
  }
}

async function milliseconds(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
