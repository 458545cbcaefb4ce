/**
 * The Rust code is formatted, and clippy has nothing to say of it on either platform. With the feature `shipped`, the
 * compiler also refuses each method of the registry, the session view, the awaiter and the driver that no export calls:
 * what only tests call proves nothing about the package.
 */

import { add, none, one } from "../lib/counts.mjs";
import { attempt } from "../lib/run.mjs";

export const needs = ["rust"];

const checks = [
  ["fmt", "--all", "--check"],
  ["clippy", "--all-targets", "--", "-D", "warnings"],
  ["clippy", "--all-targets", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings"],
  ["clippy", "--lib", "--features", "shipped", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings"],
];

export async function run() {
  let counts = none;
  for (const check of checks) counts = add(counts, one(await attempt("cargo", check)));
  return counts;
}
