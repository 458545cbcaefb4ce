/** Chromium's tabs, for the tests beside this file. */
import { chromiumFlags, chromiumPath } from "../../scripts/setup/browsers.mjs";

const options = () => ({ executablePath: chromiumPath(), args: chromiumFlags });

/** A browser with one profile: a new one, or the one in a folder. */
export async function launch({ profile, ...more } = {}) {
  const { chromium } = await import("playwright-core");
  if (profile) return tabsOf(await chromium.launchPersistentContext(profile, { ...options(), ...more }));
  const browser = await chromium.launch({ ...options(), ...more });
  return { ...tabsOf(await browser.newContext()), browser, close: () => browser.close() };
}

function tabsOf(context) {
  return {
    context,
    close: () => context.close(),
    async openTab(url) {
      const page = await context.newPage();
      await page.goto(url);
      await page.waitForFunction("globalThis.ready");
      return tab(page);
    },
  };
}

export function tab(page) {
  const run = (work, argument) => page.evaluate(work, argument);
  return {
    page,
    run,
    async begin(work, argument) {
      const answer = run(work, argument);
      // Where nobody asks for it any more, because the page is gone, its failure is nobody's.
      answer.catch(() => {});
      // Calls arrive in order: when this one is answered, that one runs.
      await run(() => {});
      return () => answer;
    },
    isOpen: () => !page.isClosed(),
    close: () => page.close(),
  };
}
