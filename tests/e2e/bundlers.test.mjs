/** The bundlers that leave the WebAssembly behind: the build scripts of docs/app.md make an app that works in a browser. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { serveFolders } from "../../scripts/lib/static-server.mjs";
import { blocks } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();
const sample = (heading) => blocks("docs/app.md").find((block) => block.heading === heading && block.language !== "text").code;

const MAIN = `
  import { openRegistry } from "longwait";
  const registry = await openRegistry();
  await registry.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "tick", payloadSchema: { type: "number" } }] });
  await registry.appendEvent("p", { eventType: "tick", payload: 7 });
  const refusal = await registry.appendEvent("p", { eventType: "tick", payload: "7" }).catch(({ code }) => code);
  globalThis.result = [registry.durability !== "memory", refusal, (await registry.eventsAfter("p", 0)).length];
`;
const HTML = `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="main.js"></script>`;

describe("an app bundled by the script of the guide works:", () => {
  for (const heading of ["esbuild", "Rollup"])
    test(heading, async (t) => {
      const app = project(t);
      writeFileSync(join(app, "build.mjs"), sample(heading));
      execFileSync(process.execPath, ["build.mjs"], { cwd: app, stdio: ["ignore", "ignore", "inherit"] });
      writeFileSync(join(app, "out", "index.html"), HTML);
      const { page, complaints } = await opened(t, join(app, "out"));
      assert.deepEqual(await (await page.waitForFunction(() => globalThis.result)).jsonValue(), [true, "invalid_payload", 1]);
      assert.deepEqual(complaints, []);
    });

  test("and does not without the copy, so that the guide has to say it", async (t) => {
    const app = project(t);
    writeFileSync(join(app, "build.mjs"), sample("esbuild").replace(/^await copyFile.*$/m, ""));
    execFileSync(process.execPath, ["build.mjs"], { cwd: app });
    assert.equal(existsSync(join(app, "out", "longwait_bg.wasm")), false);
  });
});

/** An app beside the package and the bundlers. */
function project(t) {
  const app = mkdtempSync(join(tmpdir(), "longwait-bundled-"));
  t.after(() => rmSync(app, { recursive: true, force: true }));
  mkdirSync(join(app, "node_modules", "@rollup"), { recursive: true });
  for (const name of ["esbuild", "rollup", "@rollup/plugin-node-resolve"])
    symlinkSync(inRepo("node_modules", name), join(app, "node_modules", name));
  symlinkSync(inRepo(), join(app, "node_modules", "longwait"));
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, type: "module" }));
  writeFileSync(join(app, "main.js"), MAIN);
  return app;
}

async function opened(t, folder) {
  const server = await serveFolders({ mounts: [{ prefix: "/", folder }], headers: () => ({}) });
  t.after(() => server.close());
  const context = await served.browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(server.url);
  return { page, complaints };
}
