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
import { version as natsVersion } from "../scripts/setup/nats.mjs";
import { publish } from "./docs.mjs";
import { goals } from "./goals.mjs";
import { browsers } from "./lib/browsers.mjs";
import { measureAll } from "./lib/measure.mjs";
import { benchSite } from "./lib/site.mjs";
import { goalsOf } from "./lib/table.mjs";

const named = (folder, extension) =>
  readdirSync(inRepo(folder))
    .filter((file) => file.endsWith(extension))
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
  const isOverNats = only.every((name) => overNats.includes(name));
  const inBrowser = only.filter((name) => benchmarks.includes(name) || name === "nats-browser");
  await setUp(...(inBrowser.length > 0 ? ["peers", ...needs] : []), ...(isOverNats ? ["nats"] : []), ...(dist ? ["packages"] : buildNeeds));
  if (!dist) await build();
  const site = inBrowser.length > 0 ? await benchSite(dist) : undefined;
  try {
    const opened = () => open(site.url);
    const built = { dist: resolve(dist ?? inRepo("dist")) };
    const measured = (name) => {
      if (statics.includes(name)) return look(`static/${name}`, built);
      if (overNats.includes(name)) return look(name.replace("-", "/"), { ...built, ...sizes, opened }, onNats());
      return measure(opened, name, sizes);
    };
    const run = await measureAll(only, sizes, measured, shown);
    if (docs && isOverNats) publish("nats", { ...run, isWhole: only.length === overNats.length });
    else if (docs) publish(browser, { ...run, isWhole: only.length === benchmarks.length });
  } finally {
    await site?.close();
  }
});

/** What stands where a run in a browser has that. */
function onNats() {
  return `Node ${process.versions.node} and nats-server ${natsVersion()}`;
}

function options() {
  const usage =
    `usage: npm run bench -- [--quick] [--rounds 9] [--goals | --only ${[...benchmarks, ...statics, "nats", ...overNats].join("|")}]… [--dist folder] ` +
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
    const asked = values.only ?? (values.goals ? goals : benchmarks);
    const only = asked.flatMap((name) => (name === "nats" ? overNats : [name]));
    const rounds = Number(values.rounds ?? (quick ? 5 : 9));
    if (!(Number.isInteger(rounds) && rounds >= 5)) throw new Error("a median needs 5 rounds or more");
    const unknown = only.filter((name) => ![...benchmarks, ...statics, ...overNats].includes(name));
    if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(", ")}`);
    const many = only.filter((name) => overNats.includes(name)).length;
    if (many > 0 && many < only.length) throw new Error("those over NATS are a run of their own");
    if (!(browser in browsers)) throw new Error(`no such browser: ${browser}`);
    return { quick, rounds, only, dist, browser, docs, shown: values.goals ? goalsOf : undefined };
  } catch (error) {
    throw new CommandFailed(`${error.message}\n${usage}`);
  }
}

/** Runs one that this process measures. */
async function look(file, given, browser) {
  const { run } = await import(`./${file}.mjs`);
  return { rows: await within(run(given)), browser };
}

/** Runs one benchmark in a browser of its own: nothing of another one is in its way. */
async function measure(opened, name, sizes) {
  const browser = await opened();
  try {
    return { rows: await within(browser.measure(`benchmarks/${name}`, sizes)), browser: browser.version };
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
