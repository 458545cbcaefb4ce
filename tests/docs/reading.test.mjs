/** The built site as people read it, in Chromium, served as `npm start` serves it: its search, its widths, its colours, and its security policy. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { buildDocs } from "../../scripts/docs.mjs";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { serve } from "../../scripts/serve.mjs";
import { chromiumFlags, chromiumPath } from "../../scripts/setup/browsers.mjs";
import { pages } from "../../site/navigation.mjs";

let site;
let browser;

before(async () => {
  await buildDocs();
  site = await serve({ port: 0 });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumFlags });
});
after(async () => {
  await browser?.close();
  await site?.close();
});

const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** What the generator's theme does itself: a group of the sidebar that folds is a button with a button in it. */
const THEME = ["nested-interactive"];

/** A tab in a profile of its own. In the end its console must be clean. */
async function tab(t, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  return page;
}

const address = (page) => `${site.url}docs/${page.replace(/index$/, "")}`;

test("a word that is typed into the search finds its page", async (t) => {
  const page = await tab(t);
  await page.goto(address(""));
  for (const [word, path, title] of [
    ["fencing token", "docs/recovery", "Recovery"],
    ["retry policy", "docs/retries", "Retries and timeouts"],
    ["quota_exceeded", "docs/errors/quota_exceeded", "quota_exceeded"],
    ["requestPersistence", "docs/api/longwait/interfaces/ProcessRegistry", "ProcessRegistry"],
  ]) {
    await page.getByRole("button", { name: "Search" }).first().click();
    await page.getByRole("searchbox").fill(word);
    await page.locator(`.VPLocalSearchBox .results a[href^="/${path}"]`).first().click();
    await page.waitForURL(`${site.url}${path}**`);
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
  }
});

test("no page is wider than a phone, but for what scrolls by itself", async (t) => {
  const page = await tab(t, { viewport: PHONE });
  const wide = [];
  for (const name of ["", "api/", "api/longwait/interfaces/ProcessRegistry", ...pages.map(({ page }) => page)]) {
    await page.goto(address(name), { waitUntil: "domcontentloaded" });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) wide.push(`${name}: ${over}`);
  }
  assert.deepEqual(wide, []);
});

for (const colorScheme of ["light", "dark"])
  test(`a guide, an error and the reference can be read by all in ${colorScheme} colours`, async (t) => {
    const page = await tab(t, { colorScheme });
    const found = [];
    for (const name of ["", "start", "errors/lease_lost", "api/longwait/interfaces/OpenOptions"]) {
      await page.goto(address(name));
      assert.equal(await page.evaluate(() => document.documentElement.classList.contains("dark")), colorScheme === "dark");
      const { violations } = await new AxeBuilder({ page }).disableRules(THEME).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      found.push(...serious.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ target }) => target).join(" ")}`));
    }
    assert.deepEqual(found, []);
  });

test("an address without a page says so, and leads on; the folder without its slash leads to it", async (t) => {
  const response = await fetch(address("no-such-page"));
  assert.equal(response.status, 404);
  assert.match(await response.text(), /There is no such page/);
  const page = await tab(t);
  await page.goto(`${site.url}docs`);
  assert.equal(page.url(), address(""));
});
