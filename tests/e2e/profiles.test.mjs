/** The inspector in browsers with a profile each, which share nothing but three NATS servers. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { serve } from "../../scripts/serve.mjs";
import { isWhole } from "../nats/report.mjs";
import { startServers } from "../nats/servers.mjs";
import { killBrowser, launch } from "../tabs/playwright.mjs";
import { InspectedPage } from "./inspector-page.mjs";
import { screenshot } from "./site.mjs";

let served, servers;
before(async () => {
  served = await serve({ port: 0 });
  servers = await startServers({ count: 3 });
});
after(async () => {
  await served?.close();
  await servers?.close();
});

/** A browser with a profile of its own, on the page. */
async function profile(t) {
  const folder = mkdtempSync(join(tmpdir(), "longwait-profile-"));
  const { context, close } = await launch({ profile: folder, viewport: { width: 1440, height: 900 } });
  t.after(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(`${served.url}?nats=${servers.ws.join(",")}&namespace=profiles`);
  return { page, inspector: new InspectedPage(page), complaints, kill: () => killBrowser(context) };
}

/** What the open process says behind a name. */
const fact = ({ detail }, name) => detail.locator("dl > div").filter({ hasText: name }).locator("dd");

/** How long a profile waits for what another one held, in milliseconds: a lease, and what a busy machine adds. */
const LEASE_OVER = 60_000;

test("two profiles share the work, and one continues what the other was doing when it was killed", async (t) => {
  const one = await profile(t);
  await one.inspector.row("Weekly report 1").waitFor();
  await fact(one.inspector, "Run by").getByText("this tab").waitFor();

  const other = await profile(t);
  await other.page.getByText("This page uses NATS servers, in the namespace profiles").waitFor();
  await other.inspector.open("Weekly report 1");
  await fact(other.inspector, "Run by")
    .getByText(/^(?!this tab)/)
    .waitFor();
  await screenshot(other, "profiles-both");

  await one.kill();
  await fact(other.inspector, "Run by").getByText("this tab").waitFor({ timeout: LEASE_OVER });
  await other.inspector.press("Signal…");
  await other.inspector.submit({ Name: "approve" }, "Send");
  await other.page.evaluate(() => registry.awaitTerminal("weekly-report-1"));
  await other.inspector.counts("completed", 2);
  await screenshot(other, "profiles-continued");

  isWhole(await other.page.evaluate(() => registry.eventsAfter("weekly-report-1", 0)));
  assert.deepEqual(other.complaints, []);
});

test("the storage of a page is in the links between the two pages that can have another, and in no other link", async (t) => {
  const { page } = await profile(t);
  const { search } = new URL(page.url());
  await page.getByRole("link", { name: "Processes" }).click();
  await page.getByText("kept by the servers until you delete it").waitFor();
  assert.equal(decodeURIComponent(new URL(page.url()).search), decodeURIComponent(search));
  assert.equal(new URL(await page.getByRole("link", { name: "Takeover" }).evaluate(({ href }) => href)).search, "");
  await page.getByRole("link", { name: "Use this browser’s storage" }).click();
  await page.getByText("This page uses the storage of this browser.").waitFor();
  await page.getByText("kept, unless the browser runs out of space").waitFor();
});
