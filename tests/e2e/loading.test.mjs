/** The package in a real browser without the demo page: a module script, a worker, strict policies, and Vite. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { build, createServer, preview } from "vite";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { blocks } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();
const PACKAGE = "/node_modules/longwait/dist/index.js";

/**
 * The main job, as the text of a module. It reports what it saw; where the process is there already, from an earlier
 * run, it reports only that.
 */
const job = (from) => `
  import { openRegistry } from ${JSON.stringify(from)};
  export async function work() {
    try {
      const registry = await openRegistry();
      const stored = await registry.getProcess("p");
      if (stored) return { stored: stored.status.state, events: (await registry.eventsAfter("p", 0)).length };
      await registry.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "tick", payloadSchema: { type: "number" } }] });
      const end = registry.awaiter.awaitTerminal("p");
      const tick = registry.awaiter.awaitEvent("p", "tick");
      await registry.appendEvent("p", { eventType: "tick", payload: 7 });
      const refusal = await registry.appendEvent("p", { eventType: "tick", payload: "7" }).catch(({ code }) => code);
      await registry.completeProcess("p", { type: "success", value: 42 });
      return { durability: registry.durability, tick: (await tick).payload, refusal, end: (await end).value };
    } catch ({ name, code }) {
      return { name, code };
    }
  }
`;
const WORKED = { tick: 7, refusal: "invalid_payload", end: 42 };
const STORED = { stored: "completed", events: 2 };

/** The policy of docs/app.md, and the icon of nothing that the pages here have. */
const POLICY = blocks("docs/app.md")
  .find(({ heading }) => heading === "Content security policy")
  .code.trim();
const STRICT = `${POLICY}; img-src data:`;
const report = "work().then((result) => (globalThis.result = result));";
/** With an icon of nothing: browsers ask for one, and complain where it is missing. */
const html = (script) => `<!doctype html><title>test</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

/** A page of these files, beside the package; `open()` loads it, again too, and answers what it reports. */
async function pageOf(t, files, policy) {
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  for (const [path, body] of Object.entries(files)) {
    const contentType = path.endsWith(".html") ? "text/html" : "text/javascript";
    await context.route(`**/${path}`, (route) => route.fulfill({ body, contentType, headers: { "Content-Security-Policy": policy } }));
  }
  return { page, complaints, open: () => result(page, `${served.url}test.html`) };
}

async function result(page, url) {
  await page.goto(url);
  return (await page.waitForFunction(() => globalThis.result)).jsonValue();
}

async function worksTwice(open) {
  const { durability, ...seen } = await open();
  assert.deepEqual(seen, WORKED);
  assert.notEqual(durability, "memory");
  assert.deepEqual(await open(), STORED);
}

describe("the package, without any tool", () => {
  test("works from a plain module script under a policy that allows WebAssembly and nothing else", async (t) => {
    const { open, complaints } = await pageOf(t, { "test.html": html("/script.js"), "script.js": job(PACKAGE) + report }, STRICT);
    await worksTwice(open);
    assert.deepEqual(complaints, []);
  });

  test("works in a module worker, on the database that the page shares", async (t) => {
    const files = {
      "test.html": html("/script.js"),
      "script.js": `new Worker("/worker.js", { type: "module" }).onmessage = ({ data }) => (globalThis.result = data);`,
      "worker.js": job(PACKAGE) + "work().then((result) => postMessage(result));",
    };
    const { open, page, complaints } = await pageOf(t, files, STRICT);
    await worksTwice(open);
    const seenByThePage = await page.evaluate(async (from) => {
      const { openRegistry } = await import(from);
      const registry = await openRegistry();
      return (await registry.getProcess("p")).status.state;
    }, PACKAGE);
    assert.equal(seenByThePage, "completed");
    assert.deepEqual(complaints, []);
  });

  test("fetches the schema validator when it meets the first schema, and not before", async (t) => {
    const { page, seen } = await watched(t);
    await page.evaluate(() => globalThis.append("plain", 1));
    assert.deepEqual(seen, []);
    const refusals = await page.evaluate(() => Promise.all([globalThis.append("strict", "x"), globalThis.append("strict", "y")]));
    assert.deepEqual(refusals, ["invalid_payload", "invalid_payload"]);
    assert.equal(await page.evaluate(() => globalThis.append("strict", 1)), 1);
    assert.equal(seen.length, 1);
  });

  test("says so where the validator cannot be fetched; what needs none goes on", async (t) => {
    const { page } = await watched(t, (route) => route.abort());
    assert.equal(await page.evaluate(() => globalThis.append("strict", 1)), "internal");
    assert.equal(await page.evaluate(() => globalThis.append("plain", 1)), 1);
  });

  for (const needed of ["'wasm-unsafe-eval'", "connect-src 'self'"])
    test(`where the policy lacks ${needed}, opening is rejected with a code`, async (t) => {
      assert.ok(STRICT.includes(needed));
      const { open } = await pageOf(t, { "test.html": html("/script.js"), "script.js": job(PACKAGE) + report }, STRICT.replace(needed, ""));
      assert.deepEqual(await open(), { name: "ProcessError", code: "internal" });
    });
});

/** A page that can append to a process without a schema and to one with; `seen` are the requests for the validator. */
async function watched(t, answer = (route) => route.continue()) {
  const script = `
    import { openRegistry } from "${PACKAGE}";
    const registry = await openRegistry();
    globalThis.append = async (id, payload) => {
      try {
        const payloadSchema = id === "strict" ? { type: "number" } : undefined;
        await registry.registerProcess({ id, input: { type: "external" }, eventTypes: [{ name: "tick", payloadSchema }] });
        return (await registry.appendEvent(id, { eventType: "tick", payload })).event.sequence;
      } catch ({ code }) {
        return code;
      }
    };
    globalThis.result = true;`;
  const { page, open } = await pageOf(t, { "test.html": html("/script.js"), "script.js": script }, STRICT);
  const seen = [];
  await page.route("**/schema.js", (route) => {
    seen.push(route.request().url());
    return answer(route);
  });
  await open();
  return { page, seen };
}

describe("the package as npm packs it, with Vite", () => {
  test("works from a build", async (t) => {
    const root = project(t);
    const logLevel = "silent";
    await build({ root, logLevel });
    const server = await preview({
      root,
      logLevel,
      preview: { port: 0, host: "127.0.0.1", headers: { "Content-Security-Policy": STRICT } },
    });
    t.after(() => server.close());
    await worksFrom(t, server);
  });

  test("works from the development server, which moves the code and not the WebAssembly", async (t) => {
    const server = await createServer({ root: project(t), logLevel: "silent", server: { port: 0, host: "127.0.0.1" } });
    t.after(() => server.close());
    await server.listen();
    await worksFrom(t, server);
  });
});

async function worksFrom(t, { httpServer }) {
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await worksTwice(() => result(page, `http://127.0.0.1:${httpServer.address().port}/`));
  assert.deepEqual(complaints, []);
}

/** A project that has installed what npm would publish. */
function project(t) {
  const root = mkdtempSync(join(tmpdir(), "longwait-vite-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const installed = join(root, "node_modules", "longwait");
  mkdirSync(installed, { recursive: true });
  const packed = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: inRepo(),
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  const [{ files }] = JSON.parse(packed.stdout);
  for (const { path } of files) cpSync(inRepo(path), join(installed, path), { recursive: true });
  writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, type: "module", dependencies: { longwait: "*" } }));
  writeFileSync(join(root, "index.html"), html("/script.js"));
  writeFileSync(join(root, "script.js"), job("longwait") + report);
  return root;
}
