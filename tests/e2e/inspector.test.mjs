/** The inspector in Chromium: what it shows, what a person does with it, and what it reads for that. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { build } from "esbuild";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { root } from "../../scripts/lib/paths.mjs";
import { writeRunnable } from "../samples/folder.mjs";
import { programs } from "../samples/programs.mjs";
import { InspectedPage, inspected } from "./inspector-page.mjs";
import { screenshot, site } from "./site.mjs";

const served = site();
const open = (t, options) => inspected(t, served, options);

const external = `(registry, ids) => registry.registerProcesses(ids.map((id) => ({ id, input: { type: "external" }, identity: { kind: "job" }, labels: { team: id[0] } })))`;

/** Processes that a driver of the page runs: one with a bit of everything, one that fails, and one that is queued behind the first. */
const jobs = `async (registry) => {
  registry.driver({ onRunError() {}, runners: {
    async job(run) {
      await run.step("fetch", ({ attempt }) => { if (attempt < 2) throw new Error("503"); return { rows: 3 }; }, { retry: { initialIntervalMs: 20, jitter: false } });
      await run.sleep("nap", 20);
      const child = await run.startChild({ input: { type: "engine", kind: "part" } }, { key: "part" });
      await child.result();
      const tokens = await run.stream("tokens");
      for (const word of ["so ", "it ", "goes"]) await tokens.append(word);
      await tokens.close();
      await run.putAttachment("f.txt", new Blob(["hello"], { type: "text/plain" }));
      await run.waitForSignal("approve");
      return { done: true };
    },
    part: (run) => run.step("half", () => 1),
    async broken(run) {
      await run.step("first", () => 1);
      await run.step("parse", () => { throw new TypeError("line 3"); }, { retry: { maxAttempts: 1 } });
    },
  } }).start();
  const input = (kind) => ({ type: "engine", kind, payload: { from: "test" } });
  const label = { kind: "job", label: "The job" };
  await registry.registerProcesses([
    { id: "broken", input: input("broken") },
    { id: "job", input: input("job"), identity: label, concurrencyKey: "one", priority: 1 },
    { id: "idle", input: input("job"), concurrencyKey: "one" },
  ]);
}`;

describe("the first page", () => {
  test("shows a job at work, which the visitor lets continue, and starts no other one when it is loaded again", async (t) => {
    const context = await served.browser.newContext({ viewport: { width: 1440, height: 900 } });
    t.after(() => context.close());
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(served.url);
    const shown = new InspectedPage(page);
    await shown.detail.getByRole("heading", { name: "Weekly report 1" }).waitFor();
    await shown.bar(/^Step fetch orders.*attempt 1 failed: 503/).waitFor();
    await shown.detail.getByText("Waits for signal “approve”").waitFor({ timeout: 30_000 });
    await screenshot(shown, "inspector-first-page");
    await shown.press("Signal…");
    await shown.submit({ Payload: '{"by":"me"}' }, "Send");
    await shown.detail.locator(".state").getByText("Completed").waitFor();
    await page.reload();
    await shown.row("Weekly report 1").waitFor();
    await shown.counts("any", 4);
    assert.deepEqual(complaints, []);
  });
});

