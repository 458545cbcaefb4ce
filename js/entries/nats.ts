/**
 * longwait/nats: a registry that several browsers and servers share, on NATS JetStream.
 *
 * ```ts
 * const storage = natsStore({ servers: "wss://nats.example.com", namespace: "team" });
 * const registry = await openRegistry({ storage });
 * ```
 */
import { overWebSocket } from "../nats/socket.js";
import { natsStore as made } from "../nats/store.js";
import type { NatsStoreOptions, RemoteStore } from "../types/nats.js";

export type { NatsAuthenticator, NatsStoreOptions, RemoteStore } from "../types/nats.js";

/** Says where a registry lies; `openRegistry({ storage })` connects. Throws `invalid_argument` where an option is wrong. */
export const natsStore = (options: NatsStoreOptions): RemoteStore => made(overWebSocket, options);
