/** The npm packages, exactly as package-lock.json names them. */

import { statSync } from "node:fs";
import { inRepo } from "../lib/paths.mjs";
import { run, say } from "../lib/run.mjs";

export async function packages() {
  // npm writes its own record last, so a broken-off install counts as missing.
  if (age("node_modules/.package-lock.json") >= age("package-lock.json"))
    return say("npm packages: there");
  say("installing npm packages");
  await run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], { quiet: true });
}

const age = (file) => statSync(inRepo(file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
