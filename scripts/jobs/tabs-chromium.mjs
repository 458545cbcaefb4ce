/** Several tabs of one profile in Chromium. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium"];

export const run = () => nodeTests("tests/tabs/chromium");
