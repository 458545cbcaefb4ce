/** longwait/nats in Node: over TCP, or over WebSocket where an address says so. */
import { type ConnectionOptions, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { natsStore as made } from "../nats/store.js";
import type { NatsStoreOptions, RemoteStore } from "../types/nats.js";

export type { NatsAuthenticator, NatsStoreOptions, RemoteStore } from "../types/nats.js";

/** Says where a registry lies; `openRegistry({ storage })` connects. Throws `invalid_argument` where an option is wrong. */
export const natsStore = (options: NatsStoreOptions): RemoteStore =>
  made((given) => (/^wss?:/.test([given.servers].flat()[0] ?? "") ? overWebSocket(given) : connect(given)), options);

function overWebSocket(given: ConnectionOptions): Promise<NatsConnection> {
  if (globalThis.WebSocket) return wsconnect(given);
  throw new Error("this program has no WebSocket, which Node has from version 22 on: give the addresses with nats:// or tls://");
}
