/** The servers and proxies that the other tests of this folder stand on. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { proxied, startServers } from "./servers.mjs";

/** The first line that a server says, which is `INFO` and what it is; undefined where the connection ends without one. */
const greeting = (port) =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("error", () => {});
    socket.on("close", () => done(undefined));
    socket.on("data", (bytes) => {
      text += bytes;
      if (!text.includes("\r\n")) return;
      done(JSON.parse(text.slice("INFO ".length, text.indexOf("\r\n"))));
      socket.destroy();
    });
  });

const portOf = (address) => Number(new URL(address).port);

test("one server takes connections, keeps them to this machine, and knows no other", async () => {
  const servers = await startServers();
  after(servers.close);
  const info = await greeting(portOf(servers.tcp[0]));
  assert.equal(info.version, "2.15.1");
  assert.equal(info.jetstream, true);
  assert.equal(info.host, "127.0.0.1");
  assert.equal(info.connect_urls, undefined);
  assert.equal((await fetch(servers.ws[0].replace("ws:", "http:"))).status, 400, "what is no WebSocket is refused there");
});

test("text for the configuration reaches the server", async () => {
  const servers = await startServers({ auth: "authorization { token: secret }" });
  after(servers.close);
  assert.equal((await greeting(portOf(servers.tcp[0]))).auth_required, true);
});

test("of three servers, one is killed and comes back on its own port", async () => {
  const servers = await startServers({ count: 3 });
  after(servers.close);
  const ports = servers.tcp.map(portOf);
  const infos = await Promise.all(ports.map(greeting));
  assert.deepEqual(
    infos.map(({ cluster, server_name }) => [cluster, server_name]),
    [1, 2, 3].map((number) => ["longwait", `server-${number}`]),
  );
  await servers.kill(1);
  assert.equal(await greeting(ports[1]), undefined);
  await servers.start(1);
  assert.equal((await greeting(ports[1])).server_name, "server-2");
  assert.equal(await servers.leaderOf("none"), undefined);
});

test("a folder that was given is there after the servers are closed, and can be started on again", async () => {
  const dir = mkdtempSync(join(tmpdir(), "longwait-nats-"));
  after(() => rmSync(dir, { recursive: true }));
  for (let round = 0; round < 2; round++) {
    const servers = await startServers({ dir });
    await servers.close();
    assert.ok(existsSync(join(dir, "1", "data")));
  }
});

test("a configuration that a server does not take fails with the server's own words", async () => {
  await assert.rejects(startServers({ auth: "no_such_option: true" }), /no_such_option/);
});

test("a proxy passes bytes in order, late where it is to, and none while it is cut or stalled", async () => {
  const echo = createServer((socket) => socket.pipe(socket).on("error", () => {}));
  await new Promise((done) => echo.listen(0, "127.0.0.1", done));
  const proxy = await proxied(echo.address().port);
  after(async () => {
    await proxy.close();
    echo.close();
  });

  const socket = connect(proxy.port, "127.0.0.1");
  const hears = reader(socket);
  socket.write("one ");
  assert.equal(await hears("one "), "one ");

  proxy.delay(30);
  socket.write("two ");
  proxy.delay(0);
  socket.write("three ");
  assert.equal(await hears("one two three "), "one two three ");

  proxy.stall();
  socket.write("four ");
  await roundTrips(echo.address().port);
  assert.equal(await hears(""), "one two three ");
  proxy.heal();
  assert.equal(await hears("one two three four "), "one two three four ");

  proxy.cut();
  await new Promise((done) => socket.once("close", done));
  assert.equal(await greeting(proxy.port), undefined);
  proxy.heal();
  const again = connect(proxy.port, "127.0.0.1");
  again.write("five ");
  assert.equal(await reader(again)("five "), "five ");
  again.destroy();
});

/** Resolves with all that was heard once it begins with `wanted`. */
function reader(socket) {
  let text = "";
  const waiting = [];
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    text += bytes;
    for (const look of waiting) look();
  });
  return (wanted) =>
    new Promise((done) => {
      const look = () => text.startsWith(wanted) && done(text);
      waiting.push(look);
      look();
    });
}

/** Trips there and back, in which a proxy that passes anything on would have done so. */
async function roundTrips(port) {
  const socket = connect(port, "127.0.0.1");
  const hears = reader(socket);
  for (let count = 1; count <= 20; count++) {
    socket.write(".");
    await hears(".".repeat(count));
  }
  socket.destroy();
}
