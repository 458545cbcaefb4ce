/**
 * `npm run kills:chats -- --rounds 100`: chats are answered in tabs of Chromium, tabs die in the middle, and in the end every reader must have each word once, and every
 * tool must have been run once. Prints a table. `--seed 7` begins with that seed.
 *
 * It takes the package that was built.
 */
import { parseArgs } from "node:util";
import { DEATHS, MOMENTS } from "../tests/kills/chats/plan.mjs";
import { round } from "../tests/kills/chats/round.mjs";
import { site } from "../tests/tabs/site.mjs";
import { CommandFailed, main, say, timed } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";

await main(async () => {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "20" }, seed: { type: "string", default: "1" } } });
  await setUp("chromium", "samples");
  const served = await site();
  const rounds = [];
  for (let seed = Number(values.seed); rounds.length < Number(values.rounds); seed++) {
    const { result, seconds } = await timed(() => round(seed, served.url));
    rounds.push(result);
    say(
      `seed ${seed}: AI SDK ${result.version}, ${result.death} in the ${result.moment}, ${result.violations.length} violations, ${seconds} s`,
    );
    for (const words of result.violations) say(`  seed ${seed}: ${words}`);
  }
  await served.close();
  const sum = (of) => rounds.reduce((total, round) => total + of(round), 0);
  for (const death of DEATHS)
    say(
      `${death.padEnd(8)}${MOMENTS.map((moment) => `${moment} ${rounds.filter((one) => one.death === death && one.moment === moment).length}`).join(", ")}`,
    );
  const broken = sum(({ violations }) => violations.length);
  say(
    `${rounds.length} rounds, ${sum(({ words }) => words)} words, ${sum(({ tools }) => tools)} runs of tools, ${sum(({ readers }) => readers)} tabs that read: ${broken} violations`,
  );
  if (broken > 0) throw new CommandFailed("Promises were broken: see above.");
});
