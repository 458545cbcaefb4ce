/** A change of one process of 10,000, until React shows it: in a page of 50 rows, and with all of them on the screen. */
import { openRegistry } from "longwait";
import { list } from "../contenders/react-list.js";
import { median } from "../harness.js";

const STORED = 10_000;

export async function run({ rounds, quick }) {
  const registry = await openRegistry({ name: "react" });
  try {
    for (let from = 0; from < STORED; from += 500) {
      const registrations = Array.from({ length: 500 }, (_, n) => ({ id: id(from + n), input: { type: "external" } }));
      await registry.registerProcesses(registrations);
    }
    const times = quick ? 5 : Math.max(rounds, 20);
    const rows = [];
    // The newest are shown; those of the second list are others than those of the first.
    for (const [limit, from] of [
      [50, STORED - 25],
      [STORED, STORED - 100],
    ])
      rows.push(...(await changes(registry, limit, from, times)));
    return rows;
  } finally {
    await registry.close();
  }
}

const id = (n) => `p${String(n).padStart(5, "0")}`;

async function changes(registry, limit, from, times) {
  const shown = await list(registry, limit);
  const [all, after, rows] = [[], [], []];
  try {
    // The first one warms up.
    for (let n = 0; n <= times; n++) {
      const one = id(from - n);
      const says = shown.says(one, "completed");
      const rendered = shown.rows;
      const start = performance.now();
      const committed = registry.completeProcess(one, { type: "success", value: n }).then(() => performance.now());
      await says;
      const end = performance.now();
      if (n === 0) continue;
      all.push(end - start);
      after.push(Math.max(0, end - (await committed)));
      rows.push(shown.rows - rendered);
    }
  } finally {
    shown.close();
  }
  const of = `${STORED.toLocaleString("en")} stored, ${limit.toLocaleString("en")} shown`;
  const figure = (work, samples, more) => ({
    work: `${of}: ${work}`,
    figures: [{ name: "longwait/react", samples, median: median(samples) }],
    ...more,
  });
  return [
    figure("from the commit of a change to the row", after, { most: 16 }),
    figure("from the call that makes it", all),
    figure("rows rendered for it, at most", [Math.max(...rows)], { unit: "rows", most: 1 }),
  ];
}
