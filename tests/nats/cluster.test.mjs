/** `npm run cluster`, as a person runs it. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { which } from "../../scripts/lib/which.mjs";
import { program } from "./program.mjs";

const data = mkdtempSync(join(tmpdir(), "longwait-cluster-"));
after(() => rmSync(data, { recursive: true }));

/** Whether a server takes a WebSocket of a page of this origin. */
const takes = (address, origin) =>
  new Promise((done, failed) => {
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      Origin: origin,
      "Sec-WebSocket-Version": 13,
      "Sec-WebSocket-Key": btoa("0123456789abcdef"),
    };
    const asked = request(address.replace("ws:", "http:"), { headers });
    asked.on("upgrade", (_, socket) => {
      socket.destroy();
      done(true);
    });
    asked.on("response", (answer) => {
      answer.resume();
      done(false);
    });
    asked.on("error", failed);
    asked.end();
  });

/** The page that it prints, and the servers that this names. */
function readPage(text) {
  const { origin, searchParams } = new URL(/http:\S+processes\.html\S+/.exec(text)[0]);
  return { origin, namespace: searchParams.get("namespace"), servers: searchParams.get("nats").split(",") };
}

const isAnswered = async (address) => fetch(address.replace("ws:", "http:")).then(Boolean, () => false);

test("starts three servers, says where they and the pages are, and stops them on Ctrl+C", async () => {
  const running = program("scripts/cluster.mjs", ["--data", data, "--first", "10311"]);
  after(() => running.kill());
  const text = await running.said("Press Ctrl+C");
  assert.match(text, /For Node: +nats:\/\/127\.0\.0\.1:10311, nats:\/\/127\.0\.0\.1:10321, nats:\/\/127\.0\.0\.1:10331\n/);
  const { origin, namespace, servers } = readPage(text);
  assert.equal(origin, "http://localhost:8080");
  assert.equal(namespace, "demo");
  assert.equal(servers.length, 3);
  for (const server of servers) {
    assert.ok(await takes(server, origin), server);
    assert.ok(!(await takes(server, "http://elsewhere.example")), "a page of another site must not connect to it");
  }

  assert.deepEqual(await running.kill("SIGINT"), [0, null]);
  for (const server of servers) assert.ok(!(await isAnswered(server)), server);
  assert.ok(existsSync(join(data, "3", "data")), "what they stored stays");
});

test("leaves no server behind where it is killed", { skip: !which("setpriv") }, async () => {
  const running = program("scripts/cluster.mjs", ["--data", data, "--first", "10311"]);
  after(() => running.kill());
  const { servers } = readPage(await running.said("Press Ctrl+C"));
  await running.kill("SIGKILL");
  // Each is gone a moment later; the test's limit ends a loop that finds one there for ever.
  for (const server of servers) while (await isAnswered(server));
});
