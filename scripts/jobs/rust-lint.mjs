/** The Rust code is formatted, clippy has nothing to say of it on either platform, and no link of its documentation is broken. */

import { add, none, one } from "../lib/counts.mjs";
import { attempt } from "../lib/run.mjs";

export const needs = ["rust"];

const checks = [
  ["fmt", "--all", "--check"],
  ["clippy", "--all-targets", "--", "-D", "warnings"],
  // Examples are native.
  ["clippy", "--lib", "--tests", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings"],
  ["doc", "--no-deps"],
  ["doc", "--no-deps", "--target", "wasm32-unknown-unknown"],
];

export async function run() {
  let counts = none;
  for (const check of checks) counts = add(counts, one(await attempt("cargo", check, { env: { RUSTDOCFLAGS: "-D warnings" } })));
  return counts;
}
