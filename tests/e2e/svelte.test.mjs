/** `longwait/svelte` in Chromium, by Svelte's own compiler. That of a server, and Vue, are tested without a browser. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "svelte/compiler";
import { createServer } from "vite";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { blocks } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();

const FILES = {
  "index.html": `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>`,
  "main.js": `
    import { mount } from "svelte";
    import App from "./app.svelte";
    mount(App, { target: document.body });
  `,
  "app.svelte": `
    <script>
      import { openRegistry } from "longwait";
      import { setRegistry } from "longwait/svelte";
      import Guide from "./guide.svelte";
      const opened = openRegistry();
      opened.then((registry) => (globalThis.registry = registry));
      setRegistry(opened);
      let isShown = $state(true);
    </script>
    <button onclick={() => (isShown = !isShown)}>Toggle</button>
    {#if isShown}<Guide />{/if}
  `,
  "guide.svelte": blocks("docs/observe.md").find(({ language }) => language === "svelte").code,
};

const svelte = {
  name: "svelte",
  transform: (code, file) =>
    file.endsWith(".svelte") ? { code: compile(code, { filename: file, generate: "client" }).js.code, map: null } : undefined,
};

test("the component of the guide shows what changes, and lets go of it when it is gone", async (t) => {
  const app = mkdtempSync(join(tmpdir(), "longwait-svelte-"));
  t.after(() => rmSync(app, { recursive: true, force: true }));
  mkdirSync(join(app, "node_modules", "longwait"), { recursive: true });
  for (const name of ["dist", "package.json"]) cpSync(inRepo(name), join(app, "node_modules", "longwait", name), { recursive: true });
  symlinkSync(inRepo("node_modules", "svelte"), join(app, "node_modules", "svelte"));
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, type: "module" }));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(app, name), text);
  const vite = await createServer({
    root: app,
    configFile: false,
    logLevel: "error",
    server: { port: 0, host: "127.0.0.1", watch: null },
    cacheDir: join(app, ".vite"),
    plugins: [svelte],
    optimizeDeps: { include: ["longwait", "longwait/svelte"], exclude: ["svelte"] },
  });
  t.after(() => vite.close());
  await vite.listen();
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(`http://127.0.0.1:${vite.httpServer.address().port}/`);
  await page.waitForFunction(() => globalThis.registry !== undefined);
  await page.evaluate(() => globalThis.registry.registerProcess({ id: "p", input: { type: "external" } }));
  await page.waitForSelector("p:text-is('p: running')");
  await page.click("button");
  await page.waitForSelector("p", { state: "detached" });
  await page.waitForFunction(() => globalThis.registry.hub.trackedProcesses === 0);
  await page.click("button");
  await page.waitForSelector("p:text-is('p: running')");
  assert.deepEqual(complaints, []);
});
