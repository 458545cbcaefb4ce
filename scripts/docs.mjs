/**
 * `npm run docs`: builds the documentation site in build/docs, to be served under /docs/, as `npm start` does.
 * `npm run docs -- --base /`: for a server that has it at another place.
 */

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { main, run, say } from "./lib/run.mjs";
import { setUp } from "./setup.mjs";

/** The setup steps that it needs. The packages have the types of what entries import. */
export const needs = ["packages", "docs"];

/** What the site is made of. */
const sources = ["docs", "site", "js", "package.json", "scripts/docs.mjs"];

/** Where the build before wrote down what it was made of. */
const MADE_OF = "build/docs.made-of";

/** Builds the site, unless it is there and nothing of it has changed; expects those steps to be done. */
export async function buildDocs({ base = "/docs/" } = {}) {
  const now = digest(base);
  if (existsSync(inRepo("build/docs/index.html")) && now === made()) return say("documentation site: there");
  say("building the documentation site");
  await run("node", ["site/build.mjs", base], { quiet: true });
  writeFileSync(inRepo(MADE_OF), now);
}

const made = () => existsSync(inRepo(MADE_OF)) && readFileSync(inRepo(MADE_OF), "utf8");

function digest(base) {
  const hash = createHash("sha256").update(base);
  for (const file of sources.flatMap(files)) hash.update(file).update(readFileSync(inRepo(file)));
  return hash.digest("hex");
}

/** The files of a folder, or the one file. */
function files(path) {
  if (!statSync(inRepo(path)).isDirectory()) return [path];
  const names = readdirSync(inRepo(path)).filter((name) => name !== "node_modules");
  return names.sort().flatMap((name) => files(`${path}/${name}`));
}

if (isScript(import.meta))
  await main(async () => {
    const { values } = parseArgs({ options: { base: { type: "string" } } });
    await setUp(...needs);
    await buildDocs(values);
  });
