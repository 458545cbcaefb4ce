/** The conformance suite through the JavaScript interface on NATS servers, on one and on a cluster of three, in Chromium. */

import { writeFileSync } from "node:fs";
import { startServers } from "../../tests/nats/servers.mjs";
import { suiteInBrowser } from "../lib/browser-job.mjs";
import { add, none } from "../lib/counts.mjs";
import { inRepo } from "../lib/paths.mjs";
import { say } from "../lib/run.mjs";

export const needs = ["build", "rust", "wasm-bindgen", "wasm-pack", "chromium", "nats"];

export async function run() {
  let counts = none;
  for (const count of [1, 3]) counts = add(counts, await onServers(count));
  return counts;
}

async function onServers(count) {
  const servers = await startServers({ count });
  try {
    say(`servers: ${count}`);
    // tests/javascript/page.js reads it.
    writeFileSync(inRepo("build", "nats-servers.json"), JSON.stringify(servers.ws));
    return await suiteInBrowser("chromium", "javascript", "nats::");
  } finally {
    await servers.close();
  }
}