describe("the list", () => {
  test("is live: what another tab does shows in rows and counts", async (t) => {
    const one = await open(t);
    await one.page.getByText("No processes yet").waitFor();
    const two = await open(t, { beside: one });
    await two.with(external, ["a1", "a2", "b1"]);
    await one.page.bringToFront();
    await one.counts("any", 3);
    await one.row("b1").waitFor();
    await two.with(`(registry) => registry.completeProcess("a1", { type: "success", value: 1 })`);
    await one.counts("completed", 1);
    await one.counts("active", 2);
    await one.row("a1").getByText("Completed", { exact: true }).waitFor();
  });

  test("is narrowed by status, text, kind and labels, and says what to do when nothing fits", async (t) => {
    const shown = await open(t);
    const { page } = shown;
    await shown.with(external, ["a1", "a2", "b1"]);
    await shown.with(`(registry) => registry.completeProcess("a1", { type: "success", value: 1 })`);
    const rows = (count) =>
      page.waitForFunction(
        (count) =>
          globalThis.inspector.shadowRoot.querySelector("longwait-inspector-list").shadowRoot.querySelectorAll("[role=option]").length ===
          count,
        count,
      );
    await rows(3);
    await page.getByRole("button", { name: /^Completed/ }).click();
    await rows(1);
    await page.getByRole("button", { name: /^All/ }).click();
    await page.getByLabel("Labels").fill("team=a");
    await rows(2);
    await page.getByPlaceholder("Search").fill("2");
    await rows(1);
    await page.getByLabel("Kind", { exact: true }).fill("other");
    await page.getByText("No process fits these filters").waitFor();
    await screenshot(shown, "inspector-nothing-fits");
    await shown.press("Clear the filters");
    await rows(3);
    await page.getByLabel("Order").selectOption("id");
    await shown.list.getByRole("option").first().and(shown.row("a1")).waitFor();
  });

  test("of many reads a page at a time, to its end", async (t) => {
    const shown = await open(t);
    const ids = Array.from({ length: 1_000 }, (_, n) => `p${String(n).padStart(4, "0")}`);
    await shown.with(external, ids);
    await shown.counts("any", 1_000);
    await shown.page.getByLabel("Order").selectOption("id");
    await shown.row("p0000").waitFor();
    assert.ok((await shown.list.getByRole("option").count()) < 60, "only what is on the screen is elements");
    await shown.row("p0000").focus();
    const last = shown.row("p0999");
    for (let presses = 0; presses < 500 && !(await last.isVisible()); presses++) await shown.page.keyboard.press("End");
    await last.waitFor();
    const limits = await shown.page.evaluate(() => globalThis.calls.filter((name) => name === "listProcesses").length);
    assert.ok(limits >= 5, `${limits} pages`);
  });
});

describe("one process", () => {
  test("is shown over time, with steps, timers, signals, children, streams and attachments", async (t) => {
    const shown = await open(t);
    await shown.with(jobs);
    await shown.open("The job");
    await shown.bar(/^Signal approve/).waitFor();
    for (const words of [
      /^Process The job/,
      /^Step fetch, 2 attempts, attempt 1 failed: 503/,
      /^Timer nap/,
      /^Child job\/part, completed/,
      /^Stream tokens, 3 chunks, closed/,
      /^Attachment f.txt/,
    ])
      await shown.bar(words).waitFor();
    await shown.detail.getByText("this tab").waitFor();
    await shown.bar(/^Child/).focus();
    await shown.page.keyboard.press("ArrowRight");
    await shown.bar(/^Step half/).waitFor();
    await shown.page.keyboard.press("ArrowLeft");
    await shown.bar(/^Step half/).waitFor({ state: "detached" });
    await shown.bar(/^Stream/).click();
    await shown.page.getByRole("region", { name: "Stream tokens" }).getByText("so it goes").waitFor();
    await shown.bar(/^Step fetch/).click();
    await shown.page.getByRole("region", { name: "Step fetch" }).getByRole("button", { name: "#1" }).click();
    await shown.log.getByText('"503"').first().waitFor();
  });

  test("has a log of any length, with payloads as trees", async (t) => {
    const shown = await open(t);
    await shown.with(`async (registry) => {
      await registry.registerProcess({ id: "long", input: { type: "external" }, eventTypes: [{ name: "note" }] });
      for (let n = 0; n < 3_000; n += 500)
        await registry.appendEvents("long", Array.from({ length: 500 }, (_, k) => ({ eventType: "note", payload: { n: n + k + 1, deep: { er: "x" } } })));
    }`);
    await shown.open("long");
    await shown.tab(/Log/);
    const line = (n) => shown.log.locator(`[data-sequence="${n}"]`);
    await line(1).getByText("n: 1,").waitFor();
    await line(1).focus();
    await shown.page.keyboard.press("End");
    await line(3_000).getByText("n: 3000").waitFor();
    await shown.page.keyboard.press("ArrowRight");
    await shown.log.locator(".body").getByText('"x"').waitFor();
    await shown.press("Oldest first");
    await shown.press("Newest first");
    assert.ok((await shown.log.locator(".line").count()) < 60, "only what is on the screen is elements");
  });

  test("that is not there, or cannot be read, says so", async (t) => {
    const shown = await open(t);
    await shown.page.evaluate(() => void (globalThis.inspector.selected = "gone"));
    await shown.page.getByText("There is no process “gone”").waitFor();
    await shown.page.evaluate(() => {
      const fails = async () => {
        throw Object.assign(new Error("the disk is on fire"), { code: "storage_failed" });
      };
      globalThis.inspector.registry = { ...globalThis.registry, getProcess: fails, listProcesses: fails };
    });
    await shown.detail.getByText("the disk is on fire").waitFor();
    await shown.page.getByRole("alert").getByText("storage_failed").waitFor();
    await screenshot(shown, "inspector-error");
  });
});

