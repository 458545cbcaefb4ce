/** React in Chromium, by Vite's development server: two tabs, edits of a page that runs, a page that a server rendered, and the guides. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import react from "@vitejs/plugin-react";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { createServer } from "vite";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { needs } from "../samples/needs.mjs";
import { blocks } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();

const page = (body = "") => `<!doctype html><title>app</title><link rel="icon" href="data:,"><div id="root">${body}</div>
<script type="module" src="/main.jsx"></script>`;

const FILES = {
  "index.html": page(),
  "job.js": `
    import { defineProcess } from "longwait";
    export const job = defineProcess({ kind: "job" });
  `,
  "run.js": runner("first"),
  "app.jsx": component("Jobs"),
  "main.jsx": `
    import { StrictMode } from "react";
    import { createRoot, hydrateRoot } from "react-dom/client";
    import { App } from "./app.jsx";
    const root = document.getElementById("root");
    if (root.hasChildNodes()) hydrateRoot(root, <StrictMode><App /></StrictMode>);
    else createRoot(root).render(<StrictMode><App /></StrictMode>);
  `,
};

/** What runs a job, in one version: it waits for a signal, and returns the name of the version. */
function runner(version) {
  return `
    import { job } from "./job.js";
    export const run = job.implement(async ({ waitForSignal }) => (await waitForSignal("go"), ${JSON.stringify(version)}));
  `;
}

/** The app, with a title of its own. What is rendered is counted, and the registry is shown to the test. */
function component(title) {
  return `
    import { memo, useState } from "react";
    import { Driver, RegistryProvider, useCount, useProcesses, useRegistry, useStart } from "longwait/react";
    import { job } from "./job.js";
    import { run } from "./run.js";

    const rendered = (globalThis.rendered = {});
    const Row = memo(({ record }) => {
      rendered[record.id] = (rendered[record.id] ?? 0) + 1;
      return <li>{record.id}: {record.status.state} {record.status.awaitOutput?.value}</li>;
    });

    function Jobs() {
      const registry = useRegistry();
      globalThis.registry = registry;
      const [typed, type] = useState("");
      const { start } = useStart(job);
      const { value: jobs = [], status } = useProcesses(job, { filter: { status: "any" }, order: "newest", limit: 10 });
      const { value: count } = useCount(job);
      return <main data-status={status}>
        <h1>${title}: {count}</h1>
        <input value={typed} onChange={({ target }) => type(target.value)} />
        <button onClick={() => start(null, { id: typed })}>Start</button>
        <ul>{jobs.map((record) => <Row key={record.id} record={record} />)}</ul>
      </main>;
    }

    export const App = () => <RegistryProvider open={{ name: "jobs" }}><Driver processes={[run]} /><Jobs /></RegistryProvider>;
  `;
}

/** The modules of a program that a guide shows. */
function modulesOf(guide, heading) {
  const code = blocks(guide).filter((block) => /^tsx?$/.test(block.language) && (heading === "*" || block.heading === heading));
  const { files } = needs[guide][heading];
  return { "index.html": page().replace("main.jsx", "main.tsx"), ...Object.fromEntries(code.map((block, n) => [files[n], block.code])) };
}

function project(t, files) {
  const app = mkdtempSync(join(tmpdir(), "longwait-react-"));
  t.after(() => rmSync(app, { recursive: true, force: true }));
  mkdirSync(join(app, "node_modules", "longwait"), { recursive: true });
  for (const name of ["dist", "package.json"]) cpSync(inRepo(name), join(app, "node_modules", "longwait", name), { recursive: true });
  for (const name of ["react", "react-dom", "scheduler"]) symlinkSync(inRepo("node_modules", name), join(app, "node_modules", name));
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, type: "module", dependencies: { longwait: "*", react: "*" } }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(app, name), text);
  return app;
}

/** The app on a development server: `{ url, app, vite }`. */
async function developed(t, options = {}, files = FILES) {
  const app = project(t, files);
  const vite = await createServer({
    root: app,
    configFile: false,
    logLevel: "silent",
    server: { port: 0, host: "127.0.0.1" },
    cacheDir: join(app, ".vite"),
    plugins: [react()],
    optimizeDeps: { include: ["react", "react-dom/client", "react/jsx-dev-runtime", "longwait", "longwait/react"] },
    ...options,
  });
  t.after(() => vite.close());
  if (options.appType === "custom") return { app, vite };
  await vite.listen();
  return { app, vite, url: `http://127.0.0.1:${vite.httpServer.address().port}/` };
}

async function profile(t, url, ready = "main[data-status=present]") {
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const visit = async () => {
    const tab = await context.newPage();
    const complaints = complaintsOf(tab);
    await tab.goto(url);
    await tab.waitForSelector(ready);
    return { tab, complaints, rows: () => tab.locator("li").allTextContents() };
  };
  return { visit };
}

/** Moved there whole, so that the server sees one change, and no half of a file. */
function edit(app, name, text) {
  writeFileSync(join(app, "edited"), text);
  renameSync(join(app, "edited"), join(app, name));
}

const start = async ({ tab }, id) => {
  await tab.fill("input", id);
  await tab.click("button");
  await tab.waitForSelector(`li:has-text("${id}: running")`);
};

