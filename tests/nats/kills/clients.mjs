/** The clients of a round, behind links to the servers that can be spoilt. They die, and others come in their place. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { inRepo } from "../../../scripts/lib/paths.mjs";
import { launch } from "../../tabs/playwright.mjs";
import { site } from "../../tabs/site.mjs";
import { proxied } from "../servers.mjs";
import { CLIENTS } from "./plan.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A browser for the clients that are pages: `{ open(options, file, hear), close() }`. */
export async function browserOfClients() {
  const [served, browser] = await Promise.all([site(), launch()]);
  const { outputFiles } = await build({
    entryPoints: [here("tab.mjs")],
    bundle: true,
    format: "esm",
    target: "es2022",
    // The page has the package itself at this address.
    alias: { "longwait/nats": inRepo("dist/nats.js"), longwait: "/index.js" },
    external: ["/index.js"],
    write: false,
  });
  return {
    async open(options, hear) {
      const { page } = await browser.openTab(served.url);
      const file = openSync(options.file, "a");
      await page.exposeFunction("record", (line) => void writeSync(file, `${JSON.stringify(line)}\n`));
      await page.exposeFunction("post", hear);
      await page.evaluate((options) => (globalThis.options = options), options);
      page.on("close", () => closeSync(file));
      page.on("pageerror", (error) => console.error(error));
      await page.addScriptTag({ type: "module", content: outputFiles[0].text });
      return {
        post: (word) => void page.evaluate((word) => globalThis.hear(word), word).catch(() => {}),
        // What runs in it ends with it, at any point.
        kill: () => page.close(),
      };
    },
    async close() {
      await browser.close();
      await served.close();
    },
  };
}

function spawned(options, hear) {
  const log = openSync(`${options.file}.log`, "a");
  // Node 20 has WebSocket behind a flag.
  const flags = globalThis.WebSocket ? [] : ["--experimental-websocket"];
  const child = spawn(process.execPath, [...flags, here("client.mjs"), JSON.stringify(options)], { stdio: ["ignore", log, log, "ipc"] });
  closeSync(log);
  const gone = new Promise((gone) => child.once("exit", gone));
  child.on("message", hear);
  return {
    post: (word) => void (child.connected && child.send(word)),
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** Starts a client for each of `CLIENTS`. What they record lies in `folder`. */
export async function livingClients({ cluster, browser, namespace, seed, leases, folder }) {
  const files = [];
  const lookers = new Set();
  let count = 0;

  async function start(place) {
    const kind = CLIENTS[place];
    const urls = kind === "tcp" ? cluster.tcp : cluster.ws;
    const links = await Promise.all(urls.map((url) => proxied(Number(new URL(url).port))));
    const servers = links.map(({ port }) => `${kind === "tcp" ? "nats" : "ws"}://127.0.0.1:${port}`);
    const client = `client ${count++} (${kind})`;
    const file = join(folder, `${client}.jsonl`);
    files.push(file);
    const one = { client, links, acknowledgedAt: 0, heard: new Set() };
    const hear = (word) => {
      if (word === "acknowledged") one.acknowledgedAt = Date.now();
      one.heard.add(word);
      for (const look of lookers) look();
    };
    const options = { client, servers, namespace, file, seed: seed * 1_000 + count, leases };
    return Object.assign(one, await (kind === "tab" ? browser.open(options, hear) : spawned(options, hear)));
  }

  /** Resolves once `left()` has none any more; rejects after `ms` with those that are left. */
  function until(left, ms, otherwise) {
    return new Promise((reached, failed) => {
      const over = () => (clearTimeout(late), lookers.delete(look));
      const look = () => left().length === 0 && (over(), reached());
      const late = setTimeout(() => {
        over();
        const names = left().map(({ client }) => client);
        failed(new Error(`after ${ms} ms ${otherwise} ${names.join(", ")}`));
      }, ms);
      lookers.add(look);
      look();
    });
  }

  const living = await Promise.all(CLIENTS.map((_, place) => start(place)));
  const all = (word, ms) => {
    for (const { post } of living) post(word);
    return until(() => living.filter(({ heard }) => !heard.has(word)), ms, `"${word}" has no answer of`);
  };

  return {
    linksOf: (place) => living[place].links,
    /** Resolves once each of them had a write acknowledged since then. */
    flow: (since, ms) => until(() => living.filter(({ acknowledgedAt }) => acknowledgedAt <= since), ms, "no write was acknowledged of"),
    /** Ends one at once, and starts another one in its place. */
    async kill(place) {
      const { kill, links } = living[place];
      await kill();
      living[place] = await start(place);
      await Promise.all(links.map((link) => link.close()));
    },
    /** Has all of them end their writes, and drive on. */
    rest: (ms) => all("rest", ms),
    close: (ms) => all("close", ms),
    /** All that was recorded, of each client in its order. */
    history: () => files.flatMap(linesOf),
    end: () => Promise.all(living.flatMap(({ kill, links }) => [kill(), ...links.map((link) => link.close())])),
  };
}

/** The lines of a file; the last one may have been cut off by a kill. */
function linesOf(file) {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.slice(0, -1).map((line) => JSON.parse(line));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}
