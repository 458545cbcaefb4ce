/**
 * Site data that is cleared under a page that drives: by a response, as a logout sends it, and by the browser's own settings page.
 * `npm run cleared` does it to a hundred pages; both print what came of it as a table.
 */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

const PAGES = Number(process.env.LONGWAIT_PAGES ?? 8);

/** When a promise that has not settled counts as hanging: far above anything that a settled one takes. */
const HANGS_MS = Number(process.env.LONGWAIT_HANGS_MS ?? 60_000);

const tabs = tabsForSuite();
let logout;

before(async () => {
  logout = createServer((_, response) => response.writeHead(200, { "Clear-Site-Data": '"storage"' }).end("logged out"));
  await new Promise((listening) => logout.listen(0, "127.0.0.1", listening));
});
after(() => logout.close());

/** Appends without a pause, in several lanes; notes what has not settled. */
const works = async (lanes) => {
  const { registry } = globalThis;
  globalThis.pending = new Map();
  globalThis.settled = 0;
  globalThis.called = 0;
  globalThis.over = false;
  const noted = async (what, call) => {
    const number = globalThis.called++;
    globalThis.pending.set(number, what);
    await call().catch(() => {});
    globalThis.pending.delete(number);
    globalThis.settled++;
  };
  globalThis.noted = noted;
  const lane = async (id) => {
    while (!globalThis.over) {
      await noted("register", () => registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "note" }] }));
      for (let n = 0; n < 5; n++) await noted("append", () => registry.appendEvent(id, { eventType: "note", payload: n }));
      await noted("list", () => registry.listProcesses({ status: "any" }));
    }
  };
  for (let n = 0; n < lanes; n++) void lane(`lane-${n}`);
  globalThis.driver = registry.driver({
    runners: {
      async job({ step }) {
        for (let n = 0; !globalThis.over; n++) await step(`step-${n}`, () => n);
        return null;
      },
    },
  });
  globalThis.driver.start();
  for (let n = 0; n < 3; n++) await registry.registerProcess({ id: `job-${n}`, input: { type: "engine", kind: "job" } });
};

/** Resolves with what has not settled in time, once nothing new is begun. */
const left = async (limit) => {
  globalThis.over = true;
  const { driver, noted, pending } = globalThis;
  void noted("driver.stop", () => driver.stop());
  const end = performance.now() + limit;
  while (pending.size > 0 && performance.now() < end) await new Promise((later) => setTimeout(later, 20));
  return [...pending.values()];
};

/** Whether a registry does its work; says what it does not do. */
const isUsable = async ([id, limit]) => {
  const { registry } = globalThis;
  const work = async () => {
    await registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "note" }] });
    const { event } = await registry.appendEvent(id, { eventType: "note" });
    await registry.completeProcess(id, { type: "success", value: 1 });
    const { value } = await registry.awaiter.awaitTerminal(id);
    const log = await registry.eventsAfter(id, 0);
    return event.sequence === 1 && value === 1 && log.length === 2 ? "" : JSON.stringify({ event, value, log });
  };
  const late = new Promise((tell) => setTimeout(tell, limit, "hangs"));
  return Promise.race([work().catch((error) => `${error.code}: ${error.message}`), late]);
};

const closes = (limit) => {
  const late = new Promise((tell) => setTimeout(tell, limit, false));
  return Promise.race([globalThis.registry.close().then(() => true), late]);
};

const ways = {
  async "Clear-Site-Data"(tab) {
    const { port } = logout.address();
    // Of the page's own host: the port is no part of what is cleared, and neither is the scheme of the fetch.
    await tab.run(async (url) => void (await fetch(url, { mode: "no-cors", credentials: "include" })), `http://localhost:${port}/`);
  },
  async "Storage.clearDataForOrigin"(tab) {
    const browser = await tabs.browser.context.newCDPSession(tab.page);
    await browser.send("Storage.clearDataForOrigin", { origin: new URL(tab.page.url()).origin, storageTypes: "all" });
  },
};

test(`a page whose site data is cleared while it drives has every promise settled, and works again on a fresh database`, async (t) => {
  const rows = [];
  for (const [way, clear] of Object.entries(ways)) {
    const row = { way, pages: 0, calls: 0, hangs: 0, "works again": 0, faults: [] };
    for (let n = 0; n < PAGES / 2; n++) {
      const tab = await tabs.blank(t);
      await tab.run(page.open, { name: `${t.name} ${way} ${n}` });
      await tab.run(works, 1 + (n % 4));
      await tab.run(
        async (calls) => {
          while (globalThis.settled < calls) await new Promise((later) => setTimeout(later));
        },
        10 + ((7 * n) % 40),
      );
      await clear(tab);
      const hanging = await tab.run(left, HANGS_MS);
      const fault = hanging.length > 0 ? "not asked" : await tab.run(isUsable, [`again`, HANGS_MS]);
      if (!(await tab.run(closes, HANGS_MS))) hanging.push("registry.close");
      row.pages += 1;
      row.calls += await tab.run(() => globalThis.called);
      row.hangs += hanging.length > 0 ? 1 : 0;
      row["works again"] += fault === "" ? 1 : 0;
      if (hanging.length > 0 || fault !== "")
        row.faults.push(`page ${n}: pending ${hanging.join(", ") || "nothing"}; afterwards ${fault || "well"}`);
      await tab.close();
    }
    rows.push(row);
  }
  console.table(rows.map(({ faults, ...figures }) => figures));
  for (const { way, faults } of rows) for (const fault of faults) console.log(`${way}, ${fault}`);
  for (const row of rows) assert.deepEqual([row.hangs, row["works again"]], [0, row.pages], row.way);
});
