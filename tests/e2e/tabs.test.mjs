/** Two tabs of one profile: one database, one truth. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { site } from "./site.mjs";

const { visit } = site();

/** Looks at a tab until it shows what another one did: it looks once a second, and the rest is for a busy machine. */
async function sees(tab, what, state = "visible") {
  await tab.toFront();
  await what.waitFor({ state, timeout: 5000 });
}

async function twoTabs(t) {
  const one = await visit(t);
  const two = await visit(t, { beside: one });
  return [one, two];
}

describe("two tabs", () => {
  test("show the same list, whichever of them starts, ends or deletes a process", async (t) => {
    const [one, two] = await twoTabs(t);
    await one.started({ id: "a" });
    await sees(two, two.row("a"));
    await two.started({ id: "b", kind: "Approval" });
    await sees(one, one.row("b").locator(".state", { hasText: "waiting" }));
    await one.ended("completed", "1");
    await sees(two, two.row("a").locator(".state", { hasText: "completed" }));
    await two.select("b");
    await two.page.getByRole("button", { name: "Delete ended" }).click();
    await two.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await sees(one, one.row("a"), "detached");
    await one.detail.getByText("There is no process “a” here.").waitFor();
  });

  test("see one log grow, dense and without a duplicate, while both append", async (t) => {
    const [one, two] = await twoTabs(t);
    await one.started({ id: "job" });
    await sees(two, two.row("job"));
    await two.select("job");
    const append = ({ page }, who) =>
      page.evaluate(
        (name) =>
          Promise.all(Array.from({ length: 20 }, () => globalThis.registry.appendEvent("job", { eventType: "note", payload: name }))),
        who,
      );
    await Promise.all([append(one, "one"), append(two, "two")]);
    for (const tab of [one, two]) {
      await sees(tab, tab.event(40));
      const sequences = await tab.log.locator(".sequence").allTextContents();
      assert.deepEqual(
        sequences,
        Array.from({ length: 40 }, (_, index) => `#${index + 1}`),
      );
    }
  });

  test("resolve each other's waits", async (t) => {
    const [one, two] = await twoTabs(t);
    await one.started({ id: "job" });
    await one.wait();
    await one.wait({ type: "note" });
    await sees(two, two.row("job"));
    await two.select("job");
    await two.appended({ type: "note", payload: '"from the other tab"' });
    await sees(one, one.card("Resolved", "from the other tab"));
    await two.ended("completed", "7");
    await sees(one, one.card("Resolved", "completed with 7"));
  });

  test("keep their waits apart: a wait belongs to the tab it was started in", async (t) => {
    const [one, two] = await twoTabs(t);
    await one.started({ id: "job" });
    await one.wait();
    await two.reload();
    await two.waits.getByText("No waits yet").waitFor();
    await one.reload();
    await one.card("Pending", "re-armed after reload").waitFor();
  });

  test("that end one process in different ways agree on the first, and the second is told in words", async (t) => {
    const [one, two] = await twoTabs(t);
    await one.started({ id: "job" });
    await sees(two, two.row("job"));
    await two.select("job");
    // So that the second tab cannot have seen the end yet.
    await two.page.evaluate(() => {
      const { transaction } = IDBDatabase.prototype;
      IDBDatabase.prototype.transaction = function (stores, mode, ...more) {
        if (mode === "readonly") throw new DOMException("nothing is read here", "NotReadableError");
        return transaction.call(this, stores, mode, ...more);
      };
    });
    await one.ended("completed", "1");
    await two.end("failed", "too late");
    await two.endForm.getByText("already_terminal", { exact: true }).waitFor();
    await one.hasState("job", "completed");
  });
});