const shows = ({ tab }, text) => tab.waitForSelector(`li:text-is("${text}")`);

const signal = ({ tab }, id) => tab.evaluate((id) => globalThis.registry.signal(id, "go"), id);

test("two tabs show what one of them starts and either ends, and render the one row that changed", async (t) => {
  const { url } = await developed(t);
  const { visit } = await profile(t, url);
  const one = await visit();
  const two = await visit();
  await start(one, "a");
  await start(one, "b");
  await shows(two, "b: running");
  await signal(two, "a");
  for (const tab of [one, two]) {
    await shows(tab, "a: completed first");
    await tab.tab.evaluate(() => (globalThis.rendered.a = globalThis.rendered.b = 0));
  }
  await one.tab.evaluate(() => globalThis.registry.signal("b", "other"));
  await signal(two, "b");
  for (const tab of [one, two]) {
    await shows(tab, "b: completed first");
    assert.equal(await tab.tab.evaluate(() => globalThis.rendered.a), 0);
    assert.deepEqual(tab.complaints, []);
  }
  assert.deepEqual(await one.rows(), ["b: completed first", "a: completed first"]);
});

test("an edit of a component keeps the registry, its state and the driver; one of a runner leaves no driver behind that runs the old one", async (t) => {
  const { url, app } = await developed(t);
  const { visit } = await profile(t, url);
  const one = await visit();
  await start(one, "a");
  await one.tab.evaluate(() => (globalThis.first = globalThis.registry));
  edit(app, "app.jsx", component("Edited"));
  await one.tab.waitForSelector("h1:has-text('Edited: 1')");
  assert.deepEqual(await one.tab.evaluate(() => [globalThis.registry === globalThis.first, document.querySelector("input").value]), [
    true,
    "a",
  ]);

  const fence = () => one.tab.evaluate(async () => (await globalThis.registry.getProcessLease("a"))?.fencingToken);
  const before = await fence();
  edit(app, "run.js", runner("second"));
  // The run of the first version is handed over, and the second one waits in its place.
  while (!((await fence()) > before));
  await signal(one, "a");
  await shows(one, "a: completed second");
  for (const id of ["b", "c", "d"]) {
    await start(one, id);
    await signal(one, id);
    await shows(one, `${id}: completed second`);
  }
  assert.deepEqual(one.complaints, []);
});

test("a page that a server rendered is taken over without a complaint, and shows what is stored", async (t) => {
  const server = createHttpServer((request, response) =>
    vite.middlewares(request, response, async () => {
      const { App } = await vite.ssrLoadModule("/app.jsx");
      const html = await vite.transformIndexHtml("/", page(renderToString(createElement(App))));
      response.writeHead(200, { "Content-Type": "text/html" }).end(html);
    }),
  );
  const { vite } = await developed(t, { appType: "custom", server: { middlewareMode: true, hmr: { server } } });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => (server.closeAllConnections(), server.close()));
  const url = `http://127.0.0.1:${server.address().port}/`;
  assert.match(await (await fetch(url)).text(), /<main data-status="loading"><h1>Jobs/);
  const { visit } = await profile(t, url);
  const one = await visit();
  await start(one, "a");
  const again = await visit();
  assert.deepEqual(await again.rows(), ["a: running "]);
  assert.deepEqual([one.complaints, again.complaints], [[], []]);
});

test("the app of the guide shows what its tabs start, ask, allow and cancel", async (t) => {
  const { url } = await developed(t, {}, modulesOf("docs/react.md", "*"));
  const { visit } = await profile(t, url, "p:text-is('0 running')");
  const one = await visit();
  const two = await visit();
  for (const name of ["a.png", "b.png"]) {
    await one.tab.fill("input", name);
    await one.tab.click("text=Upload");
    await two.tab.waitForSelector(`li:has-text("${name}: asked"):has-text("May ${name} be public?")`);
  }
  assert.equal(await two.tab.locator("li").first().locator("q").textContent(), "May b.png be public? ");
  await two.tab.click("li:has-text('a.png') >> text=Allow");
  await one.tab.waitForSelector("li:has-text('a.png: a.png'):has-text('public? Yes.')");
  await two.tab.click("li:has-text('b.png') >> text=Cancel");
  for (const { tab, complaints } of [one, two]) {
    await tab.waitForSelector("li:has-text('b.png: not any more')");
    await tab.waitForSelector("p:text-is('0 running')");
    assert.deepEqual(complaints, []);
  }
});

test("logging out as the guide says shows it in the other tab, too", async (t) => {
  const { url } = await developed(t, {}, modulesOf("docs/logging-out.md", "In React"));
  const { visit } = await profile(t, url, "button:text-is('Log out and forget 0')");
  const one = await visit();
  const two = await visit();
  await one.tab.click("button");
  await one.tab.waitForSelector("text=Who are you?");
  await two.tab.waitForSelector("text=You have logged out.");
  assert.deepEqual(await one.tab.evaluate(async () => (await indexedDB.databases()).length), 0);
  assert.deepEqual([one.complaints, two.complaints], [[], []]);
});
