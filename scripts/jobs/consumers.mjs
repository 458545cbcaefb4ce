/** The package as npm packs it, in an app for each bundler and runtime, opened in Chromium. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium"];

// One file: what the apps have installed holds tests of its own.
export const run = () => nodeTests("tests/consumers/consumers.test.mjs");
