/** The upload queue of examples/uploads: as a person uses it, in one tab and in two, one of which crashes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { looksRight, sizes } from "./looks.mjs";
import { until } from "../support/until.mjs";
import { site } from "./site.mjs";

const served = site();

const file = (name, kilobytes) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(kilobytes * 1024, name) });
const add = (page, ...files) => page.locator("input[type=file]").setInputFiles(files);
const row = (page, name) => page.getByRole("listitem").filter({ has: page.getByText(name, { exact: true }) });
const says = (page, name, words) => row(page, name).getByText(words).waitFor();
const counts = (page, words) => page.getByRole("region", { name: "Counts" }).getByText(words).waitFor();

/** Tabs of one profile, with an account of the test's own. */
async function tabs(t, account, options = {}) {
  const context = await served.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(20_000);
  return async () => {
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${served.url}examples/uploads/`);
    const logIn = page.getByRole("button", { name: "Log in" });
    await logIn.or(page.getByText(`Uploads of ${account}`)).waitFor();
    if (await logIn.isVisible()) {
      await page.getByLabel("Account").fill(account);
      await logIn.click();
    }
    // The server is busy now and then, which the browser shows as an error.
    t.after(() =>
      assert.deepEqual(
        complaints.filter((words) => !words.includes("503")),
        [],
      ),
    );
    return page;
  };
}

/** How often each part of each file came, of those that had so many parts. */
async function sent(page, parts) {
  const files = await page.evaluate(async () => (await fetch("/uploads")).json());
  return Object.values(files).filter((counts) => Object.keys(counts).length === parts);
}

/** Of one file, no part came twice but the one that was under way, which may have reached the server before its tab could note that. */
function wereSentOnce(files) {
  assert.equal(files.length, 1);
  assert.ok(Object.values(files[0]).filter((times) => times > 1).length <= 1, JSON.stringify(files[0]));
}

describe("the upload queue", () => {
  test("sends files one at a time, in parts, and continues after a reload", async (t) => {
    const page = await (await tabs(t, "reloads"))();
    await add(page, file("film", 12 * 256), file("notes", 300));
    await says(page, "film", "Sending");
    await says(page, "notes", "Waits its turn");
    await counts(page, "2 to do");
    await page.reload();
    await says(page, "film", "Done");
    await says(page, "notes", "Done");
    await counts(page, "2 done");
    wereSentOnce(await sent(page, 12));
    assert.deepEqual(await page.getByRole("listitem").locator("strong").allInnerTexts(), ["notes", "film"], "newest first");
  });

  test("shows in a second tab what the first one does, which takes over when that crashes", async (t) => {
    const open = await tabs(t, "crashes");
    const [one, other] = [await open(), await open()];
    await add(one, file("film", 16 * 256));
    await other.locator("progress:not([value='0'])").waitFor();
    const protocol = await one.context().newCDPSession(one);
    // It answers nothing: the tab is gone.
    void protocol.send("Page.crash").catch(() => {});
    await says(other, "film", "Done");
    wereSentOnce(await sent(other, 16));
  });

  test("cancels, tries again, clears what has ended, and forgets all when the user logs out", async (t) => {
    const open = await tabs(t, "clears");
    const [one, other] = [await open(), await open()];
    await add(one, file("film", 40 * 256), file("notes", 10));
    await says(one, "film", "Sending");
    await row(other, "film").getByRole("button", { name: "Cancel" }).click();
    await says(one, "film", "Cancelled");
    await says(one, "notes", "Done");
    await one.getByRole("button", { name: "Clear ended" }).click();
    await counts(other, "0 done");
    await add(one, file("letter", 20 * 256));
    await row(one, "letter").getByRole("button", { name: "Cancel" }).click();
    await row(one, "letter").getByRole("button", { name: "Try again" }).click();
    await counts(one, "1 done");
    await one.getByRole("button", { name: "Log out" }).click();
    await one.getByRole("button", { name: "Log in" }).waitFor();
    await other.getByRole("button", { name: "Log in" }).waitFor();
    await until(one, async () => (await indexedDB.databases()).length === 0);
  });

  test("shows ten at a time", async (t) => {
    const page = await (await tabs(t, "pages"))();
    await add(page, ...Array.from({ length: 12 }, (_, n) => file(`file ${n}`, 1)));
    await counts(page, "12 done");
    assert.equal(await page.getByRole("listitem").count(), 10);
    await page.getByRole("button", { name: "Show more" }).click();
    await row(page, "file 0").waitFor();
    assert.equal(await page.getByRole("listitem").count(), 12);
  });

  test("fits its window, and all its text can be read", async (t) => {
    const page = await (await tabs(t, "looks"))();
    await add(page, file("a-film-with-a-name-that-no-column-of-any-layout-can-hold-on-one-line.mov", 60 * 256), file("notes.pdf", 400));
    await page.locator("progress:not([value='0'])").waitFor();
    for (const [name, size] of Object.entries(sizes))
      for (const colorScheme of ["light", "dark"]) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme });
        await looksRight({ page }, `uploads-${name}-${colorScheme}`);
      }
  });
});
