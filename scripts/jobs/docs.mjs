/** The documentation site: built once, its links followed, and read in Chromium. */

import { buildDocs, needs as docsNeeds } from "../docs.mjs";
import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", ...docsNeeds, "chromium"];

export async function run() {
  await buildDocs();
  return nodeTests("tests/docs");
}
