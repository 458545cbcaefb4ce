/** Registries on NATS: servers are started, killed and cut off, in Node and in Chromium; and what the logs of the kill rounds say then. */

import { HISTORY } from "../../tests/nats/kills/plan.mjs";
import { add, libtest } from "../lib/counts.mjs";
import { checkHistory } from "../lib/history.mjs";
import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium", "nats"];

export async function run() {
  const tested = await nodeTests("tests/nats");
  return add(tested, libtest(await checkHistory(HISTORY)));
}
