/** A page with nothing but the package, for tests that open it in several tabs: `longwait` is the module. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename } from "node:path";
import { inRepo } from "../../scripts/lib/paths.mjs";

const page = `<!doctype html><title>tab</title><link rel="icon" href="data:,">
<script type="module">
  globalThis.faults = [];
  for (const kind of ["error", "unhandledrejection"])
    addEventListener(kind, ({ message, reason }) => globalThis.faults.push(String(message ?? reason)));
  import * as longwait from "/index.js";
  globalThis.longwait = longwait;
  globalThis.ready = true;
</script>`;

const types = { js: "text/javascript", wasm: "application/wasm" };

/** Serves it: `{ url, close }`. Any folder of its URL is the same page. */
export async function site() {
  const server = createServer(async ({ url }, response) => {
    const name = basename(url);
    const type = types[name.split(".").at(-1)];
    const body = type ? await readFile(inRepo("dist", name)).catch(() => undefined) : page;
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": type ?? "text/html" });
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
