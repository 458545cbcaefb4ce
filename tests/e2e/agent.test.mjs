/** The agent of examples/agent, with its script: as a user has it, in one tab and in several. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, answer, ask, ends, isOnce, readers, recorded, shelves, state, stop, suggested, tabs } from "./agent-page.mjs";
import { screenshot, site } from "./site.mjs";

const served = site();

/** What a test interrupts must not be over before, on a busy machine either. */
const SLOW = 4;

describe("the agent", () => {
  test("calls a researcher, uses tools, asks for permission, and answers", async (t) => {
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
    await page.getByRole("region", { name: "Notes" }).getByText("How long is the river Nile?").waitFor();
    assert.deepEqual(await shelves(page).allInnerTexts(), ["sky otter", "land otter", "water otter", "sport otter"]);
    const done = await recorded(page);
    isOnce(done);
    const models = done.filter(({ key }) => key.startsWith("model")).map(({ process, key }) => `${process.split("/").length - 2} ${key}`);
    assert.deepEqual(models, ["0 model:1", "0 model:2", "0 model:3", "0 model:4", ...[1, 2, 3, 4, 5].map((n) => `1 model:${n}`)]);
    await screenshot({ page }, "agent-answered");
  });

  test("does not do what it is not allowed to", async (t) => {
    const page = await (await tabs(t, served))("otter");
    await suggested(page);
    await page.getByRole("button", { name: "Do not allow" }).click();
    await state(page, "Answered");
    assert.match(await answer(page).innerText(), /I have not saved a note, as you wished\.$/);
    await page.getByText("The user did not allow it.").waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem("agent notes")), null);
  });

  test("shows each word in both of two tabs while it is said, once", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter", { pace: SLOW });
    const other = await open("heron", { pace: SLOW, at: one });
    await suggested(one);
    for (const page of [one, other]) await page.locator(".said[data-live]", { hasText: /^I will have/ }).waitFor();
    assert.equal(await other.locator(".said").count(), 1);
    await other.locator(".researcher .words", { hasText: /^Shelf 1 of 4, sky\./ }).waitFor();
    await one.locator(".researcher .words", { hasText: /^Shelf 1 of 4, sky\./ }).waitFor();
    assert.match(
      await one.locator(".said").first().innerText(),
      /^I will have the distance looked up, and see what time it is\. Then I can work out how long the walk takes\.$/,
    );
    assert.equal(await one.locator(".said").first().innerText(), await other.locator(".said").first().innerText());
  });

  test("continues after a reload in the middle of a sentence, and while it waits for its user", async (t) => {
    const page = await (await tabs(t, served))("otter", { pace: SLOW });
    await suggested(page);
    await page.locator(".said[data-live]", { hasText: "I will" }).waitFor();
    await page.goto(page.url().replace(`pace=${SLOW}`, "pace=0.2"));
    await state(page, "Waits for you");
    await page.reload();
    await allow(page).click();
    await state(page, "Answered");
    assert.equal(await page.locator(".said").count(), 4);
    await page.getByText("Run 3 times").waitFor();
    isOnce(await recorded(page));
  });

  test("loses nothing when its tab is closed in the middle of the research: another tab continues, and reads no shelf again", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter", { pace: SLOW });
    await suggested(one);
    await shelves(one).first().waitFor();
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
    assert.deepEqual(readers(after), ["otter", "heron"]);
    await screenshot({ page: other }, "agent-taken-over");
  });

  test("is stopped from another tab than the one it runs in, and its researcher with it", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter", { pace: SLOW });
    await suggested(one);
    const other = await open("heron", { pace: SLOW, at: one });
    await shelves(one).first().waitFor();
    await stop(other).click();
    for (const page of [one, other]) await state(page, "Stopped");
    assert.deepEqual(await ends(other), [
      ["chat", "process.cancelled"],
      ["research", "process.cancelled"],
    ]);
  });

  test("answers the next question after one that was stopped at a question of its own, which cannot be answered any more", async (t) => {
    const page = await (await tabs(t, served))("otter", { pace: 0.1 });
    await suggested(page);
    await allow(page).waitFor();
    await stop(page).click();
    await state(page, "Stopped");
    assert.equal(await allow(page).count(), 0);
    await ask(page, "How long is a marathon?");
    await allow(page).click();
    await state(page, "Answered");
    assert.match(await answer(page).last().innerText(), /^It takes 8\.4 hours on foot\./);
  });

  test("is stopped while no tab runs it, as soon as one does", async (t) => {
    const page = await (await tabs(t, served))("otter", { pace: SLOW });
    await suggested(page);
    await shelves(page).first().waitFor();
    await page.getByRole("button", { name: "Stop this tab’s driver" }).click();
    await state(page, "Waits for a tab that runs it");
    await stop(page).click();
    await state(page, "Is being stopped");
    await page.getByRole("button", { name: "Start this tab’s driver" }).click();
    await state(page, "Stopped");
    assert.deepEqual(await ends(page), [
      ["chat", "process.cancelled"],
      ["research", "process.cancelled"],
    ]);
  });

  test("waits for a tab that runs it, and takes an answer that was given before", async (t) => {
    const page = await (await tabs(t, served))("otter");
    await suggested(page);
    await allow(page).waitFor();
    await page.getByRole("button", { name: "Stop this tab’s driver" }).click();
    await allow(page).click();
    await state(page, "Waits for a tab that runs it");
    await page.getByRole("button", { name: "Start this tab’s driver" }).click();
    await state(page, "Answered");
    isOnce(await recorded(page));
  });

  test("is handed over when the driver of its tab is stopped, which still shows what comes", async (t) => {
    const open = await tabs(t, served);
    const one = await open("otter", { pace: 1 });
    await suggested(one);
    await shelves(one).first().waitFor();
    await one.getByRole("button", { name: "Stop this tab’s driver" }).click();
    const other = await open("heron", { at: one });
    await allow(other).click();
    for (const page of [one, other]) await state(page, "Answered");
    assert.equal(await one.locator(".conversation").innerText(), await other.locator(".conversation").innerText());
    assert.deepEqual(readers(await recorded(other)), ["otter", "heron"]);
  });

  test("keeps chats, deletes one with its researchers, and can be used on a small screen, in the dark, by keyboard", async (t) => {
    const small = { viewport: { width: 390, height: 844 }, colorScheme: "dark", reducedMotion: "reduce" };
    const page = await (await tabs(t, served, small))("otter", { pace: 0.1 });
    await page.getByLabel("Your question").focus();
    await page.keyboard.type("What is the meaning of life?");
    await page.keyboard.press("Enter");
    await state(page, "Answered");
    assert.match(await answer(page).innerText(), /The almanac has nothing on that/);
    await page.getByLabel("Chats").selectOption({ label: "New chat" });
    await ask(page, "How long is a marathon?");
    await allow(page).focus();
    await page.keyboard.press("Enter");
    await state(page, "Answered");
    await screenshot({ page }, "agent-small");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.getByLabel("Chats").selectOption({ label: "What is the meaning of life?" });
    await page.getByRole("heading", { name: "What is the meaning of life?" }).waitFor();
    await answer(page).getByText("The almanac has nothing on that").waitFor();
    assert.equal((await ends(page)).length, 2);
    const deleted = page.url();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "How long is the walk?" }).waitFor();
    assert.deepEqual(await page.getByLabel("Chats").locator("option").allInnerTexts(), ["New chat", "How long is a marathon?"]);
    await page.goto(deleted);
    await page.getByText("Ask how far something is").waitFor();
    assert.deepEqual(await ends(page), []);
  });
});
