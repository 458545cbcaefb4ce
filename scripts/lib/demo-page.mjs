/**
 * The demo page in headless Chromium, used the way a person uses it: by labels, roles and words on the screen.
 *
 * Every step waits for what it leads to, and fails by itself when that does not come.
 */

import { serve } from "../serve.mjs";
import { chromiumFlags, chromiumPath } from "../setup/browsers.mjs";

/** How long a person would have patience, on a busy machine. */
const PATIENCE = 15_000;

/**
 * A served site and a browser for it. `visit()` opens the page in a profile of its own, or in that of another
 * page, as a second tab. `close()` ends both.
 */
export async function demo({ port = 0 } = {}) {
  // Imported late: on a fresh clone it is not installed when this file is loaded.
  const { chromium } = await import("playwright-core");
  const site = await serve({ port });
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumFlags });
  return {
    url: site.url,
    browser,
    async visit({ beside, ...options } = {}) {
      const context = beside?.page.context() ?? (await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options }));
      context.setDefaultTimeout(PATIENCE);
      const page = await context.newPage();
      const complaints = complaintsOf(page);
      await page.goto(`${site.url}processes.html`);
      const demoPage = new DemoPage(page, complaints);
      await demoPage.ready();
      return demoPage;
    },
    async close() {
      await browser.close();
      await site.close();
    },
  };
}

/** What a page complains of in its console: errors, warnings, and what its security policy refuses. */
export function complaintsOf(page) {
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}

export class DemoPage {
  constructor(page, complaints) {
    this.page = page;
    this.complaints = complaints;
    this.list = page.getByRole("listbox", { name: "Processes" });
    this.detail = page.locator("#detail");
    this.waits = page.getByRole("region", { name: "Waits" });
    this.cards = this.waits.getByRole("listitem");
    this.log = page.getByRole("log");
    this.notices = page.getByRole("alert");
    this.startForm = page.locator("#start-form");
    this.appendForm = page.locator("#append-form");
    this.waitForm = page.locator("#wait-form");
    this.endForm = page.locator("#end-form");
  }

  /** The registry is open and the list has been read. */
  async ready() {
    try {
      await this.page.locator("#start[data-seen]").waitFor();
    } catch (cause) {
      const said = [...(await this.notices.locator("p").allInnerTexts()), ...this.complaints].join("\n").trim();
      throw new Error(`the page did not open; it says: ${said || "nothing"}`, { cause });
    }
  }

  async reload() {
    await this.page.reload();
    await this.ready();
  }

  async start({ id, title = "", kind = "External job", type, schema }) {
    await this.#unfold("Start a process");
    const form = this.startForm;
    await form.getByLabel("What it is").selectOption(kind);
    await form.getByLabel("Id").fill(id);
    await form.getByLabel("Title").fill(title);
    if (type !== undefined) await form.getByLabel("Event type").fill(type);
    if (schema !== undefined) await form.getByLabel("Payload schema").fill(schema);
    await form.getByRole("button", { name: "Start" }).click();
  }

  /** Starts a process and waits until it is shown. */
  async started(what) {
    await this.start(what);
    await this.shows(what.id);
  }

  async select(id) {
    await this.toFront();
    await this.row(id).click();
    await this.shows(id);
  }

  shows(id) {
    return this.detail.locator("#detail-id").getByText(id, { exact: true }).waitFor();
  }

  row(id) {
    return this.list.getByRole("option").filter({ has: this.page.getByText(id, { exact: true }) });
  }

  /** Waits until the list says so. */
  async hasState(id, state) {
    await this.row(id).locator(".state", { hasText: state }).waitFor();
  }

  async append({ type, payload, key = "" }) {
    await this.#unfold("Append an event");
    const form = this.appendForm;
    await form.getByLabel("Event type").fill(type);
    await form.getByLabel("Payload").fill(payload);
    await form.getByLabel("Replay key").fill(key);
    await form.getByRole("button", { name: "Append" }).click();
  }

  /** Appends an event and answers the sequence that the page says it has. */
  async appended(event) {
    await this.append(event);
    const outcome = this.appendForm.getByRole("status").filter({ hasText: /#\d+/ });
    await outcome.waitFor();
    const sequence = Number(/#(\d+)/.exec(await outcome.textContent())[1]);
    await this.event(sequence).waitFor();
    return sequence;
  }

  /** A row of the log. */
  event(sequence) {
    return this.log.getByRole("listitem").filter({ has: this.page.getByText(`#${sequence}`, { exact: true }) });
  }

  /** Starts a wait for the end of the selected process, or for an event when a type is given. */
  async wait({ type, after, untilTerminal = false, timeout = "" } = {}) {
    await this.#unfold("Wait for something");
    const form = this.waitForm;
    if (type === undefined) await form.getByLabel("it ends").check();
    else {
      await form.getByLabel("an event comes").check();
      await form.getByLabel("Event type").fill(type);
      await form.getByLabel("After sequence").fill(after === undefined ? "" : String(after));
      await form.getByLabel("Give up").setChecked(untilTerminal);
    }
    await form.getByLabel("Time limit").fill(String(timeout));
    const before = await this.cards.count();
    await form.getByRole("button", { name: "Start waiting" }).click();
    await this.cards.nth(before).waitFor();
  }

  /** The card that says all of these words. */
  card(...words) {
    return words.reduce((cards, hasText) => cards.filter({ hasText }), this.cards);
  }

  async requestCancel(reason) {
    await this.#unfold("Cancel or end it");
    await this.page.getByLabel("Ask it to cancel").fill(reason);
    await this.page.getByRole("button", { name: "Request cancel" }).click();
  }

  /** Ends the selected process: `as` is "completed" with JSON text, or "failed" or "cancelled" with a message. */
  async end(as, text) {
    await this.#unfold("Cancel or end it");
    await this.endForm.getByLabel(as).check();
    await this.endForm.getByLabel(as === "completed" ? "Value" : "Message").fill(text);
    await this.endForm.getByRole("button", { name: "End the process" }).click();
  }

  /** Ends it and waits until the page shows that. */
  async ended(as, text) {
    await this.end(as, text);
    await this.detail.locator("#detail-state", { hasText: as }).waitFor();
  }

  /** A fact of the top line, as it reads once it is `expected`. */
  async fact(name, expected) {
    const fact = this.page.locator(".facts > div").filter({ hasText: name }).locator("dd");
    await fact.getByText(expected, { exact: true }).waitFor();
  }

  /** Looks at this tab. One that is not in front draws once a second, and a click waits for it to draw. */
  toFront() {
    return this.page.bringToFront();
  }

  async #unfold(summary) {
    await this.toFront();
    const details = this.page.locator("details", { has: this.page.locator("summary", { hasText: summary }) });
    if ((await details.getAttribute("open")) === null) await details.locator("summary", { hasText: summary }).click();
  }
}
