/** Connections over WebSocket that end when they are ended. */
import { type ConnectionOptions, type NatsConnection, wsconnect } from "@nats-io/nats-core";

/** How long a WebSocket may take to close, in ms. */
const CLOSE_MS = 1_000;

export function overWebSocket(given: ConnectionOptions): Promise<NatsConnection> {
  if (!globalThis.WebSocket)
    throw new Error("this program has no WebSocket, which Node has from version 22 on: give the addresses with nats:// or tls://");
  const wsFactory = async (url: string) => ({ socket: socketOf(url), encrypted: url.startsWith("wss:") });
  return wsconnect({ ...given, wsFactory } as ConnectionOptions);
}

/**
 * A WebSocket that says soon after `close()` that it is closed. Of a server that is gone without a word Chromium waits a minute for the answer to
 * that; and Node before 24 never says it of a connection that was not open yet. The client of NATS would not look for another server until then.
 */
export function socketOf(url: string): WebSocket {
  const socket = new WebSocket(url);
  // The client waits until all is sent before it closes, which never comes where the network is gone. A WebSocket sends it before it closes anyway.
  Object.defineProperty(socket, "bufferedAmount", { value: 0 });
  socket.close = (...given) => {
    WebSocket.prototype.close.apply(socket, given);
    // The client takes its handler away once that was called.
    setTimeout(() => socket.onclose?.({ wasClean: true, code: 1006, reason: "" } as CloseEvent), CLOSE_MS);
  };
  return socket;
}
