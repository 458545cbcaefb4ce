/**
 * `npm test`: every job of continuous integration, in order, all of them even when one fails.
 * `npm test -- native size`: only those.
 * `npm test -- quick`: the loop of editing and testing, in less than three minutes on a machine where all is built: an
 * unoptimised build, and of the browsers Chromium with two tabs alone.
 *
 * The last line adds up all runners: `N passed, N failed`. Tests that were skipped are counted by themselves.
 */

import { build, needs as buildNeeds } from "./build.mjs";
import { add, fail, none } from "./lib/counts.mjs";
import { CommandFailed, main, say, timed } from "./lib/run.mjs";
import { trySetUp } from "./setup.mjs";

/** Fast answers first; then what compiles natively, then what compiles for the browser. */
const jobs = [
  "rust-lint",
  "native",
  "types",
  "size",
  "node",
  "consumers",
  "docs",
  "fuzz",
  "browser-chromium",
  "browser-firefox",
  "browser-webkit",
  "tabs-chromium",
  "tabs-firefox",
  "tabs-webkit",
  "kills",
  "nats",
  "conformance-nats",
  "e2e",
];

/** Of the browsers only the suite of two tabs in Chromium, which `tabs-chromium` runs as well. */
const quick = ["rust-lint", "native", "types", "node", "two-chromium"];

async function test() {
  const named = process.argv.slice(2);
  const chosen = await load(choice(named));
  const problems = await prepare(chosen, { quick: named.includes("quick") });
  const rows = [];
  for (const { name, job } of chosen) {
    title(name);
    const { result, seconds } = await timed(() => check(job, problems));
    rows.push({ name, ...result, seconds });
  }
  report(rows);
}

function choice(named) {
  const unknown = named.filter((name) => name !== "quick" && !jobs.includes(name));
  if (unknown.length > 0)
    throw new CommandFailed(`no such job: ${unknown.join(", ")}\njobs: ${jobs.join(", ")}, or quick: ${quick.join(", ")}`);
  const wanted = named.flatMap((name) => (name === "quick" ? quick : name));
  return wanted.length === 0 ? jobs : [...new Set([...jobs, ...quick])].filter((name) => wanted.includes(name));
}

const load = (names) => Promise.all(names.map(async (name) => ({ name, job: await import(`./jobs/${name}.mjs`) })));

/** Sets up all that the jobs need, and builds. Answers what went wrong: need → words. */
async function prepare(chosen, how) {
  title("setup");
  const needs = new Set(chosen.flatMap(({ job }) => job.needs));
  const builds = needs.delete("build");
  if (builds) for (const name of buildNeeds) needs.add(name);
  const { result: problems, seconds } = await timed(() => trySetUp(needs));
  say(`setup took ${seconds} s`);
  if (!builds) return problems;

  title("build");
  const lacking = buildNeeds.filter((need) => problems.has(need));
  try {
    if (lacking.length > 0) throw new CommandFailed(`cannot build without ${lacking.join(", ")}`);
    const { seconds } = await timed(() => build(how));
    say(`build took ${seconds} s`);
  } catch (error) {
    say(explain(error));
    problems.set("build", "see above");
  }
  return problems;
}

async function check(job, problems) {
  const missing = job.needs.filter((need) => problems.has(need));
  for (const need of missing) say(`cannot run: ${need}: ${problems.get(need)}`);
  if (missing.length > 0) return fail;
  try {
    return await job.run();
  } catch (error) {
    say(explain(error));
    return fail;
  }
}

const explain = (error) => (error instanceof CommandFailed ? error.message : error.stack);

const title = (name) => say(`\n── ${name} ${"─".repeat(Math.max(0, 60 - name.length))}`);

function report(rows) {
  title("result");
  for (const { name, passed, failed, skipped, seconds } of rows) {
    const counts = `${`${passed} passed`.padStart(14)}${`${failed} failed`.padStart(12)}`;
    say(`${name.padEnd(18)}${counts}${(skipped > 0 ? `${skipped} skipped` : "").padStart(14)}${`${seconds} s`.padStart(12)}`);
  }
  const { passed, failed } = rows.reduce(add, none);
  if (failed > 0) process.exitCode = 1;
  say(`\n${passed} passed, ${failed} failed`);
}

await main(test);
