/** The built package as a user meets it: imported in Node, and bundled. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "jest", "react-18", "samples"];

export const run = () => nodeTests("tests/package");
