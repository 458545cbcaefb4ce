/** The modules of docs/service-worker.md in Chromium: a note that a page writes is sent, whichever of page and worker does it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { writeRunnable } from "../samples/folder.mjs";
import { programs } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();

/** Serves the package, the sample and its server, of which a service worker asks the network itself. */
async function serve(t, folder) {
  const keys = [];
  const file = (path) => readFile(path.startsWith("/dist/") ? inRepo(path.slice(1)) : join(folder, basename(path))).catch(() => undefined);
  const html = '<!doctype html><title>sample</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
  const types = { js: "text/javascript", wasm: "application/wasm", html: "text/html" };
  const server = createServer(async ({ url, headers }, response) => {
    if (url === "/notes") {
      keys.push(headers["idempotency-key"]);
      return response.writeHead(201).end();
    }
    const body = url === "/page.html" ? html : await file(url);
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": types[url.split(".").at(-1)] ?? "text/plain" }).end(body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { url: `http://localhost:${server.address().port}/page.html`, keys };
}

test("the guide's page and service worker send a note once", async (t) => {
  const program = programs().find(({ page, heading }) => page === "docs/service-worker.md" && heading === "Set it up");
  const path = await writeRunnable(program, (name) => `/dist/${name === "longwait" ? "index" : basename(name)}.js`);
  const { url, keys } = await serve(t, dirname(path));
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const shown = await context.newPage();
  const printed = new Promise((resolve, reject) => {
    shown.on("console", (message) => resolve(`${message.text()}\n`));
    shown.on("pageerror", reject);
  });
  await shown.goto(url);
  assert.equal(await printed, program.prints);
  assert.equal(keys.length, 1);
  assert.match(keys[0], /\/send$/);
});
