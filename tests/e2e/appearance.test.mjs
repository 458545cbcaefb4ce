/** What the page looks like, as far as rules can say; the screenshots are for people to look at. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { looksRight, sizes } from "./looks.mjs";
import { site } from "./site.mjs";

const { visit } = site();

/** A page with something of everything on it. */
async function busy(t) {
  const page = await visit(t, { reducedMotion: "reduce" });
  await page.started({ id: "invoice", title: "Approve invoice 2031", kind: "Approval" });
  await page.started({ id: "import-without-a-title-and-with-an-id-that-no-column-of-any-layout-can-hold-on-one-line" });
  await page.wait();
  await page.ended("failed", "The file has no header");
  await page.started({ id: "report", title: "Nightly report" });
  for (const percent of [10, 20]) await page.appended({ type: "progress", payload: `{"percent":${percent}}` });
  await page.appended({ type: "note", payload: JSON.stringify({ url: `https://example.com/${"long".repeat(60)}` }), key: "once" });
  await page.wait();
  await page.wait({ type: "progress", timeout: 60 });
  await page.wait({ type: "note", timeout: 0 });
  await page.card("Rejected").waitFor();
  await page.card("progress").getByRole("button", { name: "Abort" }).click();
  await page.card("Aborted").waitFor();
  await page.requestCancel("too late");
  await page.detail.getByText("Cancel was requested").waitFor();
  await page.append({ type: "progress", payload: '{"percent":140}' });
  await page.appendForm.locator(".fault").waitFor();
  return page;
}

/** On a small screen, the list and the process take turns. */
async function openList({ page }) {
  const back = page.getByRole("button", { name: "All processes" });
  if (await back.isVisible()) await back.click();
}

describe("the page", () => {
  test("fits its window, and all its text can be read", async (t) => {
    const page = await busy(t);
    for (const [name, size] of Object.entries(sizes))
      for (const colorScheme of ["light", "dark"])
        await t.test(`${name} and ${colorScheme}`, async () => {
          await page.page.setViewportSize(size);
          await page.page.emulateMedia({ colorScheme });
          await openList(page);
          await page.select("report");
          await looksRight(page, `${name}-${colorScheme}`);
          await openList(page);
          await looksRight(page, `${name}-${colorScheme}-list`);
        });
  });

  test("moves nothing for those who ask for that", async (t) => {
    const page = await visit(t, { reducedMotion: "reduce" });
    await page.started({ id: "job" });
    await page.appended({ type: "note", payload: "1" });
    assert.equal(await page.page.evaluate(() => document.getAnimations().length), 0);
  });
});
