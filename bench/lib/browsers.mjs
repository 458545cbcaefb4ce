/**
 * The browsers that are measured in. Each is opened with a new profile for one benchmark of the site at an address, and resolves
 * with its `version`, `measure(file, sizes)`, which resolves with the rows of a benchmark in bench/page, and `close()`.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firefoxSession } from "../../scripts/lib/firefox.mjs";
import { say } from "../../scripts/lib/run.mjs";
import { chromiumFlags, chromiumPath } from "../../scripts/setup/browsers.mjs";
import { crash } from "./measure.mjs";

export const browsers = {
  chromium: { needs: ["chromium"], open: openChromium },
  firefox: { needs: ["firefox", "geckodriver"], open: openFirefox },
};

async function openChromium(url) {
  // Imported late: on a fresh clone it is not installed when this file is loaded.
  const { chromium } = await import("playwright-core");
  const profile = mkdtempSync(join(tmpdir(), "longwait-bench-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath: chromiumPath(), args: chromiumFlags });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error));
  page.on("console", (message) => say(`  ${message.text()}`));
  return {
    version: `Chromium ${context.browser().version()}`,
    async measure(file, sizes) {
      await exposeBusySeconds(page);
      await exposeTasks(page, context.browser());
      await exposeTabs(page, url);
      await page.goto(url);
      const rows = await page.evaluate(({ file, sizes }) => globalThis.measure(file, sizes), { file, sizes });
      if (faults.length > 0) throw faults[0];
      return rows;
    },
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/**
 * Gives the page what only the browser knows: for how many seconds its main thread has been busy so far. Counted is the processor's time, as
 * the thread of a machine with other things to do is not busy while it waits for a core.
 */
async function exposeBusySeconds(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.exposeFunction("busySeconds", async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  });
}

/**
 * Gives the page the longest task of its main thread between two calls, in milliseconds of the processor's time: how long a frame takes where
 * the machine has nothing else to do.
 */
async function exposeTasks(page, browser) {
  await page.exposeFunction("traceTasks", () =>
    browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline", "devtools.timeline", "__metadata"] }),
  );
  await page.exposeFunction("longestTask", async () => {
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString("utf8"));
    const main = (
      ({ pid, tid } = {}) =>
      (event) =>
        event.pid === pid && event.tid === tid
    )(
      traceEvents
        .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
        .find((thread) =>
          traceEvents.some(
            (event) =>
              event.name === "FunctionCall" &&
              event.pid === thread.pid &&
              event.tid === thread.tid &&
              event.args.data?.url?.includes("inspecting"),
          ),
        ),
    );
    const tasks = traceEvents.filter((event) => main(event) && event.name.endsWith("RunTask"));
    return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur)) / 1_000;
  });
}

/** Lets the page open other tabs of this browser, crash them, and close them: see bench/page/another-tab.js and start.js. */
async function exposeTabs(page, url) {
  const tabs = new Map();
  const opened = async (address) => {
    const tab = await page.context().newPage();
    await tab.goto(`${url}${address}`);
    return tab;
  };
  await page.exposeFunction("openTab", async (name) => {
    tabs.set(name, await opened(`tab.html?${new URLSearchParams({ name })}`));
  });
  await page.exposeFunction("crashTab", (name) => crash(tabs.get(name)));
  await page.exposeFunction("closeTab", (name) => tabs.get(name).close());
  await page.exposeFunction("inFreshPage", async (address) => {
    const tab = await opened(address);
    try {
      return await tab.evaluate("globalThis.sample");
    } finally {
      await tab.close();
    }
  });
}

/** Without what Chromium's protocol gives the page. Nothing is heard until a benchmark is over. */
async function openFirefox(url) {
  const session = await firefoxSession();
  return {
    version: `Firefox ${(await session.getCapabilities()).getBrowserVersion()}`,
    async measure(file, sizes) {
      await session.manage().setTimeouts({ script: 3_600_000 });
      await session.get(url);
      // A script of the driver has globals of its own; what it evaluates is the page's.
      const inPage = `measure(${JSON.stringify(file)}, ${JSON.stringify(sizes)})
        .then((rows) => ({ rows }), (fault) => ({ fault: String(fault.stack) }))
        .then((outcome) => dispatchEvent(new CustomEvent("measured", { detail: JSON.stringify(outcome) })))`;
      const script = `const [inPage, done] = arguments;
        window.addEventListener("measured", ({ detail }) => done(detail), { once: true });
        window.eval(inPage)`;
      const { rows, fault } = JSON.parse(await session.executeAsyncScript(script, inPage));
      if (fault) throw new Error(fault);
      return rows;
    },
    close: () => session.quit(),
  };
}
