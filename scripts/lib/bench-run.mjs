/** What the scripts share that measure: the site in the browser, the machine, and where a run is kept. */

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join, resolve, sep } from "node:path";
import { inRepo } from "./paths.mjs";

export const origin = "http://localhost";

/** The folders of the site, by the beginning of their addresses; with the build in `dist` or the one of this repository. */
export const siteOf = (dist) => ({ "/dist/": resolve(dist ?? inRepo("dist")), "/": inRepo("tests/bench") });

/** Files of the site, isolated from other origins: only then does a page get a clock of 5 microseconds. */
export function answer(route, site) {
  const { pathname } = new URL(route.request().url());
  const [prefix, folder] = Object.entries(site).find(([prefix]) => pathname.startsWith(prefix));
  const path = join(folder, pathname.slice(prefix.length));
  if (!path.startsWith(folder + sep)) return route.abort();
  const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  return route.fulfill({ path, headers });
}

export function machine() {
  const [{ model }] = cpus();
  return { processor: model.trim(), cores: cpus().length, memoryGB: Math.round(totalmem() / 2 ** 30), system: `${type()} ${release()}` };
}

/** Kills the process of a tab. */
export async function crash(tab) {
  const session = await tab.context().newCDPSession(tab);
  // It is answered by nobody.
  session.send("Page.crash").catch(() => {});
}

/** Writes the run down, and says where. */
export function keep(run) {
  const folder = inRepo("bench-results");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${run.at.replace(/[:.]/g, "-")}.json`);
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`);
  return `written to ${file}`;
}
