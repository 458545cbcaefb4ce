/** What every engine is held to in two tabs, in Chromium alone: a part of tabs-chromium, for `npm test -- quick`. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium"];

export const run = () => nodeTests("tests/tabs/chromium/two.test.mjs");
