/** Tabs, workers and the browser killed while processes run; and what their logs say then. */

import { HISTORY } from "../../tests/kills/round.mjs";
import { add, libtest } from "../lib/counts.mjs";
import { checkHistory } from "../lib/history.mjs";
import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium", "samples"];

export async function run() {
  const killed = await nodeTests("tests/kills");
  return add(killed, libtest(await checkHistory(HISTORY)));
}
