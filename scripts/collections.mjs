/**
 * `npm run collections`: forces garbage collections under a driver that nothing refers to, in Node and in Chromium, and prints how
 * its processes ended. `-- --count 1000` for more of them than 100. Builds nothing: `npm run build` comes first.
 */
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { forget } from "../tests/lifetimes/forget.mjs";
import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { main, say } from "./lib/run.mjs";

async function inNode(count) {
  setFlagsFromString("--expose-gc");
  const { openRegistry } = await import(inRepo("dist/node.js"));
  return forget({ openRegistry, gc: runInNewContext("gc"), options: { storage: "memory" }, count });
}

async function inChromium(count) {
  const { launch } = await import("../tests/tabs/playwright.mjs");
  const { collecting, forgetInTab } = await import("../tests/lifetimes/in-tab.mjs");
  const { site } = await import("../tests/tabs/site.mjs");
  const [browser, served] = await Promise.all([launch(collecting), site()]);
  try {
    const tab = await browser.openTab(served.url);
    return await forgetInTab(tab, { name: "collections" }, count);
  } finally {
    await Promise.all([browser.close(), served.close()]);
  }
}

function print(where, count, { collections, outcomes }) {
  const ends = Object.entries(outcomes)
    .map(([how, times]) => `${times} ${how}`)
    .join(", ");
  say(`${where}: ${count} processes, ${collections} forced collections, ${ends}`);
  if (outcomes.completed !== count) process.exitCode = 1;
}

if (isScript(import.meta))
  await main(async () => {
    const { values } = parseArgs({ options: { count: { type: "string", default: "100" } } });
    const count = Number(values.count);
    print("Node, memory", count, await inNode(count));
    print("Chromium, IndexedDB", count, await inChromium(count));
    process.exit(); // The driver in this process drives on.
  });
