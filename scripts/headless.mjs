/**
 * `npm start -- --headless`: the main job, done once through the demo page in a headless browser and told in lines.
 *
 * What a line reports was read from the page. The first thing that does not happen ends it with an error.
 */

import { demo } from "./lib/demo-page.mjs";
import { isScript } from "./lib/is-script.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";

export async function run() {
  const site = await demo();
  try {
    const page = await told("open the page", () => site.visit());
    say(
      `\nThe demo page at ${site.url} in Chromium ${site.browser.version()}; storage: ${await read(page.page.locator("#fact-durability"))}`,
    );
    await startAndAppend(page);
    await waitAndReload(page);
    await failAndCancel(page);
    await refuse(page);
    await takeOver(site);
    await told("keep the console free of errors", () => nothingIn(page.complaints));
    say("\nAll of it happened.");
  } finally {
    await site.close();
  }
}

async function startAndAppend(page) {
  title("Start and append");
  await step("started report", async () => {
    await page.started({ id: "report", title: "Nightly report" });
    return state(page);
  });
  for (const percent of [10, 20])
    await step(
      `appended progress ${percent}%`,
      async () => `#${await page.appended({ type: "progress", payload: `{"percent":${percent}}` })}`,
    );
  await step("appended a note twice under one replay key", async () => {
    const note = { type: "note", payload: '"once"', key: "note-1" };
    const sequence = await page.appended(note);
    await page.append(note);
    await page.appendForm.getByText("Already recorded").waitFor();
    return `#${sequence}, and #${sequence} again`;
  });
}

async function waitAndReload(page) {
  title("Wait, reload, resolve");
  await step("four waits", async () => {
    await page.wait();
    await page.wait({ type: "progress" });
    await page.wait({ type: "note", untilTerminal: true });
    await page.wait({ type: "note", timeout: 0.3 });
    await page.card("Rejected", "timeout").waitFor();
    await page.fact("Waits pending", "3");
    return "3 pending, and the one with a limit of 0.3 s rejected with timeout";
  });
  await step("aborted the wait for a note", async () => {
    await page.card("note", "Pending").getByRole("button", { name: "Abort" }).click();
    await page.card("Aborted").waitFor();
    return `the process is still ${await state(page)}`;
  });
  await step("reloaded the page mid-wait", async () => {
    await page.reload();
    await page.card("Pending", "re-armed after reload").nth(1).waitFor();
    await page.event(3).waitFor();
    return `${await page.card("re-armed after reload").count()} waits re-armed, ${await page.log.getByRole("listitem").count()} events in the log`;
  });
  await step("appended progress 80%", async () => {
    const sequence = await page.appended({ type: "progress", payload: '{"percent":80}' });
    return `#${sequence}; ${await ending(page.card("Resolved", `#${sequence}`))}`;
  });
  await step("completed report", async () => {
    await page.ended("completed", '{"pages":12}');
    return `${await state(page)}; ${await ending(page.card("Resolved", "the end of report"))}`;
  });
  await page.fact("Waits pending", "0");
}

async function failAndCancel(page) {
  title("Fail and cancel");
  await step("failed import", async () => {
    await page.started({ id: "import" });
    await page.wait();
    await page.ended("failed", "the file has no header");
    return `${await state(page)}; ${await ending(page.card("Resolved", "the end of import"))}`;
  });
  await step("asked upload to cancel", async () => {
    await page.started({ id: "upload" });
    await page.wait();
    await page.requestCancel("not needed");
    await page.detail.getByText("Cancel was requested").waitFor();
    return `recorded as #1; still ${await state(page)}`;
  });
  await step("ended upload as cancelled", async () => {
    await page.ended("cancelled", "stopped as asked");
    return `${await state(page)}; ${await ending(page.card("Resolved", "the end of upload"))}`;
  });
}

async function takeOver(site) {
  title("Takeover");
  const page = await site.browser.newPage();
  await page.goto(`${site.url}takeover.html?pace=300`);
  const running = page.locator(".tab[data-runs]");
  const story = page.getByRole("list", { name: "What happened" }).getByRole("listitem");
  await step("two tabs, one job", async () => {
    await running.waitFor();
    return read(story.first());
  });
  await step("closed the tab that ran it", async () => {
    await running.getByRole("button").click();
    await story.nth(1).waitFor();
    return read(story.nth(1));
  });
  await step("the other one went on", async () => {
    await page.getByText("Done:").waitFor();
    return read(page.locator("#now"));
  });
  await page.close();
}

async function refuse(page) {
  title("Errors in words");
  await page.started({ id: "mistakes" });
  const mistakes = {
    "a payload that is not JSON": { type: "progress", payload: '{"percent":' },
    "a payload that does not fit": { type: "progress", payload: '{"percent":140}' },
    "an event type that was not declared": { type: "surprise", payload: "1" },
  };
  for (const [what, event] of Object.entries(mistakes))
    await step(what, async () => {
      await page.append(event);
      return read(page.appendForm.locator(".fault"));
    });
  await step("an id that is taken", async () => {
    await page.start({ id: "report", kind: "Approval" });
    return read(page.startForm.locator(".fault"));
  });
}

const title = (words) => say(`\n${words}`);

async function step(what, work) {
  say(`  ${what}: ${await told(what, work)}`);
}

/** An error of the work, as one that names the step for people. */
async function told(what, work) {
  try {
    return await work();
  } catch (cause) {
    throw new CommandFailed(`This did not happen: ${what}.\n${cause.message}`, { cause });
  }
}

function nothingIn(complaints) {
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
}

const state = (page) => read(page.page.locator("#detail-state"));

/** How a card says that its wait ended. */
const ending = async (card) => `the wait for it resolved: ${await read(card.locator(".card-ending"))}`;

const read = async (locator) => (await locator.innerText()).trim().replace(/\s*\n\s*/g, "; ");

if (isScript(import.meta)) await main(run);
