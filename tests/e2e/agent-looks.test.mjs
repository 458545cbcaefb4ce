/** How the agent's page looks, and how it is used without a mouse. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, ask, shelves, state, stop, suggested, tabs } from "./agent-page.mjs";
import { hasFocus, tabThrough, tabTo } from "./keys.mjs";
import { looksRight, sizes } from "./looks.mjs";
import { site } from "./site.mjs";

const served = site();

/** The states that a page can be in, each from a page that has just been opened. */
const states = {
  empty: async (page) => page.locator("details.model summary").click(),
  async running(page) {
    await suggested(page);
    await shelves(page).nth(1).waitFor();
  },
  async waiting(page) {
    await suggested(page);
    await allow(page).waitFor();
  },
  async answered(page) {
    await suggested(page);
    await allow(page).click();
    await state(page, "Answered");
  },
  async stopped(page) {
    await suggested(page);
    await shelves(page).first().waitFor();
    await stop(page).click();
    await state(page, "Stopped");
  },
  async failed(page) {
    await page.evaluate(() =>
      sessionStorage.setItem("agent model", JSON.stringify({ base: "http://localhost:9", model: "none", key: "" })),
    );
    await suggested(page);
    await state(page, "Failed");
    page.complaints.splice(0);
  },
  async "taken over"(page, open) {
    await suggested(page, "How long is the equator of the Earth?");
    await shelves(page).nth(1).waitFor();
    await page.getByRole("button", { name: "Stop this tab’s driver" }).click();
    await open("a heron of a name that is long", { at: page });
    await allow(page).waitFor();
    await page.getByText("Run 2 times").waitFor();
  },
};

describe("the agent's page", () => {
  for (const [name, reach] of Object.entries(states))
    test(`fits its window, can be read, and names what can be used: ${name}`, async (t) => {
      const open = await tabs(t, served, { reducedMotion: "reduce" });
      const page = await open("otter", { pace: name === "running" ? 3 : 0.3 });
      await reach(page, open);
      for (const [size, viewport] of Object.entries(sizes))
        for (const colorScheme of ["light", "dark"]) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme });
          await looksRight({ page }, `agent-${name.replace(" ", "-")}-${size}-${colorScheme}`);
        }
    });

  test("moves nothing for those who ask for that, while the model speaks too", async (t) => {
    const page = await (await tabs(t, served, { reducedMotion: "reduce" }))("otter", { pace: 5 });
    await suggested(page);
    await page.locator(".said[data-live]", { hasText: "I will" }).waitFor();
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  });

  test("is used with the keyboard alone, and the focus can be seen and is not lost", async (t) => {
    const page = await (await tabs(t, served))("otter");
    const { keyboard } = page;
    assert.ok((await tabThrough({ page })).size > 8);
    await tabTo({ page }, page.getByRole("button", { name: "How far is the Moon?" }));
    await keyboard.press("Enter");
    await allow(page).waitFor();
    assert.ok(await hasFocus(page.getByRole("heading", { name: "How far is the Moon?" })), "the focus is not lost with the suggestions");
    await tabTo({ page }, allow(page));
    await keyboard.press("Space");
    assert.ok(await hasFocus(page.getByRole("heading", { name: "How far is the Moon?" })), "the focus is not lost with the buttons");
    await state(page, "Answered");
    await tabTo({ page }, page.getByLabel("Your question"));
    await keyboard.type("How long is a marathon?");
    await keyboard.press("Enter");
    await allow(page).waitFor();
    await tabTo({ page }, stop(page));
    await keyboard.press("Enter");
    await state(page, "Stopped");
    assert.ok(await hasFocus(page.getByLabel("Your question")), "the focus is not lost with the button");
  });

  test("reads out what its user has to know, and not what the model says word by word", async (t) => {
    const page = await (await tabs(t, served))("otter");
    await page.evaluate(() => {
      globalThis.heard = [];
      const state = document.getElementById("state");
      new MutationObserver(() => globalThis.heard.push(state.textContent)).observe(state, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    });
    await ask(page, "How long is the river Nile?");
    await allow(page).click();
    await state(page, "Answered");
    const heard = await page.evaluate(() => globalThis.heard);
    assert.deepEqual(
      heard.filter((words) => !["Waits for a tab that runs it", "At work"].includes(words)),
      ["Waits for you", "Answered"],
    );
    assert.equal(await page.locator("[aria-live], [role=log], [role=status], [role=alert]").count(), 1);
  });
});
