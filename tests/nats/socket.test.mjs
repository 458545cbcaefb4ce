/** What a client of NATS hears of a WebSocket that it closes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "../package/bundled.mjs";

const { socketOf } = await importSource("js/nats/socket.ts");

/** A WebSocket of the test's own, which says nothing by itself; and a handler that is taken away once it was called, as by the client. */
function opened(t) {
  const { WebSocket } = globalThis;
  const calls = [];
  globalThis.WebSocket = class {
    constructor(url) {
      calls.push(url);
    }
    close(...given) {
      calls.push(given);
    }
  };
  t.after(() => (WebSocket ? Object.assign(globalThis, { WebSocket }) : delete globalThis.WebSocket));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const socket = socketOf("ws://one");
  socket.onclose = (event) => {
    calls.push(event.wasClean);
    socket.onclose = null;
  };
  return { socket, calls };
}

test("a WebSocket that does not say that it is closed is closed a second after it was to be", (t) => {
  const { socket, calls } = opened(t);
  socket.close(1000, "over");
  socket.close();
  t.mock.timers.tick(999);
  assert.deepEqual(calls, ["ws://one", [1000, "over"], []]);
  t.mock.timers.tick(1);
  assert.deepEqual(calls, ["ws://one", [1000, "over"], [], true]);
});

test("one that says so itself says it once", (t) => {
  const { socket, calls } = opened(t);
  socket.close();
  socket.onclose({ wasClean: false });
  t.mock.timers.tick(10_000);
  assert.deepEqual(calls, ["ws://one", [], false]);
});
