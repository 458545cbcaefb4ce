/** Registries on NATS: servers are started, killed and cut off, in Node and in Chromium. */

import { nodeTests } from "../lib/node-tests.mjs";

export const needs = ["build", "chromium", "nats"];

export const run = () => nodeTests("tests/nats");
