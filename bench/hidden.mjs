/**
 * `npm run bench:hidden`: whether a hidden tab drives and wakes as fast as a visible one, and keeps its leases.
 *
 *   npm run bench:hidden -- --quick             smaller, for a look
 *   npm run bench:hidden -- --only renewals     one file of bench/page/hidden
 *   npm run bench:hidden -- --dist some/dist    measures that build instead of making one
 *
 * Without a screen no page counts as hidden, so Chromium gets a virtual one, and none of what automation usually switches
 * off. A page is hidden behind another tab of its window; a window of its own is always in sight.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { build, needs as buildNeeds } from "../scripts/build.mjs";
import { inRepo } from "../scripts/lib/paths.mjs";
import { CommandFailed, main, say } from "../scripts/lib/run.mjs";
import { setUp } from "../scripts/setup.mjs";
import { chromiumFlags, chromiumPath } from "../scripts/setup/browsers.mjs";
import { crash, measureAll } from "./lib/measure.mjs";
import { benchSite } from "./lib/site.mjs";

const benchmarks = readdirSync(inRepo("bench/page/hidden"))
  .map((file) => basename(file, ".js"))
  .sort();

/** After 10 seconds instead of 5 minutes, a hidden page's chained timers fire once a minute: the worst it comes to. */
const throttledSoon = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/10";

await main(async () => {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: benchmarks },
      dist: { type: "string" },
    },
  });
  const { quick, only, dist } = values;
  const rounds = quick ? 5 : 9;
  // What starts the virtual screen comes with this one.
  await setUp("chromium", "webkit", "peers", ...(dist ? ["packages"] : buildNeeds));
  if (!dist) await build();
  const site = await benchSite(dist);
  try {
    const sizes = { quick, rounds };
    await measureAll(only, sizes, (name) => measure(name, sizes, site.url));
  } finally {
    await site.close();
  }
});

async function measure(name, sizes, url) {
  const { context, browser, close } = await onScreen(["renewals", "timers"].includes(name) ? [throttledSoon] : []);
  try {
    const [page] = context.pages();
    page.on("console", (message) => say(`  ${message.text()}`));
    await page.goto(url);
    await exposeTabs(page, browser, url);
    const rows = await page.evaluate(async ({ name, sizes }) => (await import(`/hidden/${name}.js`)).run(sizes), { name, sizes });
    return { rows, browser: `Chromium ${browser.version()}` };
  } finally {
    await close();
  }
}

/** A Chromium on a virtual screen, with a new profile, in which pages are hidden and throttled as they are for people. */
async function onScreen(flags) {
  const { chromium } = await import("playwright-core");
  const profile = mkdtempSync(join(tmpdir(), "longwait-bench-"));
  const given = [...chromiumFlags, ...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  const child = spawn("xvfb-run", ["-a", chromiumPath(), ...given], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((exit) => child.on("close", exit));
  const close = async () => {
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const address = await Promise.race([listening(child), ended.then(() => Promise.reject(new CommandFailed("Chromium did not start")))]);
    const browser = await chromium.connectOverCDP(address, { noDefaults: true });
    return { browser, context: browser.contexts()[0], close };
  } catch (fault) {
    await close();
    throw fault;
  }
}

function listening(child) {
  return new Promise((found) => {
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        printed += text;
        const [, address] = printed.match(/DevTools listening on (ws:\S+)/) ?? [];
        if (address) found(address);
      });
  });
}

/** As in lib/browsers.mjs; a tab is hidden behind the page, or `visible` in a window of its own. */
async function exposeTabs(page, browser, url) {
  const tabs = new Map();
  const session = await browser.newBrowserCDPSession();
  await page.exposeFunction("openTab", async (name, { visible = false } = {}) => {
    const opened = page.context().waitForEvent("page");
    await session.send("Target.createTarget", { url: "about:blank", newWindow: visible });
    const tab = await opened;
    tabs.set(name, tab);
    await tab.goto(`${url}tab.html?${new URLSearchParams({ name })}`);
    if (!visible) await page.bringToFront();
  });
  await page.exposeFunction("crashTab", (name) => crash(tabs.get(name)));
  await page.exposeFunction("closeTab", (name) => tabs.get(name).close());
}
