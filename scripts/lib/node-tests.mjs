/** Runs a folder of node:test files, or one of them. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fail, nodeTest } from "./counts.mjs";
import { inRepo } from "./paths.mjs";
import { attempt, say } from "./run.mjs";

/** Loaded into each file: see there. */
const END = pathToFileURL(inRepo("scripts/lib/end-of-tests.mjs")).href;

/** How long a file may take, in milliseconds: far above the slowest one. What hangs must fail, and not run for ever. */
const LIMIT_MS = 900_000;

/** Files are named one by one: what `node --test` makes of a folder differs between versions. */
export async function nodeTests(folder, flags = []) {
  const files = list(folder).filter((file) => file.endsWith(".test.mjs"));
  if (files.length === 0) {
    say(`${folder} holds no *.test.mjs`);
    return fail;
  }
  return nodeTest(
    await attempt("node", ["--import", END, "--test", "--test-reporter=spec", `--test-timeout=${LIMIT_MS}`, ...flags, ...files]),
  );
}

function list(folder) {
  if (folder.endsWith(".test.mjs")) return [folder];
  try {
    return readdirSync(inRepo(folder), { recursive: true })
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}
