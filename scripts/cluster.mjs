/**
 * `npm run cluster`: three NATS servers on this machine that keep one store, for the demo pages that `npm start` serves and for programs in Node.
 *
 * They run until Ctrl+C. What they hold is there when they are started again; `-- --fresh` begins with nothing.
 */

import { once } from "node:events";
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { isScript } from "./lib/is-script.mjs";
import { natsServers } from "./lib/nats-servers.mjs";
import { inRepo } from "./lib/paths.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";
import { readPort } from "./serve.mjs";
import { setUp } from "./setup.mjs";

const NAMESPACE = "demo";

/** Ports of the servers: ten apart, so that each says whose it is. */
const portsOf = (first) => [0, 10, 20].map((more) => first + more).map((tcp) => ({ tcp, ws: tcp + 1, route: tcp + 2, monitor: tcp + 3 }));

async function cluster() {
  const { fresh, once: stops, data, first, pages } = options();
  await setUp("nats");
  if (fresh) rmSync(data, { recursive: true, force: true });
  say(`starting three servers on 127.0.0.1; what they store is in ${data}`);
  const site = `http://localhost:${pages}`;
  // Pages of any other site could connect to servers of this machine as well.
  const servers = await natsServers({ ports: portsOf(first), dir: data, origins: [site] });
  say(`
For Node:      ${servers.tcp.join(", ")}
For browsers:  ${servers.ws.join(", ")}
Inspector:     ${site}/${queryOf(servers)}
Processes:     ${site}/processes.html${queryOf(servers)}

The pages are served by npm start${pages === 8080 ? "" : ` -- --port ${pages}`}. Open one in two browsers: both work on the same processes.`);
  if (!stops) {
    say("Press Ctrl+C to stop.");
    await Promise.race(["SIGINT", "SIGTERM"].map((signal) => once(process, signal)));
  }
  say("\nstopping the servers");
  await servers.close();
}

const queryOf = ({ ws }) => `?nats=${ws.join(",")}&namespace=${NAMESPACE}`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        fresh: { type: "boolean", default: false },
        once: { type: "boolean", default: false },
        data: { type: "string", default: inRepo(".cluster") },
        first: { type: "string", default: "4311" },
        pages: { type: "string" },
      },
    });
    return { ...values, first: readPort(values.first), pages: readPort(values.pages ?? process.env.PORT) };
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw new CommandFailed(`${error.message}
usage: npm run cluster [-- --fresh] [--once] [--data <folder>] [--first <lowest port>] [--pages <port of npm start>]`);
  }
}

if (isScript(import.meta)) await main(cluster);
