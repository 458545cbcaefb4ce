/** Several tabs of one profile in Firefox. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "geckodriver", "firefox"];

export const run = () => nodeTests("tests/tabs/firefox");
