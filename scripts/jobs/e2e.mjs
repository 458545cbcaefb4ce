/** The demo page, driven in Chromium. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium"];

export const run = () => nodeTests("tests/e2e");
