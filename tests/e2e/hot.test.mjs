/** Hot reloading: the module of docs/hot-reloading.md, replaced by Vite in a running page, leaves no driver of its former self behind. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createServer } from "vite";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { blocks } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();
const SAMPLE = blocks("docs/hot-reloading.md").find(({ heading }) => heading === "In a module").code;
const HTML = `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="/app.ts"></script>`;

/** The sample, which shows the test the registry of each of its versions. */
const APP = `${SAMPLE}\n((globalThis as any).versions ??= []).push(registry);\n`;
const runnersOf = (version) => `export const runners = { job: () => ${JSON.stringify(version)} };\n`;

test("a module that is replaced closes its registry, and its successor runs what comes next", async (t) => {
  const app = project(t);
  const server = await createServer({
    root: app,
    logLevel: "silent",
    server: { port: 0, host: "127.0.0.1" },
    cacheDir: join(app, ".vite"),
  });
  t.after(() => server.close());
  await server.listen();
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${server.httpServer.address().port}/`);
  await page.waitForFunction(() => globalThis.versions?.length === 1);
  assert.equal(await run(page, 0, "before"), "first");

  // Moved there whole, so that the server sees one change, and no half of a file.
  writeFileSync(join(app, "edited"), runnersOf("second"));
  renameSync(join(app, "edited"), join(app, "runners.js"));
  await page.waitForFunction(() => globalThis.versions.length === 2);
  assert.equal(await page.evaluate(() => globalThis.versions[0].getProcess("before").catch(({ code }) => code)), "closed");
  assert.equal(await run(page, 1, "after"), "second");
});

/** What a process registered in one version's registry ends with. */
const run = (page, version, id) =>
  page.evaluate(
    async ([version, id]) => {
      const registry = globalThis.versions[version];
      await registry.registerProcess({ id, input: { type: "engine", kind: "job" } });
      return (await registry.awaitTerminal(id)).value;
    },
    [version, id],
  );

function project(t) {
  const app = mkdtempSync(join(tmpdir(), "longwait-hot-"));
  t.after(() => rmSync(app, { recursive: true, force: true }));
  mkdirSync(join(app, "node_modules", "longwait"), { recursive: true });
  for (const name of ["dist", "package.json"]) cpSync(inRepo(name), join(app, "node_modules", "longwait", name), { recursive: true });
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, type: "module", dependencies: { longwait: "*" } }));
  writeFileSync(join(app, "index.html"), HTML);
  writeFileSync(join(app, "runners.js"), runnersOf("first"));
  writeFileSync(join(app, "app.ts"), APP);
  return app;
}
