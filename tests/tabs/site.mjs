/**
 * A page with nothing but the package, for tests that open it in several tabs: `longwait` is the module. Workers are
 * beside it.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, resolve } from "node:path";
import { root } from "../../scripts/lib/paths.mjs";

const page = `<!doctype html><title>tab</title><link rel="icon" href="data:,">
<script type="module">
  globalThis.faults = [];
  for (const kind of ["error", "unhandledrejection"])
    addEventListener(kind, ({ message, reason }) => globalThis.faults.push(String(message ?? reason)));
  globalThis.longwait = await import("/index.js");
  import * as longwaitInWorkers from "/worker.js";
  globalThis.longwaitInWorkers = longwaitInWorkers;
  globalThis.ready = true;
</script>`;

const types = { js: "text/javascript", wasm: "application/wasm" };

const file = (folder, name) => readFile(resolve(root, folder, name)).catch(() => undefined);

/** Serves it: `{ url, close }`. Any folder of its URL is the same page. `dist` is the folder of the package's files. */
export async function site(dist = "dist") {
  const server = createServer(async ({ url }, response) => {
    const name = basename(new URL(url, "http://localhost").pathname);
    const type = types[name.split(".").at(-1)];
    const body = type ? ((await file(dist, name)) ?? (await file("tests/tabs/workers", name))) : page;
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": type ?? "text/html", "Access-Control-Allow-Origin": "*" });
    response.end(body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://localhost:${server.address().port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
