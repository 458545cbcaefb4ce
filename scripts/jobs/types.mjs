/** The TypeScript code and the tests of its public types. */

import { one } from "../lib/counts.mjs";
import { attempt } from "../lib/run.mjs";

// The build writes the declarations of the glue that our code imports.
export const needs = ["build"];

export const run = async () => one(await attempt("tsc", ["-p", "tsconfig.json"]));
