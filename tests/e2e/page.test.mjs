/** The demo page, in sentences. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { screenshot, site } from "./site.mjs";

const { visit } = site();

describe("a wait", () => {
  test("that is pending during a reload is armed again and resolves", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job", title: "A job" });
    await page.wait();
    await page.card("Pending", "the end of job").waitFor();
    await page.reload();
    await page.card("Pending", "re-armed after reload").waitFor();
    await screenshot(page, "re-armed");
    await page.ended("completed", '{"answer":42}');
    await page.card("Resolved", 'completed with {"answer":42}').waitFor();
    await page.fact("Waits pending", "0");
  });

  test("that its process outran during the reload resolves as soon as it is armed again", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.wait();
    const other = await visit(t, { beside: page });
    await other.select("job");
    await page.page.goto("about:blank");
    await other.ended("failed", "no luck");
    await page.page.goBack();
    await page.ready();
    await page.card("Resolved", "failed: no luck", "re-armed after reload").waitFor();
  });

  test("for an event resolves with the first of that type after the sequence, not an earlier one", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.appended({ type: "progress", payload: '{"percent":1}' });
    await page.wait({ type: "progress" });
    await page.wait({ type: "progress", after: 0 });
    await page.card("after #0", "Resolved", '#1 {"percent":1}').waitFor();
    await page.appended({ type: "note", payload: "null" });
    await page.card("after #1", "Pending").waitFor();
    await page.appended({ type: "progress", payload: '{"percent":2}' });
    await page.card("after #1", "Resolved", '#3 {"percent":2}').waitFor();
  });

  test("that is aborted leaves its process and the other waits alone", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.wait();
    await page.wait({ type: "progress" });
    await page.wait({ type: "note" });
    await page.fact("Waits pending", "3");
    await page.card("progress").getByRole("button", { name: "Abort" }).click();
    await page.card("progress", "Aborted", "The process is not touched").waitFor();
    await page.fact("Waits pending", "2");
    await page.hasState("job", "running");
    await screenshot(page, "waits");
    await page.appended({ type: "note", payload: '"on it goes"' });
    await page.card("note", "Resolved").waitFor();
    await page.ended("completed", "");
    await page.card("the end of", "Resolved").waitFor();
    await page.card("progress", "Aborted").waitFor();
  });

  test("with a time limit is rejected with timeout, in words, and the process goes on", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.wait({ timeout: 0.05 });
    await page.card("Rejected", "The time limit passed. The process goes on.").getByText("timeout", { exact: true }).waitFor();
    await page.hasState("job", "running");
  });

  test("keeps its time limit through a reload: the clock goes on while the page is away", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.wait({ timeout: 2 });
    await page.reload();
    await page.card("Rejected", "timeout").waitFor();
    await page.reload();
    await page.waits.getByText("No waits yet").waitFor();
  });

  test("for an event is rejected when the process ends first, where that was asked for, and else goes on", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.wait({ type: "note", untilTerminal: true });
    await page.wait({ type: "note" });
    await page.ended("cancelled", "enough");
    await page.card("while it runs", "Rejected", "process_terminal").waitFor();
    await page.card("Pending").waitFor();
    await page.appended({ type: "note", payload: '"late"' });
    await page.card("Resolved", '"late"').waitFor();
  });

  test("on a process that is deleted is rejected with words", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.ended("completed", "");
    await page.wait({ type: "note" });
    await page.page.getByRole("button", { name: "Delete ended" }).click();
    await page.page.getByRole("dialog", { name: "Delete 1 ended process?" }).getByRole("button", { name: "Delete" }).click();
    await page.card("Rejected", "unknown_process").waitFor();
    await page.list.getByText("job").waitFor({ state: "detached" });
    await page.detail.getByText("There is no process “job” here.").waitFor();
  });

  test("that is over leaves nothing behind: the hub watches no process", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    for (const type of [undefined, "progress", "note"]) await page.wait({ type });
    await page.page.goto(page.page.url().split("#")[0]);
    await page.ready();
    await page.fact("Watched by the hub", "1");
    for (const left of ["2", "1", "0"]) {
      await page.waits.getByRole("button", { name: "Abort" }).first().click();
      await page.fact("Waits pending", left);
    }
    await page.fact("Watched by the hub", "0");
    await page.page.getByRole("button", { name: "Clear settled" }).click();
    await page.waits.getByText("No waits yet").waitFor();
  });
});

describe("a process", () => {
  test("is there after a reload, with its log and its selection", async (t) => {
    const page = await visit(t);
    await page.started({ id: "first" });
    await page.started({ id: "second", title: "The second" });
    await page.appended({ type: "progress", payload: '{"percent":5}' });
    await page.reload();
    await page.shows("second");
    await page.event(1).getByText('{"percent":5}').waitFor();
    assert.deepEqual(await page.list.getByRole("option").count(), 2);
    await page.page.goBack();
    await page.shows("first");
  });

  test("completes, fails and is cancelled, each shown with its outcome", async (t) => {
    const page = await visit(t);
    const endings = { completed: '{"rows":3}', failed: "no header", cancelled: "not needed" };
    for (const [state, text] of Object.entries(endings)) {
      await page.started({ id: `is-${state}` });
      await page.ended(state, text);
      await page.hasState(`is-${state}`, state);
      await page.page.locator("#detail-outcome", { hasText: text }).waitFor();
      await page.page.getByText("Cancel or end it").waitFor({ state: "hidden" });
      await page.event(1).getByText(`ends it: ${state}`).waitFor();
    }
    await screenshot(page, "ended");
    await page.page.getByLabel("Show which processes").selectOption("failed");
    assert.deepEqual(await page.list.getByRole("option").count(), 1);
  });

  test("that is asked to cancel goes on, says so, also after a reload, and is then ended", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.requestCancel("changed my mind");
    await page.detail.getByText("Cancel was requested").waitFor();
    await page.requestCancel("changed my mind");
    await page.detail.getByText("Was requested for this reason before, as #1.").waitFor();
    await page.hasState("job", "running");
    await page.reload();
    await page.detail.getByText("Cancel was requested").getByText("changed my mind").waitFor();
    await page.ended("cancelled", "as asked");
    await page.detail.getByText("Cancel was requested").waitFor({ state: "hidden" });
  });

  test("of a kind that waits for a reply says so, and an approving reply wakes the session", async (t) => {
    const page = await visit(t);
    await page.started({ id: "invoice", kind: "Approval" });
    await page.hasState("invoice", "waiting");
    await page.detail.getByText("Waiting for reply").waitFor();
    await page.append({ type: "reply", payload: '{"approved":true,"by":"Ada"}' });
    await page.appendForm.getByText("It wakes the session “demo”: approved by Ada.").waitFor();
    await page.event(1).getByText("wakes: “approved by Ada”").waitFor();
    await page.hasState("invoice", "running");
  });

  test("started twice alike is the same one; started differently under that id is refused beside the field", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job", title: "One" });
    await page.started({ id: "job", title: "One" });
    assert.equal(await page.list.getByRole("option").count(), 1);
    await page.start({ id: "job", title: "Two" });
    await page.startForm.getByText("This id is taken").getByText("registration_conflict").waitFor();
    await page.start({ id: "  " });
    await page.startForm.getByText("A process needs an id.").waitFor();
  });

  test("with an event type of one's own takes what fits its schema", async (t) => {
    const page = await visit(t);
    const custom = { id: "meter", kind: "Something with an event type of yours", type: "measured" };
    await page.start({ ...custom, schema: '{"type":"number"' });
    await page.startForm.getByText("This is not JSON").waitFor();
    await page.start({ ...custom, schema: '{"type":"nonsense"}' });
    await page.startForm.getByText("This JSON Schema cannot be used.").waitFor();
    await page.started({ ...custom, schema: '{"type":"number"}' });
    await page.append({ type: "measured", payload: '"warm"' });
    await page.appendForm.getByText("invalid_payload").waitFor();
    await page.appended({ type: "measured", payload: "21.5" });
  });

  test("whose log is long shows the last events at once and the earlier ones on request", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    await page.page.evaluate(async () => {
      const all = Array.from({ length: 250 }, (_, index) =>
        globalThis.registry.appendEvent("job", { eventType: "note", payload: index + 1 }),
      );
      await Promise.all(all);
    });
    await page.reload();
    await page.event(250).waitFor();
    assert.equal(await page.log.getByRole("listitem").count(), 200);
    await page.page.getByRole("button", { name: "Show 50 earlier events" }).click();
    await page.event(1).waitFor();
    assert.equal(await page.log.getByRole("listitem").count(), 250);
    await page.appended({ type: "note", payload: "251" });
  });
});

describe("an append", () => {
  test("that is not JSON, does not fit or was not declared is refused beside its field, and nothing is recorded", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    const refusals = [
      [{ type: "progress", payload: '{"percent":' }, "Payload", "This is not JSON"],
      [{ type: "progress", payload: '{"percent":101}' }, "Payload", "/percent"],
      [{ type: "progress", payload: "" }, "Payload", "invalid_payload"],
      [{ type: "surprise", payload: "1" }, "Event type", "undeclared_event_type"],
      [{ type: "", payload: "1" }, "Event type", "Name the type of the event."],
      [{ type: "process.completed", payload: "1" }, "Replay key", "missing_replay_key"],
    ];
    for (const [event, label, words] of refusals) {
      await page.append(event);
      await page.appendForm.locator(".fault", { hasText: words }).waitFor();
      const field = page.appendForm.getByLabel(label);
      assert.equal(await field.getAttribute("aria-invalid"), "true", label);
      assert.ok(await field.evaluate((node) => document.activeElement === node), `${label} has the focus`);
      const described = await field.evaluate((node) =>
        node
          .getAttribute("aria-describedby")
          .split(" ")
          .map((id) => document.getElementById(id).textContent)
          .join(" "),
      );
      assert.match(described, new RegExp(words));
    }
    await screenshot(page, "refused");
    await page.detail.getByText("No events yet").waitFor();
    assert.equal(await page.appended({ type: "progress", payload: '{"percent":100}' }), 1);
    assert.equal(await page.appendForm.locator(".fault").count(), 0);
  });

  test("under a replay key is recorded once; other content under it is refused", async (t) => {
    const page = await visit(t);
    await page.started({ id: "job" });
    assert.equal(await page.appended({ type: "note", payload: '"a"', key: "k" }), 1);
    await page.append({ type: "note", payload: '"a"', key: "k" });
    await page.appendForm.getByText("Already recorded as #1").waitFor();
    await page.append({ type: "note", payload: '"b"', key: "k" });
    await page.appendForm.getByText("replay_conflict").waitFor();
    assert.equal(await page.log.getByRole("listitem").count(), 1);
  });

  test("of markup is shown as text", async (t) => {
    const page = await visit(t);
    const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    await page.started({ id: markup, title: markup });
    await page.appended({ type: "note", payload: JSON.stringify({ [markup]: markup }) });
    await page.ended("failed", markup);
    await page.reload();
    await page.shows(markup);
    assert.equal(await page.page.title(), "longwait");
    assert.equal(await page.page.locator("main img, main script").count(), 0);
  });
});

describe("the page", () => {
  test("says what to do where there is nothing yet", async (t) => {
    const page = await visit(t);
    await page.page.getByText("No processes yet. Start one above.").waitFor();
    await page.page.getByText("Choose a process to see its log").waitFor();
    await page.waits.getByText("No waits yet.").waitFor();
    await screenshot(page, "empty");
  });

  test("says in words where the processes are kept, in memory too where the browser has no IndexedDB", async (t) => {
    const page = await visit(t);
    assert.match(await page.page.locator("#fact-durability").textContent(), /^kept/);
    await page.fact("Database", "longwait");
    await page.page.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }));
    await page.reload();
    await page.fact("Storage", "in memory only: gone with this page");
    await page.started({ id: "fleeting" });
    await page.wait();
    await page.ended("completed", "1");
    await page.card("Resolved").waitFor();
  });

  test("that cannot open the registry says why, and tries again when it is asked to", async (t) => {
    const page = await visit(t);
    await page.page.route("**/*.wasm", (route) => route.fulfill({ status: 404 }));
    await page.page.reload();
    await page.notices.getByText("could not load the WebAssembly").waitFor();
    await page.notices.getByText("internal", { exact: true }).waitFor();
    await screenshot(page, "not-open");
    await page.page.unroute("**/*.wasm");
    await page.notices.getByRole("button", { name: "Try again" }).click();
    await page.ready();
    await page.notices.getByText("could not load").waitFor({ state: "detached" });
    await page.started({ id: "job" });
    // The browser itself complains of the answer that this test made.
    page.complaints.splice(0, page.complaints.length, ...page.complaints.filter((words) => !words.includes("404")));
  });

  test("that cannot read what is stored says so once, and until it can again", async (t) => {
    const page = await visit(t);
    await page.page.evaluate(() => {
      globalThis.failures = 0;
      const { transaction } = IDBDatabase.prototype;
      globalThis.mend = () => (IDBDatabase.prototype.transaction = transaction);
      IDBDatabase.prototype.transaction = () => {
        globalThis.failures += 1;
        throw new DOMException("the disk is gone", "NotReadableError");
      };
    });
    await page.notices.getByText("the disk is gone").waitFor();
    await page.page.waitForFunction(() => globalThis.failures >= 4);
    assert.equal(await page.notices.getByText("the disk is gone").count(), 1);
    await page.page.evaluate(() => globalThis.mend());
    await page.notices.getByText("the disk is gone").waitFor({ state: "detached" });
  });
});
