/**
 * `npm run bench`: what things cost, in headless Chromium, beside a floor or a peer of the same run, as medians and ratios.
 *
 *   npm run bench -- --quick             smaller, for a look
 *   npm run bench -- --goals             what has to meet a goal, and only that in the table
 *   npm run bench -- --only history      one file of bench/page/benchmarks or bench/static
 *   npm run bench -- --only nats         those of bench/nats, which need no browser and start servers; or one, as in nats-appends
 *   npm run bench -- --dist some/dist    measures that build instead of making one
 *   npm run bench -- --browser firefox   without what only Chromium gives
 *   npm run bench -- --docs              writes it into docs/benchmarks.md as well
 *
 * Judges nothing by itself: a mark is for people, and the exit code says only whether all of it could be measured.
 */

import { readdirSync } from "node:fs";
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, needs as buildNeeds } from "../scripts/build.mjs";
import { inRepo } from "../scripts/lib/paths.mjs";
import { CommandFailed, main } from "../scripts/lib/run.mjs";
import { setUp } from "../scripts/setup.mjs";
import { publish } from "./docs.mjs";
import { goals } from "./goals.mjs";
import { browsers } from "./lib/browsers.mjs";
import { measureAll } from "./lib/measure.mjs";
import { benchSite } from "./lib/site.mjs";
import { goalsOf } from "./lib/table.mjs";

const named = (folder, extension) =>
  readdirSync(inRepo(folder))
    .map((file) => basename(file, extension))
    .sort();
const benchmarks = named("bench/page/benchmarks", ".js");
/** Those that take no browser: they look at the package and at its sources. */
const statics = named("bench/static", ".mjs");
/** Those over NATS, which run in Node. */
const overNats = named("bench/nats", ".mjs").map((name) => `nats-${name}`);

/** No benchmark takes nearly as long; the longest fills a database with a million events. */
const MOST_MINUTES = 40;

await main(async () => {
  const { only, dist, browser, docs, shown, ...sizes } = options();
  const { needs, open } = browsers[browser];
  await setUp("peers", ...needs, ...(dist ? ["packages"] : buildNeeds));
  if (!dist) await build();
  const site = await benchSite(dist);
  try {
    const built = { dist: resolve(dist ?? inRepo("dist")) };
    const measured = (name) => (statics.includes(name) ? look(name, built) : measure(open, site, name, sizes));
    const run = await measureAll(only, sizes, measured, shown);
    if (docs) publish(browser, { ...run, isWhole: only.length === benchmarks.length });
  } finally {
    await site.close();
  }
});

function options() {
  const usage =
    `usage: npm run bench -- [--quick] [--rounds 9] [--goals | --only ${[...benchmarks, ...statics].join("|")}]… [--dist folder] ` +
    `[--browser ${Object.keys(browsers).join("|")}] [--docs]`;
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        goals: { type: "boolean", default: false },
        only: { type: "string", multiple: true },
        dist: { type: "string" },
        browser: { type: "string", default: "chromium" },
        docs: { type: "boolean", default: false },
      },
    });
    const { quick, dist, browser, docs } = values;
    const only = values.only ?? (values.goals ? goals : benchmarks);
    const rounds = Number(values.rounds ?? (quick ? 5 : 9));
    if (!(Number.isInteger(rounds) && rounds >= 5)) throw new Error("a median needs 5 rounds or more");
    const unknown = only.filter((name) => ![...benchmarks, ...statics].includes(name));
    if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(", ")}`);
    if (!(browser in browsers)) throw new Error(`no such browser: ${browser}`);
    return { quick, rounds, only, dist, browser, docs, shown: values.goals ? goalsOf : undefined };
  } catch (error) {
    throw new CommandFailed(`${error.message}\n${usage}`);
  }
}

async function look(name, built) {
  const { run } = await import(`./static/${name}.mjs`);
  return { rows: await run(built) };
}

/** Runs one benchmark in a browser of its own: nothing of another one is in its way. */
async function measure(open, site, name, sizes) {
  const browser = await open(site.url);
  try {
    return { rows: await within(browser.measure(name, sizes)), browser: browser.version };
  } finally {
    await browser.close();
  }
}

/** A promise of the package that never settles must not keep the other benchmarks from being measured. */
async function within(measured) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`not measured after ${MOST_MINUTES} minutes`)), MOST_MINUTES * 60_000);
  });
  try {
    return await Promise.race([measured, late]);
  } finally {
    clearTimeout(timer);
  }
}
