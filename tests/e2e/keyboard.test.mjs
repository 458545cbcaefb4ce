/** The whole job with the keyboard alone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasFocus, tabThrough, tabTo, type } from "./keys.mjs";
import { site } from "./site.mjs";

const { visit } = site();

describe("with the keyboard alone", () => {
  test("a person starts, appends, waits, aborts, asks to cancel and ends", async (t) => {
    const page = await visit(t);
    const { keyboard } = page.page;
    const heading = page.detail.getByRole("heading", { level: 2 });

    await tabTo(page, page.startForm.getByLabel("Id"));
    await type(page, "job");
    await keyboard.press("Enter");
    await page.shows("job");
    assert.ok(await hasFocus(heading), "after the start, the keyboard goes on at the process");

    await tabTo(page, page.appendForm.getByLabel("Payload"));
    await type(page, '{"percent":30}');
    await keyboard.press("ControlOrMeta+Enter");
    await page.event(1).waitFor();

    await tabTo(page, page.page.getByText("Wait for something", { exact: true }));
    await keyboard.press("Enter");
    await tabTo(page, page.waitForm.getByLabel("it ends"));
    await keyboard.press("ArrowRight");
    await tabTo(page, page.waitForm.getByRole("button", { name: "Start waiting" }));
    await keyboard.press("Enter");
    await page.card("progress", "Pending").waitFor();

    const dismiss = page.waits.getByRole("button", { name: "Dismiss" });
    await tabTo(page, page.waits.getByRole("button", { name: "Abort" }));
    await keyboard.press("Space");
    await page.card("Aborted").waitFor();
    assert.ok(await hasFocus(dismiss), "the focus stays on the card");
    await keyboard.press("Enter");
    await page.waits.getByText("No waits yet").waitFor();
    assert.ok(await hasFocus(page.waits.getByRole("heading", { name: "Waits" })), "the focus is not lost with the card");

    await tabTo(page, page.page.getByText("Cancel or end it"), "Shift+Tab");
    await keyboard.press("Enter");
    await tabTo(page, page.page.getByLabel("Ask it to cancel"));
    await type(page, "enough");
    await keyboard.press("Enter");
    await page.detail.getByText("Cancel was requested").waitFor();
    await tabTo(page, page.endForm.getByLabel("completed"));
    await keyboard.press("ArrowRight");
    await keyboard.press("ArrowRight");
    await tabTo(page, page.endForm.getByLabel("Message"));
    await type(page, "stopped");
    await keyboard.press("Enter");
    await page.hasState("job", "cancelled");
    assert.ok(await hasFocus(heading), "the focus is not lost with the form");
  });

  test("arrows move through the list, Enter goes to the process, Escape comes back", async (t) => {
    const page = await visit(t);
    for (const id of ["a", "b", "c"]) await page.started({ id });
    const { keyboard } = page.page;
    await keyboard.press("Escape");
    assert.ok(await hasFocus(page.row("c")));
    await keyboard.press("ArrowDown");
    await page.shows("b");
    assert.ok(await hasFocus(page.row("b")), "moving on keeps the focus in the list");
    await keyboard.press("End");
    await page.shows("a");
    await keyboard.press("ArrowDown");
    await page.shows("a");
    await keyboard.press("Home");
    await page.shows("c");
    await keyboard.press("Enter");
    assert.ok(await hasFocus(page.detail.getByRole("heading", { level: 2 })));
    await tabTo(page, page.appendForm.getByLabel("Event type"));
    await keyboard.press("Escape");
    assert.ok(await hasFocus(page.row("c")));
    assert.equal(await page.list.locator("[tabindex='0']").count(), 1, "the list is one stop of the Tab key");
  });

  test("deleting asks first, and Escape keeps everything", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.ended("completed", "");
    const open = page.page.getByRole("button", { name: "Delete ended" });
    await open.focus();
    await page.page.keyboard.press("Enter");
    const dialog = page.page.getByRole("dialog");
    await dialog.waitFor();
    assert.ok(await hasFocus(dialog.getByRole("button", { name: "Keep them" })), "the harmless answer comes first");
    await page.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.ok(await hasFocus(open));
    await page.hasState("job", "completed");
  });

  test("what has the focus can be seen", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.wait();
    await page.page.reload();
    await page.ready();
    const seen = await tabThrough(page);
    assert.ok(seen.size > 10, `${seen.size} stops`);
  });
});
