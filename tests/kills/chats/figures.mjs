/** What turns of a chat cost, measured in Chromium, on IndexedDB, with the app of the kill rounds. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../../tabs/playwright.mjs";
import { site } from "../../tabs/site.mjs";
import { VERSIONS } from "../../support/ai-sdk.mjs";
import { scriptFor } from "./round.mjs";

/** As long as tokens of English are: 4.4 characters each. */
const WORDS = ["The ", "tide ", "comes ", "in ", "twice ", "a ", "day ", "and ", "the ", "moon ", "pulls ", "it."];
const CALLS = [20, 30, 450];
const PLAN = { calls: CALLS, pause: 0, asks: false, words: WORDS };

/**
 * `{ text, exported, files, joins, exact }` of so many turns, and so many more that are joined: bytes of one turn, the milliseconds of each join, and whether each reader had each token once.
 */
export async function figures(turns, joins) {
  const served = await site();
  const profile = mkdtempSync(join(tmpdir(), "longwait-figures-"));
  const script = await scriptFor(VERSIONS[0]);
  const start = async () => {
    const browser = await launch({ profile });
    await browser.context.route("**/chats.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
    const open = async (tab, drives) => {
      const page = await browser.openTab(served.url);
      await page.run(async (options) => (globalThis.app = await import("/chats.js")).open({ name: "figures", ...options }), {
        tab,
        drives,
      });
      return page;
    };
    return { browser, open };
  };
  const expected = CALLS.flatMap((count) => Array.from({ length: count }, (_, n) => WORDS[n % WORDS.length])).join("");
  try {
    const first = await start();
    const one = await first.open("one", true);
    // What is there once, whatever is said in a chat.
    await one.run(turn, { ...PLAN, chat: "before", calls: [1, 1, 1] });
    await first.browser.close();
    const filesBefore = sizeOf(profile);

    const second = await start();
    const two = await second.open("two", true);
    const exact = [];
    for (let n = 0; n < turns; n++) exact.push((await two.run(turn, { ...PLAN, chat: `chat-${n}` })) === expected);
    const exported = await two.run(async () => {
      let bytes = 0;
      for await (const line of registry.exportProcesses({ filter: { labels: { chat: "chat-0" } } })) bytes += line.length;
      return bytes;
    });
    const tookMs = [];
    const other = await second.open("three", false);
    for (let n = 0; n < joins; n++) {
      const plan = { ...PLAN, chat: `joined-${n}`, pause: 4 };
      const asked = two.run(turn, plan);
      await other.run(joined, { plan, at: 250 + n });
      const [read, took, text] = await Promise.all([asked, other.run(() => globalThis.joins), other.run(finished, plan.chat)]);
      exact.push(read === expected, text === expected);
      tookMs.push(took);
    }
    await second.browser.close();
    return { text: expected.length, exported, files: (sizeOf(profile) - filesBefore) / (turns + joins), joins: tookMs, exact };
  } finally {
    await served.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** A turn, from the question to its end. Gives its text. */
const turn = async (plan) => {
  await app.read(plan.chat);
  await app.begin(plan);
  return (await app.ended(plan.chat)).text;
};

/** Joins a chat once so many of its chunks are stored, and measures how long it takes until all of these are shown. */
const joined = async ({ plan, at }) => {
  const id = `chat:${plan.chat}/00000001`;
  const there = async () =>
    (await registry.getProcess(id)) && (await registry.listStreams(id)).find(({ name }) => name === "message")?.chunks;
  while (!((await there()) >= at));
  const chunks = [];
  for await (const { index, value } of registry.readStream(id, "message")) {
    if (typeof value === "string") chunks.push(value);
    if (index >= at - 1) break;
  }
  const text = chunks.join("");
  const began = performance.now();
  await app.read(plan.chat);
  const { chat } = chats.get(plan.chat);
  await new Promise((shown) => {
    const look = () => app.textOf(chat.lastMessage).startsWith(text) && shown();
    chat["~registerMessagesCallback"](look);
    look();
  });
  globalThis.joins = performance.now() - began;
};

const finished = async (id) => (await app.ended(id)).text;

/** The bytes of the files of all databases. */
function sizeOf(folder) {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile() && /IndexedDB/.test(entry.parentPath ?? entry.path));
  return files.reduce((sum, { parentPath, path, name }) => sum + statSync(join(parentPath ?? path, name)).size, 0);
}
