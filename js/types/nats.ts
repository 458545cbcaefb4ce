/** The types of `longwait/nats`. */
import type { RemoteStore } from "./public.js";

export type { RemoteStore };

/** Where a registry lies on NATS JetStream, and how it is reached. */
export interface NatsStoreOptions {
  /**
   * The addresses of servers of one cluster: `wss://` or `ws://` in browsers; in Node also `nats://`, `tls://`, or `host:port`. The others
   * of the cluster are found by the first one that answers.
   */
  servers: string | readonly string[];
  /** Names the registry on the servers: 1 to 64 letters, digits, `_` or `-`. All who give one name share its processes. */
  namespace: string;
  /**
   * How this client shows who it is: an authenticator of `@nats-io/nats-core`, such as `jwtAuthenticator()`, or a list of them. It is called
   * for each connection, also when an expired token has ended the last one.
   */
  authenticator?: NatsAuthenticator | readonly NatsAuthenticator[];
  /** How many servers keep a copy, where this client is the first and makes the stream: 1, 3 or 5. Default 3 in a cluster, else 1. */
  replicas?: 1 | 3 | 5;
  /** The time in epoch milliseconds, in place of that of the servers: for tests. Leases may then be shorter than 30 s. */
  now?: () => number;
}

/** Answers the challenge of a server; see `Authenticator` of `@nats-io/nats-core`. */
export type NatsAuthenticator = (nonce?: string) => unknown;
