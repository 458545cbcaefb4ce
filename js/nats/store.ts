/** What `natsStore()` does: checks what it is given, and opens engines. */
import type { Authenticator, ConnectionOptions, NatsConnection } from "@nats-io/nats-core";
import { REMOTE, type Remote } from "../border/remote.js";
import { ProcessError } from "../entries/index.js";
import type { NatsStoreOptions } from "../types/nats.js";
import { NatsEngine } from "./engine.js";
import { disconnected } from "./fault.js";
import { PING } from "./link.js";

/** Connects to a server: over WebSocket, or in Node over TCP. */
export type Connect = (options: ConnectionOptions) => Promise<NatsConnection>;

/** How long one server may take until a connection to it is open, in ms. */
const DIAL_MS = 4_000;

const KNOWN: ReadonlySet<string> = new Set(["servers", "namespace", "authenticator", "replicas", "now"]);

export function natsStore(connect: Connect, given: NatsStoreOptions): Remote {
  const { servers, namespace, authenticator, replicas, now } = checked(given);
  const options: ConnectionOptions = {
    servers: [...servers],
    name: `longwait ${namespace}`,
    // What this client publishes it knows already.
    noEcho: true,
    maxReconnectAttempts: -1,
    // A server that does not answer, or is lost in the middle of that, is passed over for the next one.
    timeout: DIAL_MS,
    // A token that has expired is refused until the authenticator gives the next one.
    ignoreAuthErrorAbort: true,
    // By itself the client takes `tls:` for a name only, and connects without where the server has none.
    ...(servers.some((server) => server.startsWith("tls:")) && { tls: {} }),
    ...PING,
    // Each request would make two errors for the case that it fails.
    noAsyncTraces: true,
    ...(authenticator !== undefined && { authenticator: authenticator as Authenticator }),
  };
  const dial = async () => {
    try {
      return await connect(options);
    } catch (fault) {
      throw disconnected(fault);
    }
  };
  return { kind: "nats", name: namespace, [REMOTE]: () => NatsEngine.open({ dial, namespace, replicas, now }) };
}

interface Checked extends Omit<NatsStoreOptions, "servers"> {
  readonly servers: readonly string[];
}

function checked(given: NatsStoreOptions): Checked {
  if (typeof given !== "object" || given === null) throw invalid("options: must be an object");
  const unknown = Object.keys(given).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw invalid(`options.${unknown}: is unknown`);
  const { servers, namespace, authenticator, replicas, now } = given;
  const list = typeof servers === "string" ? [servers] : servers;
  if (!Array.isArray(list) || list.length === 0 || !list.every((server) => typeof server === "string" && server !== ""))
    throw invalid("options.servers: must be the address of a server, or a list of them");
  if (typeof namespace !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(namespace))
    throw invalid("options.namespace: must be 1 to 64 letters, digits, _ or -");
  if (replicas !== undefined && ![1, 3, 5].includes(replicas)) throw invalid("options.replicas: must be 1, 3 or 5");
  if (now !== undefined && typeof now !== "function") throw invalid("options.now: must be a function");
  const isAuthenticator = (value: unknown) =>
    typeof value === "function" || (Array.isArray(value) && value.every((one) => typeof one === "function"));
  if (authenticator !== undefined && !isAuthenticator(authenticator))
    throw invalid("options.authenticator: must be a function, or a list of them");
  return { ...given, servers: list };
}

const invalid = (message: string) => new ProcessError(message, { code: "invalid_argument" });
