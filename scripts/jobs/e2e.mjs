/** The demo page, driven in Chromium. */

import { buildExamples } from "../examples.mjs";
import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium", "nats", "samples"];

export async function run() {
  await buildExamples();
  return nodeTests("tests/e2e");
}
