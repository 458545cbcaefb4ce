/** The Rust code is formatted, and clippy has nothing to say of it on either platform. */

import { add, none, one } from "../lib/counts.mjs";
import { attempt } from "../lib/run.mjs";

export const needs = ["rust"];

const checks = [
  ["fmt", "--all", "--check"],
  ["clippy", "--all-targets", "--", "-D", "warnings"],
  ["clippy", "--all-targets", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings"],
];

export async function run() {
  let counts = none;
  for (const check of checks) counts = add(counts, one(await attempt("cargo", check)));
  return counts;
}