describe("actions", () => {
  test("start, signal, pause, resume and cancel", async (t) => {
    const shown = await open(t);
    await shown.with(jobs);
    await shown.press("Start…");
    await shown.submit({ Kind: "job", Input: "{", Id: "mine" }, "Start");
    await shown.dialog.getByText("This is not JSON").waitFor();
    await shown.submit({ Input: '{"a":1}' }, "Start");
    await shown.detail.getByRole("heading", { name: "mine" }).waitFor();
    await shown.press("Signal…");
    await shown.submit({ Name: "approve", Payload: "" }, "Send");
    await shown.says("Sent “approve”");
    await shown.detail.locator(".state").getByText("Completed").waitFor();
    await shown.open("idle");
    await shown.press("Pause…");
    await shown.submit({ Reason: "lunch" }, "Pause");
    await shown.detail.getByText("Paused: lunch").waitFor();
    await shown.press("Resume");
    await shown.detail.locator(".state").getByText("Queued").waitFor();
    await shown.press("Cancel…");
    await shown.submit({ Reason: "enough" }, "Request cancel");
    await shown.detail.locator(".state").getByText("Cancelled").waitFor();
  });

  test("retry from a step, with what the error says in words and code", async (t) => {
    const shown = await open(t);
    await shown.with(jobs);
    await shown.open("broken");
    await shown.detail.locator(".state").getByText("Failed").waitFor();
    await shown.detail.getByText("process_failed: line 3").first().waitFor();
    await shown.press("Retry…");
    await shown.submit({ From: "step parse", "New id": "job" }, "Retry");
    await shown.dialog.getByText("registration_conflict", { exact: true }).waitFor();
    await shown.submit({ "New id": "again" }, "Retry");
    await shown.detail.getByRole("heading", { name: "again" }).waitFor();
    await shown.bar(/^Step first/).waitFor();
  });

  test("delete and prune ask first, and Escape keeps everything", async (t) => {
    const shown = await open(t);
    await shown.with(external, ["a", "b", "c"]);
    await shown.open("a");
    await shown.press("Delete…");
    await shown.dialog.getByText("This cannot be undone").waitFor();
    await shown.page.keyboard.press("Escape");
    await shown.dialog.waitFor({ state: "hidden" });
    assert.equal(await shown.with(`async (registry) => (await registry.getProcess("a")).id`), "a");
    await shown.press("Delete…");
    await shown.submit({}, "Delete");
    await shown.row("a").waitFor({ state: "detached" });
    await shown.with(`(registry) => registry.completeProcess("b", { type: "success", value: 1 })`);
    await shown.press("Prune…");
    await shown.submit({}, "Delete");
    await shown.says("Deleted 1 process");
    await shown.counts("any", 1);
  });
});

