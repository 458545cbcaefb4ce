/** A server with an account for each tenant, and clients of them by the NATS client alone; what the tests of accounts stand on. */

import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { headers } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { transform } from "esbuild";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { startServers } from "./servers.mjs";

/** examples/nats/accounts.ts, which finds its packages from where it is put. */
export const accounts = await (async () => {
  const { code } = await transform(readFileSync(inRepo("examples/nats/accounts.ts"), "utf8"), { loader: "ts" });
  const folder = mkdtempSync(inRepo("build/accounts-"));
  try {
    writeFileSync(join(folder, "accounts.mjs"), code);
    return await import(pathToFileURL(join(folder, "accounts.mjs")).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
})();
const { accountToken, newKey, sendAccount, serverConfiguration, userToken } = accounts;

/** In seconds since 1970. */
export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** Starts a server in operator mode. `tenant(name)` makes an account, `client(account, user, options)` connects a user of it. */
export async function tenants(options) {
  const dir = mkdtempSync(join(tmpdir(), "longwait-accounts-"));
  const keys = { operator: newKey("operator"), system: newKey("account") };
  const servers = await startServers({ auth: serverConfiguration({ ...keys, dir }), ...options });
  const connections = [];

  const token = (account, user) => userToken(account, newKey("user"), { name: "user", bearer: true, expires: inSeconds(600), ...user });

  async function client(account, user, options) {
    const jwt = token(account, user);
    const connection = await connect({ servers: servers.tcp, reconnect: false, authenticator: () => ({ jwt }), ...options });
    connections.push(connection);
    return connection;
  }

  async function tenant(name, limits, account = newKey("account")) {
    await sendAccount(await system, accountToken(keys, account, { name, diskBytes: 100_000_000, ...limits }));
    return account;
  }
  const system = client(keys.system);
  const ended = new EventEmitter();
  const expirations = new Set();
  (await system).subscribe("$SYS.ACCOUNT.*.DISCONNECT", {
    callback(_, message) {
      const { client, reason } = message.json();
      if (!/Expired/.test(reason)) return;
      expirations.add(client.acc);
      ended.emit("expired");
    },
  });

  /** Resolves once the server has ended a connection of an account since its token had expired. */
  async function expired({ id }) {
    while (!expirations.has(id)) await once(ended, "expired");
  }

  return {
    servers,
    keys,
    token,
    client,
    tenant,
    expired,
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
      await servers.close();
      rmSync(dir, { recursive: true });
    },
  };
}

export function headersOf(entries) {
  const all = headers();
  for (const [name, value] of Object.entries(entries)) all.set(name, String(value));
  return all;
}

/** Publishes a message that must land where the last sequence over `filter` is `last`. Gives the server's answer. */
export async function commit(connection, subject, last, filter, { payload = "{}", more = {} } = {}) {
  const condition = { "Nats-Expected-Last-Subject-Sequence": last, "Nats-Expected-Last-Subject-Sequence-Subject": filter };
  const answer = await connection.request(subject, payload, { timeout: 5_000, headers: headersOf({ ...condition, ...more }) });
  return answer.json();
}

/** A message with this reply subject, to which what is asked sends its answer; and all that the server does of it. */
export async function sendWithReply(connection, subject, payload, reply) {
  connection.publish(subject, payload, { reply });
  await connection.flush();
}
