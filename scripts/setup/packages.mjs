/** The npm packages, exactly as the package-lock.json of their folder names them. */

import { statSync } from "node:fs";
import { inRepo } from "../lib/paths.mjs";
import { run, say } from "../lib/run.mjs";

export const packages = () => installed("npm packages", "");

/** None is built: what one of them has for servers only would take a compiler, and minutes. */
export const peers = () => installed("npm packages to measure against", "bench", "--ignore-scripts");

/** Apart from the others: a test of one way to use the package takes hundreds of them. */
export const jest = () => installed("Jest with jsdom", "tests/jest");

/** Apart from the others: the newer one has its name. */
export const react18 = () => installed("React 18", "tests/react-18");

/** Apart from the others: only samples of the documentation import them. */
export const samples = () => installed("what samples import", "tests/samples");

/** Apart from the others: typedoc takes an older TypeScript. */
export const docs = () => installed("the generator of the documentation site", "site");

async function installed(what, folder, ...flags) {
  // npm writes its own record last, so a broken-off install counts as missing.
  if (age(folder, "node_modules/.package-lock.json") >= age(folder, "package-lock.json")) return say(`${what}: there`);
  say(`installing ${what}`);
  await run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--prefix", inRepo(folder), ...flags], { quiet: true });
}

const age = (...file) => statSync(inRepo(...file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