test("one process, or all, are exported into a file and imported elsewhere", async (t) => {
  const one = await open(t);
  await one.with(jobs);
  await one.open("broken");
  await one.detail.locator(".state").getByText("Failed").waitFor();
  const downloaded = async (button) => {
    const [download] = await Promise.all([one.page.waitForEvent("download"), one.press(button)]);
    const file = join(tmpdir(), `longwait-${process.pid}-${download.suggestedFilename()}`);
    await download.saveAs(file);
    t.after(() => rmSync(file));
    return file;
  };
  const [of, all] = [await downloaded("Export"), await downloaded("Export all")];
  assert.match(of, /broken\.ndjson$/);
  const two = await open(t);
  await two.press("Import…");
  await two.submit({}, "Import");
  await two.dialog.getByText("Choose a file.").waitFor();
  await two.submit({ File: of }, "Import");
  await two.says("Imported 1 process.");
  await two.row("broken").getByText("Failed", { exact: true }).waitFor();
  await two.press("Import…");
  await two.submit({ File: all, "Before each id": "copy/" }, "Import");
  await two.row("copy/broken").waitFor();
  await two.press("Import…");
  await two.submit({ File: { name: "wrong.ndjson", mimeType: "text/plain", buffer: Buffer.from("not a line\n") } }, "Import");
  await two.dialog.getByText("invalid_argument", { exact: true }).waitFor();
});

describe("what it costs", () => {
  test("hidden, it collects nothing, and shown again it is up to date", async (t) => {
    const shown = await open(t);
    const { page } = shown;
    await page.clock.install();
    await shown.with(external, ["a"]);
    await shown.open("a");
    await shown.bar(/^Process/).waitFor();
    const ways = {
      "out of sight": [
        () => (document.querySelector("main").style.display = "none"),
        () => (document.querySelector("main").style.display = ""),
      ],
      "in a tab behind": [
        () => {
          Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        },
        () => {
          delete document.visibilityState;
          document.dispatchEvent(new Event("visibilitychange"));
        },
      ],
    };
    for (const [way, [hide, show]] of Object.entries(ways)) {
      await page.evaluate(hide);
      // What is observed is kept for a moment; then nothing listens any more.
      await page.clock.runFor(3_000);
      await page.waitForFunction(() => globalThis.registry.hub.trackedProcesses === 0);
      await page.evaluate(() => void globalThis.calls.splice(0));
      await shown.with(external, [way]);
      await page.clock.runFor(60_000);
      assert.deepEqual(await page.evaluate(() => globalThis.calls), [], way);
      await page.evaluate(show);
      await page.clock.runFor(100);
      await shown.row(way).waitFor();
    }
  });

  test("two on a page, and a second definition of the element, get along", async (t) => {
    const shown = await open(t);
    await shown.page.evaluate(async () => {
      const other = document.createElement("longwait-inspector");
      other.id = "other";
      other.registry = globalThis.openRegistry({ name: "other", storage: "memory" });
      document.querySelector("main").append(other);
      await import("/node_modules/longwait/dist/inspecting.js?again");
    });
    await shown.with(external, ["a"]);
    await shown.page.locator("longwait-inspector:not(#other)").getByRole("option", { name: "a" }).waitFor();
    await shown.page.locator("#other").getByText("No processes yet").waitFor();
    // Removed and put back, it shows what there is.
    await shown.page.evaluate(() => {
      globalThis.inspector.selected = "a";
      const place = document.querySelector("main");
      globalThis.inspector.remove();
      place.prepend(globalThis.inspector);
    });
    await shown.with(`(registry) => registry.completeProcess("a", { type: "success", value: 1 })`);
    await shown.detail.locator(".state").getByText("Completed").waitFor();
  });
});

test("TanStack Devtools show it as a plugin, as the guide says", async (t) => {
  const heading = "TanStack Devtools";
  const path = await writeRunnable(programs().find(({ name }) => name === `docs/inspector.md: ${heading}`));
  const external = ["longwait", "longwait/*"];
  const bundled = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: "esm",
    external,
    conditions: ["browser"],
    nodePaths: [join(root, "node_modules")],
  });
  const of = (name) => `/node_modules/longwait/dist/${name}.js`;
  const imports = JSON.stringify({ imports: { longwait: of("index"), "longwait/inspector": of("inspector") } });
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const body = `<!doctype html><title>devtools</title><script type="importmap">${imports}</script><body><script type="module" src="/devtools.js"></script>`;
  await page.route("**/devtools.html", (route) => route.fulfill({ contentType: "text/html", body }));
  await page.route("**/devtools.js", (route) => route.fulfill({ contentType: "text/javascript", body: bundled.outputFiles[0].text }));
  await page.goto(`${served.url}devtools.html`);
  await page.locator("longwait-inspector").getByText("No processes yet").waitFor();
  assert.match(await page.locator("longwait-inspector").getAttribute("theme"), /^(light|dark)$/);
});

