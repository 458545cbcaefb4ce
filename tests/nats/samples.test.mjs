/** The samples of the guides that need NATS servers, on servers that a test has started: each prints what its page says. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { writeRunnable } from "../samples/folder.mjs";
import { programs } from "../samples/programs.mjs";
import { startServers } from "./servers.mjs";
import { inSeconds, tenants } from "./tenants.mjs";

const all = programs();

/** A sample as a file, with these servers in the place of those that the page names. */
async function sample(heading, servers) {
  const program = all.find((one) => one.runs === "tests/nats/samples.test.mjs" && one.heading === heading);
  const path = await writeRunnable(program);
  const text = readFileSync(path, "utf8");
  const named = text.replace(/"\w+:\/\/\w+\.example\.com"/g, JSON.stringify(servers.tcp[0]));
  assert.notEqual(named, text);
  writeFileSync(path, named);
  return { path, prints: program.prints };
}

/** Starts a program. Its end is what it printed, and how it ended. */
function start(t, path, env = {}) {
  const child = spawn(process.execPath, [path], { cwd: inRepo("."), env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  const printed = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) child[stream].setEncoding("utf8").on("data", (text) => (printed[stream] += text));
  return { child, ended: once(child, "close").then(([code]) => ({ code, ...printed })) };
}

test("what a page starts, a server finishes; and the server stops when it is asked to", async (t) => {
  const servers = await startServers();
  t.after(() => servers.close());
  const worker = start(t, (await sample("Hand work to a server", servers)).path);
  const page = await sample("Open it", servers);
  assert.deepEqual(await start(t, page.path).ended, { code: 0, stderr: "", stdout: page.prints });
  worker.child.kill("SIGTERM");
  assert.deepEqual(await worker.ended, { code: 0, stderr: "", stdout: "" });
});

test("a run of one registry hands over to another one, and takes its result from there", async (t) => {
  const servers = await startServers();
  t.after(() => servers.close());
  const { path, prints } = await sample("Two registries: this device, and NATS", servers);
  assert.deepEqual(await start(t, path).ended, { code: 0, stderr: "", stdout: prints });
});

test("the keys and tokens of the guide are taken by a server", async (t) => {
  const world = await tenants();
  t.after(() => world.close());
  const { path, prints } = await sample("An account for each tenant", world.servers);
  // Its own operator is not that of this server, whose keys it is given in its place.
  const text = readFileSync(path, "utf8");
  const keys = 'const keys = { operator: newKey("operator"), system: newKey("account") };';
  assert.ok(text.includes(keys));
  writeFileSync(path, text.replace(keys, `const keys = ${JSON.stringify(world.keys)};`));
  assert.deepEqual(await start(t, path).ended, { code: 0, stderr: "", stdout: prints });
});

test("a registry is opened with a token that was fetched", async (t) => {
  const world = await tenants();
  t.after(() => world.close());
  const { path, prints } = await sample("Tokens that expire", world.servers);
  const token = world.token(await world.tenant("A"), { expires: inSeconds(600) });
  assert.deepEqual(await start(t, path, { NATS_TOKEN: token }).ended, { code: 0, stderr: "", stdout: prints });
});
