/** The takeover page: two runners of one job, of which one is closed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { screenshot, site } from "./site.mjs";

const served = site();

/**
 * The page, with steps of `pace` milliseconds. A job of 24 of them must not be over before a test has closed what it closes,
 * on a busy machine too: what is to be interrupted takes ten seconds, and is not waited for.
 */
async function watch(t, pace, options = {}) {
  const context = await served.browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(`${served.url}takeover.html?pace=${pace}`);
  t.after(() => assert.deepEqual(complaints, []));
  return page;
}

const steps = (page, tab) => page.locator(tab ? `#steps li[data-tab="${tab}"]` : "#steps li[data-tab]");
const atLeast = (page, count) => page.waitForFunction((count) => document.querySelectorAll("#steps li[data-tab]").length >= count, count);
const story = (page, words) => page.getByRole("list", { name: "What happened" }).getByText(words);
const done = (page) => page.getByText("Done: 24 steps, each of them once.").waitFor();

describe("a job with two tabs that would run it", () => {
  test("is run by one of them, and by the other from where it stopped when that one is closed", async (t) => {
    const page = await watch(t, 200);
    await atLeast(page, 4);
    const running = page.locator(".tab[data-runs]");
    const first = await running.getAttribute("data-tab");
    const other = first === "A" ? "B" : "A";
    await page.frameLocator(`iframe[title="Tab ${other}"]`).getByText("Standing by").waitFor();
    await running.getByRole("button", { name: "Close this tab" }).click();
    await story(page, new RegExp(`Tab ${other} took over after step \\d+, with fence 2`)).waitFor();
    await screenshot({ page }, "takeover");
    await done(page);
    assert.equal((await steps(page, first).count()) + (await steps(page, other).count()), 24);
    assert.ok((await steps(page, first).count()) >= 4 && (await steps(page, other).count()) > 0);
    await page.frameLocator(`iframe[title="Tab ${other}"]`).getByText("The job is done").waitFor();
  });

  test("goes back to a tab that was closed and opened again", async (t) => {
    const page = await watch(t, 400);
    await atLeast(page, 2);
    const first = await page.locator(".tab[data-runs]").getAttribute("data-tab");
    const [own, others] = [`.tab[data-tab="${first}"]`, `.tab:not([data-tab="${first}"])`];
    await page.locator(own).getByRole("button").click();
    await page.locator(`${others}[data-runs]`).waitFor();
    await page.locator(own).getByRole("button", { name: "Open it again" }).click();
    await page.locator(own).frameLocator("iframe").getByText("Standing by").waitFor();
    await page.locator(others).getByRole("button").click();
    await story(page, "with fence 3").waitFor();
  });

  test("is taken over by a real tab beside this one when both frames are gone", async (t) => {
    const page = await watch(t, 400);
    await atLeast(page, 2);
    const [third] = await Promise.all([page.waitForEvent("popup"), page.getByRole("link", { name: "open one more" }).click()]);
    await third.getByText("Standing by").waitFor();
    for (const name of ["A", "B"])
      await page
        .getByRole("region", { name: `Tab ${name}` })
        .getByRole("button")
        .click();
    await story(page, "Tab C took over").waitFor();
  });

  test("can be started anew, and is shown on a small screen too", async (t) => {
    const page = await watch(t, 60, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
    await atLeast(page, 3);
    await screenshot({ page }, "takeover-small");
    await page.getByRole("button", { name: "Start a new one" }).click();
    await atLeast(page, 3);
    await done(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  });
});
