/** Registries on NATS: servers are started, killed and cut off, in Node and in Chromium. */

import { buildExamples } from "../examples.mjs";
import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium", "nats"];

export async function run() {
  await buildExamples();
  return nodeTests("tests/nats");
}
