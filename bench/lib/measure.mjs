/** What the scripts share that measure. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { CommandFailed, say, timed } from "../../scripts/lib/run.mjs";
import { table } from "./table.mjs";

/**
 * Measures one benchmark after the other, tells about it, and shows and keeps the run. `measure(name)` resolves with the `rows`,
 * and with the `browser` they were measured in, if any. `shown(run)` gives the lines of the table, by default all. A benchmark that
 * cannot be measured is a row that says why, and in the end an error.
 */
export async function measureAll(names, sizes, measure, shown) {
  const rows = [];
  const faults = [];
  const load = loadavg()[0];
  let browser = "no browser";
  for (const name of names) {
    say(`\n${name}`);
    const { result, seconds } = await timed(() => measure(name).catch((fault) => ({ fault })));
    if (result.fault) {
      faults.push(`${name} could not be measured: ${result.fault.stack}`);
      say(`  ${faults.at(-1)}`);
      rows.push({ benchmark: name, work: name, figures: [{ name: "longwait" }], fault: result.fault.message.split("\n", 1)[0] });
      continue;
    }
    say(`  measured in ${seconds} s`);
    browser = result.browser ?? browser;
    rows.push(...result.rows.map((row) => ({ benchmark: name, ...row })));
  }
  const run = { at: new Date().toISOString(), machine: { ...machine(), browser, load }, versions: versions(), ...sizes, rows };
  say(`\n${table(run, shown?.(run))}\n\n${keep(run)}`);
  if (faults.length > 0) throw new CommandFailed(faults.join("\n\n"));
  return run;
}

function machine() {
  const [{ model }] = cpus();
  return { processor: model.trim(), cores: cpus().length, memoryGB: Math.round(totalmem() / 2 ** 30), system: `${type()} ${release()}` };
}

/** Of the peers. */
const versions = () => JSON.parse(readFileSync(inRepo("bench/package.json"), "utf8")).devDependencies;

/** Writes the run down, and says where. */
function keep(run) {
  const folder = inRepo("bench-results");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${run.at.replace(/[:.]/g, "-")}.json`);
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`);
  return `written to ${file}`;
}

/** Kills the process of a tab. */
export async function crash(tab) {
  const session = await tab.context().newCDPSession(tab);
  // It gets no answer.
  session.send("Page.crash").catch(() => {});
}
