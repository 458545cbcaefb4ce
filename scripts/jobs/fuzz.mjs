/** All that the package exports, called by chance, in Node and in Chromium; and whether the fuzzer knows all of it. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium", "nats"];

export const run = () => nodeTests("tests/fuzz");
