/** NATS servers on this machine: one, or a cluster of several. They end with this process. It refuses to know what they are used for. */

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { environment } from "./paths.mjs";
import { CommandFailed } from "./run.mjs";
import { which } from "./which.mjs";

const HOST = "127.0.0.1";

/** How long a server may take until it is ready, in milliseconds: far above what one does. */
const READY_MS = 60_000;

/** How often a server is asked whether it is ready, in milliseconds. */
const ASK_MS = 25;

/**
 * Starts one server for each of `ports`, which are `{ tcp, ws, route, monitor }`, and waits until they take requests. What they store lies in `dir`, and is
 * there when they are started on it again.
 *
 * - `origins`: the origins of pages that may connect. All may, where it is left out.
 * - `syncInterval`: `sync_interval` of JetStream. "always": what is acknowledged is on disk.
 * - `websocket`: text for the configuration of the WebSocket.
 * - `config`: text for the end of each server's configuration: accounts, limits.
 */
export async function natsServers({ ports, dir, origins, syncInterval = "always", websocket = "", config = "" }) {
  const servers = ports.map((own, index) => {
    const folder = join(dir, String(index + 1));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "server.conf");
    writeFileSync(file, configuration({ own, index, ports, folder, origins, syncInterval, websocket, config }));
    return natsServer({ file, folder, monitor: own.monitor });
  });
  const endAll = () => servers.forEach((server) => server.signal("SIGKILL"));
  process.on("exit", endAll);

  const all = (work) => Promise.all(servers.map(work));
  /** Servers that stop one after the other would elect leaders in between. */
  async function close() {
    await all((server) => server.stop());
    process.off("exit", endAll);
  }
  try {
    await all((server) => server.start());
    await until(() => isFormed(ports), "the servers have not found one another");
  } catch (error) {
    await all((server) => server.kill());
    process.off("exit", endAll);
    throw error;
  }

  return {
    tcp: ports.map(({ tcp }) => `nats://${HOST}:${tcp}`),
    ws: ports.map(({ ws }) => `ws://${HOST}:${ws}`),
    /** Ends a server at once, as a power failure does: it can write nothing more. Resolves when it is gone. */
    kill: (index) => servers[index].kill(),
    /** Freezes a server: its connections stay open, and it answers nothing until `resume`. */
    pause: (index) => servers[index].signal("SIGSTOP"),
    resume: (index) => servers[index].signal("SIGCONT"),
    /** Starts a killed server, and waits until it has caught up with the others: another one may be killed then. */
    async start(index) {
      await servers[index].start();
      await until(() => isHealthy(ports[index].monitor, ""), `server ${index} has not caught up`);
    },
    /** The index of the server that leads a stream; undefined while none does, and where there is no such stream. */
    leaderOf: (stream) => leaderOf(ports, stream),
    close,
  };
}

/** On Linux the system ends a server with this process, also where that is killed and can end nothing itself. */
const [program, ...before] = which("setpriv") ? ["setpriv", "--pdeathsig", "KILL", "nats-server"] : ["nats-server"];

/** One process, of which `start` and `kill` wait for the other. */
function natsServer({ file, folder, monitor }) {
  let child, gone;

  async function start() {
    if (child) return;
    const log = openSync(join(folder, "log"), "a");
    const started = spawn(program, [...before, "-c", file], { stdio: ["ignore", log, log], env: environment() });
    closeSync(log);
    child = started;
    let failed;
    gone = new Promise((done) => {
      started.once("error", (error) => done((failed = error)));
      started.once("exit", done);
    }).then(() => {
      if (child === started) child = undefined;
    });
    await until(async () => {
      if (child !== started) throw new CommandFailed(`nats-server did not start: ${failed?.message ?? lastLines(join(folder, "log"))}`);
      return isHealthy(monitor, "?js-server-only=true");
    }, `nats-server of ${file} is not ready`);
  }

  async function end(signal) {
    child?.kill(signal);
    await gone;
  }

  return { start, kill: () => end("SIGKILL"), stop: () => end("SIGTERM"), signal: (name) => void child?.kill(name) };
}

function configuration({ own, index, ports, folder, origins, syncInterval, websocket, config }) {
  const routes = ports.map(({ route }) => `nats://${HOST}:${route}`);
  const allowed = origins ? `allowed_origins: ${JSON.stringify(origins)}` : "";
  return `
server_name: ${nameOf(index)}
listen: ${HOST}:${own.tcp}
http: ${HOST}:${own.monitor}
jetstream { store_dir: ${JSON.stringify(join(folder, "data"))}, sync_interval: ${syncInterval} }
websocket {
  listen: "${HOST}:${own.ws}"
  no_tls: true
  ${allowed}
  ${websocket}
}
# A client knows the servers it was given, so that one behind a proxy finds no way around that.
${ports.length > 1 ? `cluster { name: longwait, listen: ${HOST}:${own.route}, no_advertise: true, routes: ${JSON.stringify(routes)} }` : ""}
${config}
`.trimStart();
}

const nameOf = (index) => `server-${index + 1}`;

/** Whether all servers take part in the cluster, and one of them leads it. */
async function isFormed(ports) {
  if (ports.length === 1) return true;
  const answers = await Promise.all(ports.map(({ monitor }) => ask(monitor, "/jsz")));
  return answers.every((answer) => answer?.meta_cluster?.leader && answer.meta_cluster.cluster_size === ports.length);
}

async function leaderOf(ports, stream) {
  for (const { monitor } of ports) {
    const answer = await ask(monitor, "/jsz?accounts=true&streams=true");
    const streams = answer?.account_details?.flatMap((account) => account.stream_detail ?? []);
    const found = streams?.find(({ name }) => name === stream);
    // A server that is alone leads all that it has.
    if (found && ports.length === 1) return 0;
    const index = ports.findIndex((_, number) => nameOf(number) === found?.cluster?.leader);
    if (index >= 0) return index;
  }
  return undefined;
}

const isHealthy = async (monitor, query) => (await ask(monitor, `/healthz${query}`))?.status === "ok";

/** What a server's monitor answers, or undefined where it does not. */
async function ask(monitor, path) {
  try {
    const answer = await fetch(`http://${HOST}:${monitor}${path}`, { signal: AbortSignal.timeout(2_000) });
    return await answer.json();
  } catch {
    return undefined;
  }
}

async function until(holds, otherwise) {
  const end = performance.now() + READY_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new CommandFailed(otherwise);
    await later(ASK_MS);
  }
}

function lastLines(file) {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-5).join("\n");
  } catch {
    return "it wrote no log";
  }
}
