/** The agent's page for the tests beside this file, used as a person uses it, and what its logs hold. */
import assert from "node:assert/strict";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";

/**
 * Tabs of one profile. `open(name)` opens the agent in one more; `pace` makes its pauses longer or shorter. `at` is another tab, which
 * has begun a turn or is about to: the new one shows that turn.
 */
export async function tabs(t, served, options = {}) {
  const context = await served.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(20_000);
  return async function open(name, { pace = 0.2, at } = {}) {
    const page = await context.newPage();
    await at?.waitForURL(/#./);
    const complaints = complaintsOf(page);
    await page.goto(`${served.url}examples/agent/?tab=${name}&pace=${pace}${at ? new URL(at.url()).hash : ""}`);
    await page.getByText("Its driver runs").waitFor();
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
export const answer = (page) => page.locator(".said[data-last] .words");
export const steps = (page) => page.locator(".done li");

/** The steps in the logs of the turn that is shown, and of its tools: `{ process, key, tab }` for each record. */
export async function recorded(page) {
  const found = Object.entries(await page.evaluate(logs));
  return found.flatMap(([process, events]) =>
    events.filter(({ eventType }) => eventType === "process.step").map(({ payload: { key, value } }) => ({ process, key, tab: value.tab })),
  );
}

/** How the turn and its tools end, by process. */
export async function ends(page) {
  const found = Object.entries(await page.evaluate(logs, { untilTerminal: true }));
  return Object.fromEntries(found.map(([process, events]) => [process, events.at(-1).eventType]));
}

/** No step stands in the logs twice. */
export function isOnce(done) {
  assert.equal(done.length, new Set(done.map(({ process, key }) => `${process} ${key}`)).size);
}

/** The logs of the turn that is shown, called "", and of its tools; until they end, if need be. Runs in the page. */
async function logs({ untilTerminal = false } = {}) {
  const { openRegistry } = await import("longwait");
  const registry = await openRegistry({ name: "agent" });
  const turn = decodeURIComponent(location.hash.slice(1));
  const found = {};
  for (const { id } of await registry.listProcesses({ status: "any" })) {
    if (!id.startsWith(turn)) continue;
    if (untilTerminal) await registry.awaiter.awaitTerminal(id);
    found[id.slice(turn.length + 1)] = await registry.eventsAfter(id, 0);
  }
  await registry.close();
  return found;
}
