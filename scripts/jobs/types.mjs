/** The TypeScript code and the tests of its public types: as this project compiles, and once more as most users do. */

import { add, one } from "../lib/counts.mjs";
import { attempt } from "../lib/run.mjs";

// The build writes the declarations of the glue that our code imports.
export const needs = ["build"];

export async function run() {
  const ours = one(await attempt("tsc", ["-p", "tsconfig.json"]));
  return add(ours, one(await attempt("tsc", ["-p", "tests/types/tsconfig.json"])));
}
