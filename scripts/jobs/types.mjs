/** All JavaScript and TypeScript is formatted. The TypeScript code and the tests of its public types compile: as this project does, and once more as most users do, and so do the examples in React. */

import { add, one } from "../lib/counts.mjs";
import { examples } from "../examples.mjs";
import { attempt } from "../lib/run.mjs";

// The build writes the declarations of the glue that our code imports.
export const needs = ["build"];

export async function run() {
  const formatted = one(await attempt("prettier", ["--check", "**/*.{ts,tsx,mjs,js}"]));
  const ours = one(await attempt("tsc", ["-p", "tsconfig.json"]));
  const asUsers = one(await attempt("tsc", ["-p", "tests/types/tsconfig.json"]));
  const found = [formatted, ours, asUsers];
  for (const name of examples) found.push(one(await attempt("tsc", ["-p", `examples/${name}/tsconfig.json`])));
  return found.reduce(add);
}
