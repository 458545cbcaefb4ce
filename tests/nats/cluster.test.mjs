/** `npm run cluster`, as a person runs it. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inRepo } from "../../scripts/lib/paths.mjs";

const data = mkdtempSync(join(tmpdir(), "longwait-cluster-"));
after(() => rmSync(data, { recursive: true }));

/** Runs the script with these arguments. `said(words)` resolves with all it has printed once that has those words. */
function cluster(...args) {
  const child = spawn("node", [inRepo("scripts/cluster.mjs"), "--data", data, "--first", "10311", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  let text = "";
  const waiting = [];
  child.stdout.setEncoding("utf8").on("data", (more) => {
    text += more;
    for (const look of waiting) look();
  });
  const said = (words) =>
    new Promise((done) => {
      const look = () => text.includes(words) && done(text);
      waiting.push(look);
      look();
    });
  return { said, ended, interrupt: () => child.kill("SIGINT") };
}

const isAnswered = async (address) => fetch(address.replace("ws:", "http:")).then(Boolean, () => false);

test("starts three servers, says where they and the pages are, and stops them on Ctrl+C", async () => {
  const running = cluster();
  const text = await running.said("Press Ctrl+C");
  assert.match(text, /For Node: +nats:\/\/127\.0\.0\.1:10311, nats:\/\/127\.0\.0\.1:10321, nats:\/\/127\.0\.0\.1:10331\n/);
  const [page] = /http:\S+processes\.html\S+/.exec(text);
  const { origin, searchParams } = new URL(page);
  assert.equal(origin, "http://localhost:8080");
  assert.equal(searchParams.get("namespace"), "demo");
  const servers = searchParams.get("nats").split(",");
  assert.equal(servers.length, 3);
  for (const server of servers) assert.ok(await isAnswered(server), server);

  running.interrupt();
  assert.deepEqual(await running.ended, [0, null]);
  for (const server of servers) assert.ok(!(await isAnswered(server)), server);
  assert.ok(existsSync(join(data, "3", "data")), "what they stored stays");
});
