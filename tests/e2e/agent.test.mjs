/** The agent of examples/agent, with its script: as a person uses it, in one tab and in several. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, answer, ask, ends, isOnce, recorded, state, steps, suggested, tabs } from "./agent-page.mjs";
import { screenshot, site } from "./site.mjs";

const served = site();

/** What a test interrupts must not be over before, on a busy machine either: a search that nobody waits for takes 14 seconds. */
const SLOW = 5;

describe("the agent", () => {
  test("plans, uses tools, asks for permission, and answers", async (t) => {
    const page = await (await tabs(t, served))("otter");
    await screenshot({ page }, "agent-empty");
    await ask(page, "How long is the river Nile?");
    await state(page, "Waits for you");
    await screenshot({ page }, "agent-waiting");
    await page
      .getByRole("group", { name: /May it save the note/ })
      .getByRole("button", { name: "Allow", exact: true })
      .click();
    await state(page, "Answered");
    assert.match(
      await answer(page).innerText(),
      /^It takes 55 days on foot\. The river Nile is 6650 kilometres long\..*The note is saved\.$/,
    );
    await page.getByRole("region", { name: "Notes" }).getByText("Length of the Nile").waitFor();
    const done = await recorded(page);
    isOnce(done);
    assert.deepEqual(
      done.filter(({ process }) => process === "").map(({ key }) => key),
      ["model 1", "model 2", "model 3", "model 4"],
    );
    await screenshot({ page }, "agent-answered");
  });

  test("does not do what it is not allowed to", async (t) => {
    const page = await (await tabs(t, served))("otter");
    await suggested(page);
    await page.getByRole("button", { name: "Do not allow" }).click();
    await state(page, "Answered");
    assert.match(await answer(page).innerText(), /I have not saved a note, as you wished\.$/);
    await page.getByText("not allowed", { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("agent note")).length), 0);
  });

  test("goes on after a reload in the middle of a sentence, and while it waits for a person", async (t) => {
    const page = await (await tabs(t, served))("otter", { pace: SLOW });
    await suggested(page);
    await page.locator(".said[data-live] .words", { hasText: "I will" }).waitFor();
    await page.goto(page.url().replace(`pace=${SLOW}`, "pace=0.2"));
    await state(page, "Waits for you");
    await page.locator(".said").first().getByText("run 2").waitFor();
    await page.reload();
    await allow(page).click();
    await state(page, "Answered");
    assert.equal(await page.locator(".said").count(), 4);
    await page.getByText("taken over by").waitFor();
  });

  test("loses nothing when its tab is closed in the middle of a tool: another tab goes on, and repeats no finished step", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter", { pace: SLOW });
    await suggested(one);
    await steps(one).filter({ hasText: "shelf" }).first().waitFor();
    const before = await recorded(one);
    const other = await open("heron", { pace: 0.1, at: one });
    await one.close();
    await allow(other).click();
    await state(other, "Answered");
    const after = await recorded(other);
    for (const step of before)
      assert.ok(
        after.some((known) => JSON.stringify(known) === JSON.stringify(step)),
        JSON.stringify(step),
      );
    isOnce(after);
    assert.deepEqual([...new Set(after.filter(({ key }) => key.startsWith("shelf")).map(({ tab }) => tab))], ["otter", "heron"]);
    await screenshot({ page: other }, "agent-taken-over");
  });

  test("is cancelled from another tab than the one it runs in", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter", { pace: SLOW });
    await suggested(one);
    // Either of the two may be the one that searches.
    const other = await open("heron", { pace: SLOW, at: one });
    await steps(one).first().waitFor();
    await other.getByRole("button", { name: "Cancel the turn" }).click();
    await state(one, "Cancelled");
    await state(other, "Cancelled");
    await other.getByText("Cancelled: the person cancelled it").waitFor();
    // The search would have gone on for long: it is cancelled with its turn.
    const { "": turn, "1-1": search } = await ends(other);
    assert.deepEqual([turn, search], ["process.cancelled", "process.cancelled"]);
  });

  test("is cancelled while no tab runs it, as soon as one does", async (t) => {
    const page = await (await tabs(t, served))("otter", { pace: SLOW });
    await suggested(page);
    await steps(page).first().waitFor();
    await page.getByRole("button", { name: "Stop this tab’s driver" }).click();
    await state(page, "Waits for a tab to run it");
    await page.getByRole("button", { name: "Cancel the turn" }).click();
    await state(page, "Being cancelled");
    await page.getByRole("button", { name: "Start this tab’s driver" }).click();
    await state(page, "Cancelled");
    const { "": turn, "1-1": search } = await ends(page);
    assert.deepEqual([turn, search], ["process.cancelled", "process.cancelled"]);
  });

  test("waits for a tab that runs it, and goes on where it was", async (t) => {
    const page = await (await tabs(t, served))("otter");
    await suggested(page);
    await allow(page).waitFor();
    await page.getByRole("button", { name: "Stop this tab’s driver" }).click();
    // Answered while nobody runs it: the answer is in the log, for whoever goes on.
    await allow(page).click();
    await state(page, "Waits for a tab to run it");
    await page.getByRole("button", { name: "Start this tab’s driver" }).click();
    await state(page, "Answered");
    isOnce(await recorded(page));
  });

  test("is handed over when its tab's driver is stopped; watching may stop, and changes nothing", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter", { pace: 1 });
    await suggested(one);
    await steps(one).first().waitFor();
    await one.getByRole("button", { name: "Stop this tab’s driver" }).click();
    await one.getByText("Its driver is stopped").waitFor();
    const other = await open("heron", { at: one });
    await one.getByText("taken over by").waitFor();
    await one.getByRole("button", { name: "Stop watching" }).click();
    await allow(other).click();
    await state(other, "Answered");
    assert.equal(await answer(one).count(), 0);
    await one.getByRole("button", { name: "Watch again" }).click();
    await state(one, "Answered");
  });

  test("keeps earlier turns, and can be read and used on a small screen, in the dark, by keyboard", async (t) => {
    const page = await (
      await tabs(t, served, { viewport: { width: 390, height: 844 }, colorScheme: "dark", reducedMotion: "reduce" })
    )("otter");
    await page.getByLabel("Your question").focus();
    await page.keyboard.type("What is the meaning of life?");
    await page.keyboard.press("Enter");
    await state(page, "Answered");
    assert.match(await answer(page).innerText(), /My almanac has nothing on that/);
    await page.getByLabel("Your question").fill("How long is a marathon?");
    await page.keyboard.press("Enter");
    await allow(page).focus();
    await page.keyboard.press("Enter");
    await state(page, "Answered");
    await screenshot({ page }, "agent-small");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.getByLabel("Earlier turns").selectOption({ label: "What is the meaning of life?" });
    await page.getByRole("heading", { name: "What is the meaning of life?" }).waitFor();
  });
});
