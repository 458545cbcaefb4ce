/** What a client learns of whether servers flush what they acknowledge. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { importSource } from "../package/bundled.mjs";
import { startServers } from "./servers.mjs";
import { tenants } from "./tenants.mjs";

const { lazyServers } = await importSource("js/nats/durability.ts");

/** Two accounts of one configuration, of which one may ask. */
const accounts = `
accounts {
  system { users: [{ user: system, password: system }], exports: [{ service: "$SYS.REQ.SERVER.PING.STATSZ", response_type: stream }] }
  asks { jetstream: enabled, users: [{ user: asks, password: asks }], imports: [{ service: { account: system, subject: "$SYS.REQ.SERVER.PING.STATSZ" } }] }
  other { jetstream: enabled, users: [{ user: other, password: other }] }
}
system_account: system
`;

async function learnt(servers, user) {
  const connection = await connect({ servers: servers.tcp, user, pass: user, reconnect: false });
  const lazy = await lazyServers(connection);
  await connection.close();
  return lazy;
}

for (const [syncInterval, lazy] of [
  ["always", []],
  ["2m", ["server-1"]],
])
  describe(`where sync_interval is ${syncInterval}`, () => {
    let servers;
    before(async () => (servers = await startServers({ auth: accounts, syncInterval })));
    after(() => servers.close());

    test("an account that may ask learns it", async () => assert.deepEqual(await learnt(servers, "asks"), lazy));
    if (lazy.length > 0)
      test("a registry warns of it on the console", async (t) => {
        const warned = new Promise((done) => t.mock.method(console, "warn", done));
        const storage = natsStore({ servers: servers.tcp, namespace: "warns", authenticator: () => ({ user: "asks", pass: "asks" }) });
        const registry = await openRegistry({ storage });
        t.after(() => registry.close());
        assert.match(await warned, /server-1 .*sync_interval/);
      });
    test("another one learns nothing", async () => assert.equal(await learnt(servers, "other"), undefined));
  });

test("a tenant may ask, and a client whose permissions leave that out learns nothing", async () => {
  const world = await tenants();
  after(world.close);
  const account = await world.tenant("A");
  assert.deepEqual(await lazyServers(await world.client(account)), []);
  const permissions = { pub: { allow: ["longwait.>"] } };
  assert.equal(await lazyServers(await world.client(account, { permissions })), undefined);
});

test("each server of a cluster answers", async () => {
  const servers = await startServers({ count: 3, auth: accounts, syncInterval: "1s" });
  after(servers.close);
  assert.deepEqual((await learnt(servers, "asks")).sort(), ["server-1", "server-2", "server-3"]);
});
