/** What the benchmarks over NATS share: the servers, and registries and bare logs on them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { inRepo } from "../../../scripts/lib/paths.mjs";
import { startServers } from "../../../tests/nats/servers.mjs";
import { bareLog } from "./bare.mjs";
import { linkTo } from "./link.mjs";

const PATIENCE_MS = 30_000;

/** Where the servers are: how many, and how many milliseconds each way to them takes. `name`: as a person names it in a table. */
const settings = {
  one: { name: "one server", count: 1 },
  three: { name: "three servers", count: 3 },
  far: { name: "three servers 5 ms away", count: 3, eachWayMs: 2.5 },
};

/** Runs `work(stage)` in each setting, one after the other, and answers the rows of all of them. */
export async function onServers(dist, names, work) {
  const rows = [];
  for (const { name, count, eachWayMs } of names.map((name) => settings[name])) {
    const servers = await startServers({ count });
    const link = eachWayMs && (await linkTo(servers.tcp, eachWayMs));
    try {
      const stage = await staged(dist, { ...servers, ...link }, name, count);
      try {
        rows.push(...(await work(stage)));
      } finally {
        await stage.close();
      }
    } finally {
      await link?.close();
      await servers.close();
    }
  }
  return rows;
}

/** The package of a build, as Node imports it. */
export async function packageOf(dist) {
  const { exports } = JSON.parse(readFileSync(inRepo("package.json"), "utf8"));
  const entry = (name) => {
    const { node, default: others } = exports[name];
    const file = node?.default ?? node ?? others;
    return import(pathToFileURL(join(dist, file.replace("./dist/", ""))));
  };
  return { ...(await entry(".")), ...(await entry("./nats")) };
}

async function staged(dist, { tcp, ws, dirs }, name, count) {
  const { openRegistry, natsStore } = await packageOf(dist);
  // Servers that were just started may take a while for their first answer.
  const manager = await jetstreamManager(await connect({ servers: tcp }), { checkAPI: false, timeout: PATIENCE_MS });
  const opened = [];
  const kept = (closing) => (opened.push(closing), closing);
  return {
    name,
    tcp,
    ws,
    dirs,
    /** A registry of a client of its own. */
    registry: async (namespace, more) => kept(await openRegistry({ storage: natsStore({ servers: tcp, namespace }), ...more })),
    /** A bare log of a client of its own, with bodies of so many bytes. */
    bare: async (stream, bytes) => kept(await bareLog(await connect({ servers: tcp }), { stream, replicas: count, bytes })),
    /** How many messages and bytes are stored for a namespace, as `{ messages, bytes, last }`. */
    async stored(namespace) {
      const { state } = await manager.streams.info(streamOf(namespace));
      return { messages: state.messages, bytes: state.bytes, last: state.last_seq };
    },
    /** How long the last body of a namespace is. */
    async lastBody(namespace) {
      const { state } = await manager.streams.info(streamOf(namespace));
      return (await manager.streams.getMessage(streamOf(namespace), { seq: state.last_seq })).data.length;
    },
    async close() {
      for (const each of opened.reverse()) await each.close();
      await manager.nc?.close();
    },
  };
}

const streamOf = (namespace) => `LONGWAIT_${namespace}`;
