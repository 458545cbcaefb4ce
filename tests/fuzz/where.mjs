/** Where the fuzzer runs: in this Node, also on a NATS server, or in a page of Chromium. Each gives `fuzz({ seed, calls, storage, ignore })`, and `close()`. */
import { serveFolders } from "../../scripts/lib/static-server.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { startServers } from "../nats/servers.mjs";
import { launch } from "../tabs/playwright.mjs";
import { fuzz } from "./run.mjs";

/** `through`: what each registry is taken through. `elsewhere`: what options open one in place of those that are given; `turns`: see `hostOf`. */
export async function node(through = (registry) => registry, elsewhere = (options) => options, turns = undefined) {
  const [longwait, worker] = await Promise.all([import("longwait"), import("longwait/worker")]);
  const api = { ...longwait, worker, openRegistry: async (options) => through(await longwait.openRegistry(elsewhere(options))) };
  return {
    fuzz: ({ ignore, ...given }) => fuzz(api, { ...given, turns, ignored: ignore && new RegExp(ignore) }),
    close: async () => {},
  };
}

/** In Node, on a NATS server of its own: each world in a namespace of its own. */
export async function nats() {
  const [{ natsStore }, servers] = await Promise.all([import("longwait/nats"), startServers()]);
  let worlds = 0;
  const elsewhere = (given) => {
    try {
      if (given.storage !== "nats") return given;
    } catch {
      // What the fuzzer spoils goes to the package as it is: to look at it may throw.
      return given;
    }
    const { name, ...options } = given;
    return { ...options, storage: natsStore({ servers: servers.tcp, namespace: `${name}-${++worlds}`, now: () => Date.now() }) };
  };
  // An answer takes a way over the network, and what it wakes another one; of a connection that is closed, it is waited for 4 s.
  const place = await node(undefined, elsewhere, 1_500);
  return { ...place, close: () => servers.close() };
}

/** In Node, through tracing without an SDK: it must make no difference. */
export const traced = async () => node((await import("longwait/opentelemetry")).traced);

export async function chromium() {
  const mounts = [
    { prefix: "/dist/", folder: inRepo("dist") },
    { prefix: "/fuzz/", folder: inRepo("tests/fuzz") },
  ];
  const served = await serveFolders({ mounts, headers: () => ({}) });
  const browser = await launch();
  const tab = await browser.openTab(`${served.url}fuzz/page.html`);
  return {
    fuzz: (given) => tab.run((given) => globalThis.fuzz(given), given),
    async close() {
      await browser.close();
      await served.close();
    },
  };
}

export const places = { node, traced, nats, chromium };
