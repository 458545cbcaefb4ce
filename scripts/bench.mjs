/**
 * `npm run bench`: what things cost, in headless Chromium, beside a floor or a peer of the same run, as medians and ratios.
 *
 *   npm run bench -- --quick             smaller, for a look
 *   npm run bench -- --only history      one file of tests/bench/benchmarks
 *   npm run bench -- --dist some/dist    measures that build instead of making one
 *
 * Judges nothing by itself: a mark is for people, and the exit code says only whether all of it could be measured.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { build, needs as buildNeeds } from "./build.mjs";
import { answer, crash, keep, machine, origin, siteOf } from "./lib/bench-run.mjs";
import { table } from "./lib/bench-table.mjs";
import { inRepo } from "./lib/paths.mjs";
import { CommandFailed, main, say, timed } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";
import { chromiumFlags, chromiumPath } from "./setup/browsers.mjs";

const benchmarks = readdirSync(inRepo("tests/bench/benchmarks")).map((file) => basename(file, ".js")).sort();

await main(async () => {
  const { only, dist, ...sizes } = options();
  await setUp("chromium", ...(dist ? ["packages"] : buildNeeds));
  if (!dist) await build();
  const site = siteOf(dist);

  const rows = [];
  let browser;
  for (const name of only) {
    say(`\n${name}`);
    const { result, seconds } = await timed(() => measure(name, sizes, site));
    say(`  measured in ${seconds} s`);
    browser = result.browser;
    rows.push(...result.rows.map((row) => ({ benchmark: name, ...row })));
  }
  const run = { at: new Date().toISOString(), machine: { ...machine(), browser }, ...sizes, rows };
  say(`\n${table(run)}\n\n${keep(run)}`);
});

function options() {
  const usage = `usage: npm run bench -- [--quick] [--rounds 9] [--only ${benchmarks.join("|")}]… [--dist folder]`;
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        only: { type: "string", multiple: true, default: benchmarks },
        dist: { type: "string" },
      },
    });
    const { quick, only, dist } = values;
    const rounds = Number(values.rounds ?? (quick ? 5 : 9));
    if (!(Number.isInteger(rounds) && rounds >= 5)) throw new Error("a median needs 5 rounds or more");
    const unknown = only.filter((name) => !benchmarks.includes(name));
    if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(", ")}`);
    return { quick, rounds, only, dist };
  } catch (error) {
    throw new CommandFailed(`${error.message}\n${usage}`);
  }
}

/** Runs one benchmark in a browser of its own, with a new profile on the disk: nothing of another one is in its way. */
async function measure(name, sizes, site) {
  // Imported late: on a fresh clone it is not installed when this file is loaded.
  const { chromium } = await import("playwright-core");
  const profile = mkdtempSync(join(tmpdir(), "longwait-bench-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: chromiumPath(), args: chromiumFlags });
  try {
    await context.route(`${origin}/**`, (route) => answer(route, site));
    const page = await context.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(error));
    page.on("console", (message) => say(`  ${message.text()}`));
    await page.goto(`${origin}/index.html`);
    await exposeBusySeconds(page);
    await exposeTabs(page);
    const rows = await page.evaluate(
      async ({ name, sizes }) => {
        if (!crossOriginIsolated) throw new Error("the clock is too coarse: the page is not isolated");
        const { run } = await import(`/benchmarks/${name}.js`);
        return run(sizes);
      },
      { name, sizes },
    );
    if (faults.length > 0) throw faults[0];
    return { rows, browser: `Chromium ${context.browser().version()}` };
  } catch (cause) {
    throw new CommandFailed(`${name} could not be measured: ${cause.stack}`, { cause });
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Gives the page what only the browser knows: for how many seconds its main thread has been busy so far. */
async function exposeBusySeconds(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  await page.exposeFunction("busySeconds", async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  });
}

/** Lets the page open other tabs of this browser, crash them, and close them; see tests/bench/another-tab.js. */
async function exposeTabs(page) {
  const tabs = new Map();
  await page.exposeFunction("openTab", async (name) => {
    const tab = await page.context().newPage();
    tabs.set(name, tab);
    await tab.goto(`${origin}/tab.html?${new URLSearchParams({ name })}`);
  });
  await page.exposeFunction("crashTab", (name) => crash(tabs.get(name)));
  await page.exposeFunction("closeTab", (name) => tabs.get(name).close());
}
