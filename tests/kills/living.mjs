/** The tabs of a round: they die, and others come in their place. It refuses to know what runs in them. */
import * as tabs from "../tabs/page.mjs";
import { killBrowser, launch } from "../tabs/playwright.mjs";
import * as page from "./page.mjs";
import { TABS } from "./plan.mjs";

/**
 * Tabs of one profile, each with a driver. `ran(step)` hears of each step that is begun. Those of which `inWorker(number)`
 * is true have their driver in a worker. `open` is what each of them runs first, `prepare` is done to each browser.
 */
export async function livingTabs({ url, profile, inWorker, ran, open = page.open, prepare = () => {}, ...opening }) {
  let browser,
    count = 0;
  const living = new Set();
  const waiting = [];

  function live(tab) {
    living.add(tab);
    for (const go of waiting.splice(0)) go();
  }

  async function start() {
    // Playwright switches the back-forward cache off.
    browser = await launch({ profile, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
    await browser.context.exposeBinding("ran", (_, step) => ran(step));
    await prepare(browser.context);
    await fill();
  }

  /** As many as there are to be. */
  async function fill() {
    const missing = TABS - living.size;
    await Promise.all(Array.from({ length: missing }, async () => begin(await browser.openTab(url))));
  }

  async function begin(tab) {
    tab.name = `tab ${count}`;
    const options = { ...opening, tab: tab.name, drives: true };
    tab.inWorker = inWorker(count++);
    await tab.run(open, { ...options, drives: !tab.inWorker });
    if (tab.inWorker) await tab.run(page.openInWorker, [`${url}index.js`, String(page.open), options]);
    tab.page.once("crash", () => living.delete(tab));
    live(tab);
  }

  /** While the work goes on, nobody asks these for anything. */
  async function without(victims, work) {
    for (const tab of victims) living.delete(tab);
    await Promise.all(victims.map(work));
  }

  const deaths = {
    crash: (victims) => without(victims, crash),
    close: (victims) => without(victims, (tab) => tab.close()),
    reload: (victims) =>
      without(victims, async (tab) => {
        await tab.page.reload();
        await tab.page.waitForFunction("globalThis.ready");
        await begin(tab);
      }),
    worker: (victims) =>
      without(victims, async (tab) => {
        // One that has none loses everything else.
        await (tab.inWorker ? tab.run(() => globalThis.worker.terminate()) : crash(tab));
        if (tab.inWorker) await tab.close();
      }),
    /** Into the back-forward cache, where it counts as dead, and out again: the first one once it was taken over, the others at once. */
    aside: (victims, takenOver) =>
      without(victims, async (tab) => {
        await tab.page.goto(`${url}elsewhere/`);
        if (tab === victims[0]) await takenOver();
        await tab.page.goBack({ waitUntil: "commit" });
        await tab.page.waitForFunction("globalThis.ready");
        // A browser need not keep it there: then it was loaded anew.
        if (await tab.run(() => "registry" in globalThis)) live(tab);
        else await begin(tab);
      }),
    async browser() {
      living.clear();
      await killBrowser(browser.context);
      await start();
    },
  };

  async function crash(tab) {
    const session = await browser.context.newCDPSession(tab.page);
    const crashed = tab.page.waitForEvent("crash");
    // It has nobody left to answer.
    session.send("Page.crash").catch(() => {});
    await crashed;
    await tab.close();
  }

  await start();
  return {
    /**
     * Lets so many of them die, beginning with one that is at work, and puts others in their place. `takenOver()` resolves once
     * another tab does that work.
     */
    async die({ death, victims }, working, takenOver) {
      const all = [...living];
      const first = Math.max(
        0,
        all.findIndex(({ name }) => name === working),
      );
      await deaths[death](
        Array.from({ length: victims }, (_, n) => all[(first + n) % all.length]),
        takenOver,
      );
      await fill();
    },
    /** Runs something in a tab, and again in another one where that died over it. */
    async insist(work, argument) {
      for (;;) {
        const [tab] = living;
        if (tab === undefined) await new Promise((go) => waiting.push(go));
        else
          try {
            return await tab.run(work, argument);
          } catch (error) {
            if (living.has(tab)) throw error;
          }
      }
    },
    /** Runs something in each of those that live. */
    inEach: (work, argument) => Promise.all([...living].map((tab) => tab.run(work, argument))),
    /** What nobody caught in those that live. */
    async faults() {
      return (await Promise.all([...living].map((tab) => tab.run(tabs.faults)))).flat();
    },
    /** Runs something in a fresh tab that drives nothing. */
    async afresh(work, argument) {
      return (await browser.openTab(url)).run(work, argument);
    },
    close: () => browser.close(),
  };
}
