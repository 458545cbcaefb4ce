/** The configuration that docs/nats.md shows: servers take it, and it does what the page says. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { environment } from "../../scripts/lib/paths.mjs";
import { importSource } from "../package/bundled.mjs";
import { blocks } from "../samples/programs.mjs";
import { startServers } from "./servers.mjs";

const { lazyServers } = await importSource("js/nats/durability.ts");

const shown = blocks("docs/nats.md").find(({ heading, language }) => heading === "Set up the servers" && language === "text").code;

test("a server takes the configuration, but for the certificates that a test has not", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "longwait-guide-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "server.conf");
  const text = shown.replace(/^ *tls .*\n/gm, "").replace("websocket {", "websocket {\n  no_tls: true");
  assert.notEqual(text, shown);
  writeFileSync(file, text);
  const { status, stderr } = spawnSync("nats-server", ["-t", "-c", file], { encoding: "utf8", env: environment() });
  assert.equal(status, 0, stderr);
});

test("its accounts let the tenant's user in, and give it the servers' durability", async (t) => {
  const auth = shown.slice(shown.indexOf("accounts {"));
  const servers = await startServers({ auth });
  t.after(() => servers.close());
  const connection = await connect({ servers: servers.tcp, user: "team", pass: "…", reconnect: false });
  t.after(() => connection.close());
  assert.deepEqual(await lazyServers(connection), []);
  await assert.rejects(connect({ servers: servers.tcp, reconnect: false }), /Authorization Violation/i);
});
