/** Several tabs of one profile in WebKitGTK. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "webkit"];

export const run = () => nodeTests("tests/tabs/webkit");
