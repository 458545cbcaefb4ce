/** longwait/nats in Node: over TCP, or over WebSocket where an address says so. */
import { connect } from "@nats-io/transport-node";
import { overWebSocket } from "../nats/socket.js";
import { natsStore as made } from "../nats/store.js";
import type { NatsStoreOptions, RemoteStore } from "../types/nats.js";

export type { NatsAuthenticator, NatsStoreOptions, RemoteStore } from "../types/nats.js";

/** Says where a registry lies; `openRegistry({ storage })` connects. Throws `invalid_argument` where an option is wrong. */
export const natsStore = (options: NatsStoreOptions): RemoteStore =>
  made((given) => (/^wss?:/.test([given.servers].flat()[0] ?? "") ? overWebSocket(given) : connect(given)), options);
