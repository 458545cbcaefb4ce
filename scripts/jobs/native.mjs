/** Everything in Rust that needs no browser: unit, property and conformance tests. */

import { libtest } from "../lib/counts.mjs";
import { attempt } from "../lib/run.mjs";

export const needs = ["rust"];

export const run = async () => libtest(await attempt("cargo", ["test", "--no-fail-fast"]));
