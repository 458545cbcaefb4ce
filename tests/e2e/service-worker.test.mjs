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

/** The server answers nothing but notes before it was asked so often whether it is there. Browsers repeat some requests by themselves. */
const PINGS = 4;

/** Serves the package, the sample and its server, of which a service worker asks the network itself. `asked` are the requests to that server. */
async function serve(t, path) {
  const asked = [];
  const file = (url) =>
    readFile(url.startsWith("/dist/") ? inRepo(url.slice(1)) : join(dirname(path), basename(url))).catch(() => undefined);
  const html = `<!doctype html><title>sample</title><link rel="icon" href="data:,"><script type="module" src="/${basename(path)}"></script>`;
  const types = { js: "text/javascript", wasm: "application/wasm", html: "text/html" };
  const server = createServer(async ({ url, headers }, response) => {
    if (["/notes", "/orders", "/ping"].includes(url)) {
      asked.push({ url, key: headers["idempotency-key"] });
      // A network that is there and leads nowhere.
      const pings = asked.filter((request) => request.url === "/ping").length;
      if (url !== "/notes" && pings < PINGS) return response.destroy();
      return response.writeHead(201).end();
    }
    const body = url === "/page.html" ? html : await file(url);
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": types[url.split(".").at(-1)] ?? "text/plain" }).end(body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { url: `http://localhost:${server.address().port}/page.html`, asked };
}

/** Opens the sample under a heading, which prints what it is to print. Answers what its server was asked. */
async function opened(t, heading) {
  const program = programs().find((one) => one.page === "docs/service-worker.md" && one.heading === heading);
  const path = await writeRunnable(program, (name) => `/dist/${name === "longwait" ? "index" : basename(name)}.js`);
  const { url, asked } = await serve(t, path);
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const shown = await context.newPage();
  const printed = new Promise((resolve, reject) => {
    shown.on("console", (message) => message.type() === "log" && resolve(`${message.text()}\n`));
    shown.on("pageerror", reject);
  });
  await shown.goto(url);
  assert.equal(await printed, program.prints);
  return asked;
}

test("the guide's page and service worker send a note once", async (t) => {
  const asked = await opened(t, "Set it up");
  assert.equal(asked.length, 1);
  assert.match(asked[0].key, /\/send$/);
});

test("the guide's detector has an order wait until the server answers, and spends one attempt on a network that leads nowhere", async (t) => {
  const asked = await opened(t, "A network that is not there");
  const urls = asked.map(({ url }) => url);
  assert.deepEqual(urls.slice(urls.indexOf("/ping")), ["/ping", "/ping", "/ping", "/ping", "/orders"]);
});
