/** One round: chats are answered in several tabs, the tab dies that answers the first one, and in the end all readers have each word once. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inRepo } from "../../../scripts/lib/paths.mjs";
import { bundleWithSdk, VERSIONS } from "../../support/ai-sdk.mjs";
import { livingTabs } from "../living.mjs";
import { counted } from "../round.mjs";
import * as page from "./page.mjs";
import { plan, textOf } from "./plan.mjs";

const scripts = new Map();

/** The app for the tabs, with a version of the AI SDK. */
export async function scriptFor(version) {
  const main = await readFile(inRepo("tests/kills/chats/app.js"), "utf8");
  if (!scripts.has(version)) scripts.set(version, bundleWithSdk(version, { main, longwait: "/index.js" }));
  return scripts.get(version);
}

/** `{ seed, version, moment, death, deaths, tools, words, readers, violations }`. */
export async function round(seed, url) {
  const { moment, death, at, victims, chats } = plan(seed);
  const version = VERSIONS[(seed + Math.floor(seed / 5)) % VERSIONS.length];
  const script = await scriptFor(version);
  const profile = mkdtempSync(join(tmpdir(), "longwait-chats-"));
  const progress = counted();
  const prepare = (context) => context.route("**/chats.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  const ids = chats.map(({ chat }) => chat);
  const opening = { name: `chats ${seed}`, chats: ids };
  const tabs = await livingTabs({ url, profile, inWorker: () => false, ran: progress.add, prepare, open: page.open, ...opening });
  try {
    const [held] = ids;
    const of = (id, key) => (ran) => ran.findLast((one) => one.id === id && one.key === key);
    const isThere = {
      "first call": (ran) => ran.find(({ id, key, n }) => id === held && key === "call 0" && n >= at),
      "second call": (ran) => ran.find(({ id, key, n }) => id === held && key === "call 1" && n >= at),
      "third call": (ran) => ran.find(({ id, key, n }) => id === held && key === "call 2" && n >= at),
      tool: of(held, "tool"),
      approval: of(held, "asked"),
    }[moment];
    await tabs.insist(page.begin, chats);
    const isAnswered = { [held]: moment === "approval" ? false : undefined };
    const answers = chats
      .filter(({ asks }) => asks)
      .map(async ({ chat }) => {
        await progress.until((ran) => isAnswered[chat] !== false && of(chat, "asked")(ran));
        await tabs.insist(page.answer, of(chat, "asked")(progress.ran).approval);
      });
    await progress.until(isThere);
    const working = isThere(progress.ran).tab;
    await tabs.die({ death, victims }, working, async () => {});
    delete isAnswered[held];
    progress.look();
    await Promise.all(answers);
    await tabs.insist(page.ended, ids);
    const found = await tabs.inEach(page.ended, ids);
    const violations = found.flatMap((readings) => readings.flatMap((reading, n) => wrongs(chats[n], reading, progress.ran)));
    const worked = new Set(progress.ran.filter(({ id }) => id === held).map(({ tab }) => tab));
    if (worked.size < 2) violations.push("no tab took over, so that the round proves nothing");
    return {
      seed,
      version: version.version,
      moment,
      death,
      tools: progress.ran.filter(({ key }) => key === "tool").length,
      words: chats.flatMap(({ calls }) => calls).reduce((sum, words) => sum + words, 0),
      readers: found.length,
      violations: [...new Set([...violations, ...(await tabs.faults())])],
    };
  } finally {
    await tabs.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** What is wrong with a chat, as one tab has it. */
function wrongs(chat, { output, turns, events, text, stored, outputs }, ran) {
  const wrong = [];
  const must = (holds, words) => holds || wrong.push(`chat ${chat.chat}: ${words}`);
  must(turns === 1, `has ${turns} turns`);
  must(output.type === "success", `ended with ${JSON.stringify(output)}`);
  const expected = textOf(chat);
  must(text === expected, `reads ${JSON.stringify(text)} in place of ${JSON.stringify(expected)}`);
  must(stored === expected, `has stored ${JSON.stringify(stored)} in place of ${JSON.stringify(expected)}`);
  const records = events.filter(({ eventType, payload }) => eventType === "process.step" && payload.value?.fence !== undefined);
  must(records.length === 2, `has ${records.length} records of tools`);
  const given = JSON.stringify(records.map(({ payload }) => ({ output: payload.value })));
  for (const shown of outputs) must(JSON.stringify(shown) === given, `shows of its tools ${JSON.stringify(shown)} in place of ${given}`);
  for (const { toolCallId, fence } of ran.filter(({ id, key }) => id === chat.chat && key === "tool")) {
    const record = records.find(({ payload }) => payload.key === toolCallId);
    must(record !== undefined, `ran a tool for a call ${toolCallId} that is not on record`);
    must(record === undefined || fence <= record.payload.value.fence, `ran ${toolCallId} under fence ${fence}, behind its record`);
  }
  return wrong;
}
