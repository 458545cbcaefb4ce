/** What an address of a server says of the way to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";

test("a program without WebSocket says so where an address asks for one", async (t) => {
  const { WebSocket } = globalThis;
  delete globalThis.WebSocket;
  t.after(() => WebSocket && Object.assign(globalThis, { WebSocket }));
  await assert.rejects(openRegistry({ storage: natsStore({ servers: "ws://127.0.0.1:1", namespace: "none" }) }), {
    code: "disconnected",
    message: /\(this program has no WebSocket, which Node has from version 22 on: give the addresses with nats:\/\/ or tls:\/\/\)/,
  });
});
