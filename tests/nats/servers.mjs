/** NATS servers of a test, on free ports and in a folder of their own; and proxies that spoil the connection to one. */

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { natsServers } from "../../scripts/lib/nats-servers.mjs";

/**
 * Starts servers: one, or a cluster of three. What they stored is deleted at `close()`, unless it lies in a folder that was given.
 *
 * `auth` is text for each server's configuration: operator, resolver, accounts. All else is as `natsServers` says, which also says what the answer can do.
 *
 * @returns `{ tcp, ws, kill(i), pause(i), resume(i), start(i), leaderOf(stream), close() }`
 */
export async function startServers({ count = 1, dir, auth = "", ...options } = {}) {
  const folder = dir ?? mkdtempSync(join(tmpdir(), "longwait-nats-"));
  const clear = () => dir ?? rmSync(folder, { recursive: true, force: true });
  try {
    const servers = await natsServers({ ports: await freePorts(count), dir: folder, config: auth, ...options });
    return {
      ...servers,
      async close() {
        await servers.close();
        clear();
      },
    };
  } catch (error) {
    clear();
    throw error;
  }
}

/**
 * A way to a port of this machine, which can be spoilt.
 *
 * - `cut()`: ends all connections, and takes no other until `heal()`.
 * - `stall()`: keeps connections and lets nothing pass until `heal()`, as a network does that is gone without a word.
 * - `delay(ms)`: lets all that comes from now on wait, in both directions. 0: no longer.
 */
export async function proxied(target) {
  const pairs = new Set();
  let isCut = false,
    isStalled = false,
    waits = 0;

  const server = createServer((from) => {
    if (isCut) return from.destroy();
    const to = connect(target, "127.0.0.1");
    const pair = [from, to];
    pairs.add(pair);
    for (const [one, other] of [pair, pair.toReversed()]) {
      one.setNoDelay(true);
      passOn(one, other);
      one.on("error", () => {});
      one.on("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
      if (isStalled) one.pause();
    }
  });

  /** What waits is in a queue, as timers that are set one after the other may fire in another order. */
  function passOn(from, to) {
    const queue = [];
    function pass() {
      while (queue.length > 0 && queue[0].due <= performance.now()) to.write(queue.shift().bytes);
      if (queue.length > 0) setTimeout(pass, queue[0].due - performance.now());
    }
    from.on("data", (bytes) => {
      const due = Math.max(queue.at(-1)?.due ?? 0, performance.now() + waits);
      queue.push({ due, bytes });
      if (queue.length === 1) pass();
    });
  }

  const sockets = () => [...pairs].flat();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: server.address().port,
    cut() {
      isCut = true;
      for (const socket of sockets()) socket.destroy();
    },
    stall() {
      isStalled = true;
      for (const socket of sockets()) socket.pause();
    },
    heal() {
      isCut = isStalled = false;
      for (const socket of sockets()) socket.resume();
    },
    delay(ms) {
      waits = ms;
    },
    close() {
      for (const socket of sockets()) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Ports below those that systems give to connections that go out: a killed server must find its own free again. */
const LOWEST = 12_000,
  HIGHEST = 30_000;

/** Each process begins elsewhere, so that files of tests that run at one time do not find the same ports free. */
let next = LOWEST + ((process.pid * 48) % (HIGHEST - LOWEST));

async function freePorts(count) {
  const free = async () => {
    for (;;) {
      const port = next;
      next = port < HIGHEST ? port + 1 : LOWEST;
      if (await isFree(port)) return port;
    }
  };
  const all = [];
  for (let index = 0; index < count; index++) all.push({ tcp: await free(), ws: await free(), route: await free(), monitor: await free() });
  return all;
}

const isFree = (port) =>
  new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
