/**
 * `npm run fuzz`: calls all that the package exports, with valid and invalid arguments, and judges what comes of it. Prints a table.
 *
 *   npm run fuzz -- --calls 1000000        so many calls; by default 100,000
 *   npm run fuzz -- --seed 7               only the registry of that seed
 *   npm run fuzz -- --seed 7 --calls 9999  registries from there on
 *   npm run fuzz -- --browser chromium     in a page of Chromium, half of them on IndexedDB and half in memory
 *   npm run fuzz -- --traced               in Node, through a registry that is traced
 *   npm run fuzz -- --nats                 in Node, on a NATS server
 *   npm run fuzz -- --ignore "words"       faults that fit this regular expression are none, while others are looked for
 */

import { parseArgs } from "node:util";
import { table, words } from "../tests/fuzz/report.mjs";
import { CALLS } from "../tests/fuzz/run.mjs";
import { build, needs as buildNeeds } from "./build.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";

await main(async () => {
  const { browser, place: name, storages, seed, calls, ignore, quick } = options();
  if (!quick) {
    await setUp(...(browser ? [browser] : name === "nats" ? ["nats"] : []), ...buildNeeds);
    await build();
  }
  // Imported late: it is not there before it is built.
  const { places } = await import("../tests/fuzz/where.mjs");
  const place = await places[name]();
  const failures = [];
  for (const storage of storages) {
    say(`\n${storage}, from seed ${seed}`);
    const run = await place.fuzz({ seed, calls: Math.ceil(calls / storages.length), storage, ignore });
    say(`\n${table(run)}`);
    if (run.failure)
      failures.push(words(run.failure, name === "traced" || name === "nats" ? ` --${name}` : browser ? ` --browser ${browser}` : ""));
  }
  await place.close();
  if (failures.length > 0) throw new CommandFailed(failures.join("\n\n"));
  say("\n0 traps, 0 hangs, 0 wrong codes");
  process.exit(); // Runners that never end are part of it.
});

function options() {
  try {
    const string = { type: "string" };
    const { values } = parseArgs({
      options: {
        seed: string,
        calls: string,
        browser: string,
        ignore: string,
        "no-build": { type: "boolean" },
        traced: { type: "boolean" },
        nats: { type: "boolean" },
      },
    });
    const { browser, ignore, traced, nats } = values;
    const seed = Number(values.seed ?? 1 + Math.floor(Math.random() * 1_000_000));
    const calls = Number(values.calls ?? (values.seed === undefined ? 100_000 : CALLS));
    if (![seed, calls].every((number) => Number.isSafeInteger(number) && number > 0)) throw new Error("whole numbers above 0, please");
    if (browser !== undefined && browser !== "chromium") throw new Error(`${browser} is not fuzzed`);
    if (browser !== undefined && (traced || nats)) throw new Error("tracing and NATS are fuzzed in Node");
    const place = browser ?? (nats ? "nats" : traced ? "traced" : "node");
    const storages = browser ? ["indexeddb", "memory"] : [nats ? "nats" : "memory"];
    return { browser, place, ignore, seed, calls, quick: values["no-build"], storages };
  } catch (error) {
    throw new CommandFailed(
      `${error.message}\nusage: npm run fuzz -- [--seed 1] [--calls 100000] [--browser chromium] [--traced] [--nats] [--ignore words] [--no-build]`,
    );
  }
}
