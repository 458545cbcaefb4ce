/** Chromium's tabs, for the tests beside this file. */
import { after, before } from "node:test";
import { chromiumFlags, chromiumPath } from "../../scripts/setup/browsers.mjs";
import * as page from "./page.mjs";
import { site } from "./site.mjs";

/** A site and a browser for the tests of one suite. `opened(t)` is a tab over the test's own database, `blank(t)` one over none. */
export function tabsForSuite(options) {
  let served, browser;
  before(async () => {
    served = await site();
    browser = await launch(options);
  });
  after(async () => {
    await browser.close();
    await served.close();
  });
  async function blank(t) {
    const one = await browser.openTab(served.url);
    t.after(() => one.close());
    return one;
  }
  return {
    blank,
    get url() {
      return served.url;
    },
    get browser() {
      return browser;
    },
    async opened(t, more = {}) {
      const one = await blank(t);
      return Object.assign(one, await one.run(page.open, { name: t.name, ...more }));
    },
  };
}

const options = () => ({ executablePath: chromiumPath(), args: chromiumFlags });

/** A browser with one profile: a new one, or the one in a folder. */
export async function launch({ profile, ...more } = {}) {
  const { chromium } = await import("playwright-core");
  if (profile) return tabsOf(await chromium.launchPersistentContext(profile, { ...options(), ...more }));
  const browser = await chromium.launch({ ...options(), ...more });
  return { ...tabsOf(await browser.newContext()), browser, close: () => browser.close() };
}

/** Ends the browser of a context at once, with all of its pages: nothing in them hears of it. */
export async function killBrowser(context) {
  const session = await context.browser().newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const gone = new Promise((closed) => context.once("close", closed));
  process.kill(processInfo.find(({ type }) => type === "browser").id, "SIGKILL");
  await gone;
}

function tabsOf(context) {
  return {
    context,
    close: () => context.close(),
    async openTab(url) {
      const shown = await context.newPage();
      await shown.goto(url);
      await shown.waitForFunction("globalThis.ready");
      return tab(shown);
    },
  };
}

export function tab(shown) {
  const run = (work, argument) => shown.evaluate(work, argument);
  return {
    page: shown,
    run,
    async begin(work, argument) {
      const answer = run(work, argument);
      // Where nobody asks for it any more, because the page is gone, its failure is nobody's.
      answer.catch(() => {});
      // Calls arrive in order: when this one is answered, that one runs.
      await run(() => {});
      return () => answer;
    },
    isOpen: () => !shown.isClosed(),
    close: () => shown.close(),
  };
}
