/** The agent's page for the tests beside this file, used as a person uses it, and what its logs hold. */
import assert from "node:assert/strict";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";

/**
 * Tabs of one profile. `open(name)` opens the agent in one more; `pace` makes its pauses longer or shorter. `at` is another tab: the new one shows its chat.
 */
export async function tabs(t, served, options = {}) {
  const context = await served.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(20_000);
  return async function open(name, { pace = 0.2, at } = {}) {
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${served.url}examples/agent/?tab=${name}&pace=${pace}${at ? new URL(at.url()).hash : ""}`);
    await page.getByLabel("Your question").waitFor();
    t.after(() => assert.deepEqual(complaints, []));
    return Object.assign(page, { complaints });
  };
}

export const suggested = (page, words = "How far is the Moon?") => page.getByRole("button", { name: words }).click();

export async function ask(page, question) {
  await page.getByLabel("Your question").fill(question);
  await page.keyboard.press("Enter");
}

export const state = (page, words) => page.locator("#state").getByText(words, { exact: true }).waitFor();
export const allow = (page) => page.getByRole("button", { name: "Allow", exact: true });
export const stop = (page) => page.getByRole("button", { name: "Stop", exact: true });
export const answer = (page) => page.locator(".said[data-last]");
/** The shelves that the researcher has read, each with the tab that did it. */
export const shelves = (page) => page.locator(".researcher .done li");

/** What the logs of the chat that is shown have on record: `{ process, key, value }` for each step of its turns, and of the researchers that they called. */
export async function recorded(page) {
  const found = Object.entries(await page.evaluate(logs));
  return found.flatMap(([process, { events }]) =>
    events.filter(({ eventType }) => eventType === "process.step").map(({ payload: { key, value } }) => ({ process, key, value })),
  );
}

/** How the turns of the chat end, and their researchers, each as `[kind, event type]`. */
export async function ends(page) {
  const found = Object.values(await page.evaluate(logs, { untilTerminal: true }));
  return found.map(({ kind, events }) => [kind, events.at(-1).eventType]);
}

/** No step stands in the logs twice. */
export function isOnce(done) {
  assert.equal(done.length, new Set(done.map(({ process, key }) => `${process} ${key}`)).size);
}

/** Which tabs have read shelves. */
export const readers = (done) => [...new Set(done.flatMap(({ value }) => value?.by ?? []))];

/** The kinds and the logs of all processes of the chat that is shown; once they have ended, if need be. Runs in the page. */
async function logs({ untilTerminal = false } = {}) {
  const { openRegistry } = await import("/node_modules/longwait/dist/index.js");
  const registry = await openRegistry({ name: "agent" });
  const found = {};
  for (const { id, identity } of await registry.listProcesses({ status: "any" })) {
    if (!id.startsWith(`chat:${location.hash.slice(1)}/`)) continue;
    if (untilTerminal) await registry.awaiter.awaitTerminal(id);
    found[id] = { kind: identity.kind, events: await registry.eventsAfter(id, 0) };
  }
  await registry.close();
  return found;
}
