/** A page with an inspector and nothing else, under the security policy of the site: the registry is what a test puts into it. */
import assert from "node:assert/strict";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";

/** The script of the page. `counted` is a registry that notes the name of each method that is called. */
const script = `
  import { openRegistry } from "longwait";
  import "longwait/inspector";
  const registry = await openRegistry({ name: "inspected" });
  globalThis.calls = [];
  const counted = Object.fromEntries(
    Object.entries(registry).map(([name, own]) => [name, typeof own === "function" ? (...given) => (calls.push(name), own(...given)) : own]),
  );
  Object.assign(globalThis, { openRegistry, registry, inspector: document.querySelector("longwait-inspector") });
  inspector.registry = counted;
  await customElements.whenDefined("longwait-inspector");
  document.body.dataset.ready = "";
`;

/** Opens the page, in a profile of its own or beside another page of the same. In the end its console must be clean. */
export async function inspected(t, served, { beside, ...options } = {}) {
  const context = beside?.page.context() ?? (await served.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options }));
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  t.after(async () => {
    await page.close();
    if (!beside) await context.close();
    assert.deepEqual(complaints, []);
  });
  await page.route("**/bare.html", async (route) => {
    const first = await route.fetch({ url: served.url });
    const body = (await first.text())
      .replace('src="/inspector.js"', 'src="/bare.js"')
      .replace(/<header[\s\S]*<\/header>/, "<header><h1>Inspected</h1></header>");
    await route.fulfill({ response: first, body });
  });
  await page.route("**/bare.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  await page.goto(`${served.url}bare.html`);
  await page.locator("body[data-ready]").waitFor();
  return new InspectedPage(page);
}

/** An inspector, used by labels, roles and words. */
export class InspectedPage {
  constructor(page) {
    this.page = page;
    this.list = page.getByRole("listbox", { name: "Processes" });
    this.timeline = page.getByRole("tree", { name: "Timeline" });
    this.log = page.getByRole("list", { name: "Events" });
    this.dialog = page.getByRole("dialog");
    this.detail = page.locator("longwait-inspector-detail");
  }

  /** Does something with the registry, in the page. */
  with(work, given) {
    return this.page.evaluate(`(${work})(registry, ${JSON.stringify(given)})`);
  }

  row(name) {
    return this.list.getByRole("option").filter({ hasText: name });
  }

  bar(name) {
    return this.timeline.getByRole("treeitem", { name });
  }

  /** Waits until a status has this count. */
  counts(status, count) {
    return this.page.locator(`[data-count="${status}"]`).getByText(count.toLocaleString("en"), { exact: true }).waitFor();
  }

  async open(name) {
    // By the keyboard: a row that another one pushes aside is still the one that has the focus.
    await this.row(name).focus();
    await this.page.keyboard.press("Enter");
    await this.detail.getByRole("heading", { level: 2 }).waitFor();
  }

  tab(name) {
    return this.page.getByRole("tab", { name }).click();
  }

  press(name) {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  /** Fills the dialog, and submits it. */
  async submit(fields, button) {
    for (const [label, value] of Object.entries(fields)) {
      const field = this.dialog.getByLabel(label, { exact: true });
      if (await field.evaluate((node) => node.matches("select"))) await field.selectOption(value);
      else if (await field.evaluate((node) => node.type === "file")) await field.setInputFiles(value);
      else await field.fill(value);
    }
    await this.dialog.getByRole("button", { name: button, exact: true }).click();
  }

  says(words) {
    return this.page.locator(".said").getByText(words).waitFor();
  }
}
