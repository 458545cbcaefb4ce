/**
 * `npm run chat:figures`: what a turn of a chat costs, of 500 tokens and two tool calls, in Chromium on IndexedDB: how much is stored of it in the end, and how long a second
 * tab takes to join in the middle of it. The files hold what was written and removed, too, until the browser compacts them, which it does after some megabytes: `-- --turns 120` goes beyond that.
 */
import { parseArgs } from "node:util";
import { figures } from "../tests/kills/chats/figures.mjs";
import { main, say } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";

await main(async () => {
  const { values } = parseArgs({ options: { turns: { type: "string", default: "10" }, joins: { type: "string", default: "10" } } });
  await setUp("chromium", "samples");
  const { text, exported, files, joins, exact } = await figures(Number(values.turns), Number(values.joins));
  const times = (bytes) => `${Math.round(bytes)} bytes, ${(bytes / text).toFixed(2)} times the text`;
  say(`text of a turn: ${text} bytes in 500 tokens and 2 tool calls`);
  say(`what is stored of it, as exported JSON: ${times(exported)}`);
  say(`files of the database for it: ${times(files)}`);
  say(
    `a second tab joins in the middle: ${joins.map((ms) => ms.toFixed(0)).join(", ")} ms from its first call to the words that were there`,
  );
  say(`tabs that showed each token once: ${exact.filter(Boolean).length} of ${exact.length}`);
});
