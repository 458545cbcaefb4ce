/**
 * `npm run kills:nats -- --rounds 100`: clients of three NATS servers write and drive, servers, links and clients fail, and in the end all that was acknowledged
 * is looked for. The answer is a table.
 *
 *   npm run kills:nats -- --seed 7            only the round of that seed
 *   npm run kills:nats -- --seed 7 --rounds 5 five rounds from there on
 *
 * The environment may say the same: LONGWAIT_SEED and LONGWAIT_NATS_ROUNDS.
 */

import { parseArgs } from "node:util";
import { keep } from "../tests/kills/round.mjs";
import { FAULTS, HISTORY, seeds } from "../tests/nats/kills/plan.mjs";
import { build, needs as buildNeeds } from "./build.mjs";
import { checkHistory } from "./lib/history.mjs";
import { CommandFailed, main, say, timed } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";

await main(async () => {
  const { chosen, built } = options();
  await setUp("nats", "chromium", ...buildNeeds);
  if (!built) await build();

  // It imports what was built.
  const { ground, round } = await import("../tests/nats/kills/round.mjs");
  const all = await ground();
  const rounds = [];
  for (const seed of chosen) rounds.push(await reported(seed, () => round(seed, all)));
  await all.close();
  say(`\n${table(rounds)}\n`);

  keep(
    rounds.flatMap(({ histories }) => histories),
    HISTORY,
  );
  const { code, output } = await checkHistory(HISTORY, { quiet: true });
  say(code === 0 ? `The checker of the simulation has nothing to add: ${HISTORY}` : output);
  if (code !== 0 || rounds.some(({ violations }) => violations.length > 0)) throw new CommandFailed("Promises were broken: see above.");
});

function options() {
  try {
    const { values } = parseArgs({ options: { rounds: { type: "string" }, seed: { type: "string" }, built: { type: "boolean" } } });
    const { LONGWAIT_SEED = values.seed, LONGWAIT_NATS_ROUNDS = values.rounds } = process.env;
    const chosen = seeds(10, { LONGWAIT_SEED, LONGWAIT_NATS_ROUNDS });
    if (!chosen.every(Number.isSafeInteger) || chosen.length === 0) throw new Error("numbers, please");
    return { chosen, built: values.built };
  } catch (error) {
    throw new CommandFailed(`${error.message}\nusage: npm run kills:nats -- [--rounds 10] [--seed 1] [--built]`);
  }
}

async function reported(seed, round) {
  const { result, seconds } = await timed(round);
  const { faults, acknowledged, stallMs, violations, folder } = result;
  const kinds = faults.map(({ kind, waits }) => (waits ? `${kind}.` : kind)).join(" ");
  say(`seed ${seed}: ${kinds}; ${acknowledged} acknowledged, longest stall ${stallMs} ms; ${seconds} s`);
  for (const { kind, words } of violations) say(`  seed ${seed}: ${kind}: ${words}`);
  if (violations.length > 0) say(`  seed ${seed}: recorded in ${folder}`);
  return { ...result, seconds };
}

/** One row for each figure: there is one column. */
function table(rounds) {
  const sum = (of) => rounds.reduce((total, round) => total + of(round), 0);
  const broken = (kind) => sum(({ violations }) => violations.filter((one) => one.kind === kind).length);
  const stalls = rounds.map(({ stallMs }) => stallMs).sort((a, b) => a - b);
  const rows = [
    ["rounds", rounds.length],
    ...FAULTS.map((kind) => [`faults: ${kind}`, sum(({ faults }) => faults.filter((fault) => fault.kind === kind).length)]),
    ["writes acknowledged", sum(({ acknowledged }) => acknowledged)],
    ["writes of which nothing is known", sum(({ open }) => open)],
    ["writes refused after too many races", sum(({ conflicts }) => conflicts)],
    ["processes that drivers ran", sum(({ histories }) => histories.length)],
    ["takeovers", sum(({ takeovers }) => takeovers)],
    ["fences given", sum(({ fences }) => fences)],
    ["lost", broken("lost")],
    ["doubled", broken("doubled")],
    ["logs with gaps", broken("gap")],
    ["fences of two holders, or written behind a higher one", broken("fence")],
    ["other broken promises", broken("other")],
    ["longest stall of a client, ms: median of the rounds", stalls[stalls.length >> 1]],
    ["longest stall of a client, ms: of all", stalls.at(-1)],
    ["seconds", Math.round(sum(({ seconds }) => seconds))],
  ].map((cells) => cells.map(String));
  const widths = [0, 1].map((column) => Math.max(...rows.map((cells) => cells[column].length)));
  return rows.map(([name, figure]) => `${name.padEnd(widths[0])}  ${figure.padStart(widths[1])}`).join("\n");
}
