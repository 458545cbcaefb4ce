/**
 * `npm run kills -- --rounds 100`: processes run in tabs of Chromium, tabs die, and in the end every log is judged. Prints a table.
 *
 *   npm run kills -- --seed 7            only the round of that seed
 *   npm run kills -- --seed 7 --rounds 5 five rounds from there on
 *
 * The environment may say the same: LONGWAIT_SEED and LONGWAIT_ROUNDS.
 */

import { parseArgs } from "node:util";
import { KINDS, PROCESSES, seeds } from "../tests/kills/plan.mjs";
import { HISTORY, keep, round } from "../tests/kills/round.mjs";
import { site } from "../tests/tabs/site.mjs";
import { build, needs as buildNeeds } from "./build.mjs";
import { checkHistory } from "./lib/history.mjs";
import { CommandFailed, main, say, timed } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";

const columns = [
  "what dies",
  "rounds",
  "processes",
  "steps",
  "chunks",
  "attached",
  "attempts",
  "deaths",
  "takeovers",
  "ms to the first",
  "at most",
  "violations",
  "seconds",
];

await main(async () => {
  const chosen = options();
  await setUp("chromium", ...buildNeeds);
  await build();

  const served = await site();
  const rounds = [];
  for (const seed of chosen) rounds.push(await told(seed, served.url));
  await served.close();
  say(`\n${table(rounds)}\n`);

  keep(rounds.flatMap(({ histories }) => histories));
  const { code, output } = await checkHistory(HISTORY, { quiet: true });
  say(code === 0 ? `The checker of the simulation has nothing to add: ${HISTORY}` : output);
  if (code !== 0 || rounds.some(({ violations }) => violations.length > 0)) throw new CommandFailed("Promises were broken: see above.");
});

function options() {
  try {
    const { values } = parseArgs({ options: { rounds: { type: "string" }, seed: { type: "string" } } });
    const { LONGWAIT_SEED = values.seed, LONGWAIT_ROUNDS = values.rounds } = process.env;
    const chosen = seeds(KINDS.length, { LONGWAIT_SEED, LONGWAIT_ROUNDS });
    if (!chosen.every(Number.isSafeInteger) || chosen.length === 0) throw new Error("numbers, please");
    return chosen;
  } catch (error) {
    throw new CommandFailed(`${error.message}\nusage: npm run kills -- [--rounds 7] [--seed 1]`);
  }
}

async function told(seed, url) {
  const { result, seconds } = await timed(() => round(seed, url));
  const { kind, deaths, takeovers, firsts, violations } = result;
  say(`seed ${seed}: ${kind}, ${deaths} deaths, ${takeovers} takeovers, the first after ${firsts.join(", ")} ms; ${seconds} s`);
  for (const words of violations) say(`  seed ${seed}: ${words}`);
  return { ...result, seconds };
}

function table(rounds) {
  const lines = KINDS.map((kind) =>
    line(
      kind,
      rounds.filter((round) => round.kind === kind),
    ),
  );
  const all = [columns, ...lines, line("all", rounds)].map((cells) => cells.map(String));
  const widths = columns.map((_, column) => Math.max(...all.map((cells) => cells[column].length)));
  return all.map((cells) => cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]) : cell.padStart(widths[n]))).join("  ")).join("\n");
}

function line(kind, rounds) {
  const sum = (of) => rounds.reduce((total, round) => total + of(round), 0);
  const firsts = rounds.flatMap((round) => round.firsts).sort((a, b) => a - b);
  const [median, longest] = [firsts[firsts.length >> 1] ?? "", firsts.at(-1) ?? ""];
  const processes = rounds.length * PROCESSES;
  return [
    kind,
    rounds.length,
    processes,
    sum(({ steps }) => steps),
    sum(({ chunks }) => chunks),
    sum(({ attached }) => attached),
    sum(({ attempts }) => attempts),
    sum(({ deaths }) => deaths),
    sum(({ takeovers }) => takeovers),
    median,
    longest,
    sum(({ violations }) => violations.length),
    Math.round(sum(({ seconds }) => seconds)),
  ];
}
