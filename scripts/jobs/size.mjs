/** The package stays within its download budget. */

import { pass } from "../lib/counts.mjs";
import { size } from "../size.mjs";

export const needs = ["build"];

export async function run() {
  size();
  return pass;
}