describe("for everybody", () => {
  test("axe finds nothing, light and dark", async (t) => {
    const shown = await open(t);
    const { page } = shown;
    await shown.with(jobs);
    const check = async (what) => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      assert.deepEqual(
        violations.map(({ id, impact, nodes }) => [impact, id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))]),
        [],
        what,
      );
    };
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 1440, height: 900 });
      await shown.row("The job").waitFor();
      await shown.row("broken").getByText("Failed", { exact: true }).waitFor();
      await check(`the list, ${colorScheme}`);
      await screenshot(shown, `inspector-list-${colorScheme}`);
      await shown.open("The job");
      await shown.bar(/^Signal approve/).waitFor();
      await shown.bar(/^Step fetch/).click();
      await check(`the timeline, ${colorScheme}`);
      await screenshot(shown, `inspector-timeline-${colorScheme}`);
      for (const tab of ["Log", "Data", "Wakes"]) {
        await shown.tab(tab);
        await check(`${tab}, ${colorScheme}`);
      }
      await shown.press("Signal…");
      await check(`a dialog, ${colorScheme}`);
      await page.keyboard.press("Escape");
      await page.setViewportSize({ width: 390, height: 844 });
      await shown.tab("Timeline");
      await check(`on a phone, ${colorScheme}`);
      await screenshot(shown, `inspector-phone-${colorScheme}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out");
      await shown.press("All processes");
      await screenshot(shown, `inspector-phone-list-${colorScheme}`);
    }
  });

  test("the keyboard alone is enough", async (t) => {
    const shown = await open(t);
    const { keyboard } = shown.page;
    await shown.with(external, ["a", "b", "c"]);
    await shown.page.getByLabel("Order").selectOption("id");
    await shown.list.getByRole("option").first().and(shown.row("a")).waitFor();
    await shown.row("a").focus();
    await keyboard.press("ArrowDown");
    assert.equal(await focused(shown), "b");
    await keyboard.press("Enter");
    await shown.detail.getByRole("heading", { name: "b", exact: true }).waitFor();
    await shown.page.waitForFunction(() => globalThis.deepest().matches("h2"));
    assert.equal(await shown.list.locator("[tabindex='0']").count(), 1, "the list is one stop of the Tab key");
    await keyboard.press("Escape");
    await shown.detail.waitFor({ state: "detached" });
    await shown.page.waitForFunction(() => globalThis.deepest().dataset.id === "b");
    await keyboard.press("End");
    assert.equal(await focused(shown), "c");
    await keyboard.press("Home");
    assert.equal(await focused(shown), "a");
    await keyboard.press("Enter");
    await shown.page.getByRole("tab", { name: "Timeline" }).focus();
    await keyboard.press("ArrowRight");
    await shown.page.getByText("Nothing recorded yet").waitFor();
    assert.match(await shown.page.getByRole("tab", { selected: true }).innerText(), /^Log/);
  });

  test("a status that changes is said, and nothing moves", async (t) => {
    const shown = await open(t, { reducedMotion: "reduce" });
    await shown.with(external, ["a"]);
    await shown.open("a");
    await shown.with(`(registry) => registry.completeProcess("a", { type: "success", value: 1 })`);
    await shown.page.getByRole("status").filter({ hasText: "a: completed" }).waitFor({ state: "attached" });
    assert.equal(await shown.page.evaluate(() => document.getAnimations().length), 0);
  });
});

/** The id of the row that has the focus, once it has come to rest. */
async function focused({ page }) {
  await page.evaluate(() => {
    globalThis.deepest ??= (root = document) =>
      root.activeElement?.shadowRoot ? globalThis.deepest(root.activeElement.shadowRoot) : root.activeElement;
    return new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
  });
  return page.evaluate(() => globalThis.deepest().dataset.id);
}
