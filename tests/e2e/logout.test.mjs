/** Logging out as docs/logging-out.md says: what the response with its header leaves of a registry. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { test } from "node:test";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { blocks } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();
const HEADER = blocks("docs/logging-out.md")
  .find(({ heading, language }) => heading === "By the server" && language === "text")
  .code.trim();

test("the header deletes the rows of a registry that was closed, and one that is opened afterwards is empty", async (t) => {
  const page = await opened(t);
  const states = await page.evaluate(async () => {
    const { openRegistry } = await import("/dist/index.js");
    const state = async (work) => {
      const registry = await openRegistry({ name: "user-17" });
      await work?.(registry);
      const stored = await registry.getProcess("p");
      await registry.close();
      return stored?.status.state ?? "unknown";
    };
    const before = await state((registry) => registry.registerProcess({ id: "p", input: { type: "external" } }));
    const kept = await state();
    await (await fetch("/logout")).text();
    return [before, kept, await state()];
  });
  assert.deepEqual(states, ["running", "running", "unknown"]);
});

/** A page of a server that logs out, since only a real response clears anything. */
async function opened(t) {
  const [, name, value] = HEADER.match(/^([\w-]+): (.*)$/);
  const server = createServer(async ({ url }, response) => {
    if (url === "/logout") return response.writeHead(200, { [name]: value }).end("out");
    if (!url.startsWith("/dist/")) return response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>app</title>");
    const file = basename(url);
    response.writeHead(200, { "Content-Type": file.endsWith(".wasm") ? "application/wasm" : "text/javascript" });
    response.end(await readFile(inRepo("dist", file)));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`http://localhost:${server.address().port}/`);
  return page;
}
