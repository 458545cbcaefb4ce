/** "Start in 5 minutes", done as the page says: its own code, the packed package and nothing else, on Vite's development server, in Chromium. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import react from "@vitejs/plugin-react";
import { chromium } from "playwright-core";
import { createServer } from "vite";
import { complaintsOf } from "../../scripts/lib/demo-page.mjs";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { chromiumFlags, chromiumPath } from "../../scripts/setup/browsers.mjs";
import { blocks } from "../samples/programs.mjs";

const PAGE = "docs/start.md";

/** What `npm create vite` makes, as far as it matters: the page that it opens, and of React's the module that shows the app. */
const TEMPLATES = {
  "vanilla-ts": {
    "index.html": `<!doctype html><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/src/main.ts"></script>`,
  },
  "react-ts": {
    "index.html": `<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/src/main.tsx"></script>`,
    "src/main.tsx": `
      import { StrictMode } from "react";
      import { createRoot } from "react-dom/client";
      import App from "./App.tsx";
      createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
    `,
  },
};

const folder = mkdtempSync(join(tmpdir(), "longwait-start-"));
let browser;

before(async () => {
  execFileSync("npm", ["pack", "--pack-destination", folder], { cwd: inRepo(), stdio: "ignore" });
  execFileSync("tar", ["-xzf", execFileSync("ls", [folder], { encoding: "utf8" }).trim()], { cwd: folder });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumFlags });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The page's code under a heading: the one sample there. */
const sample = (heading, language) => blocks(PAGE).find((block) => block.heading === heading && block.language === language).code;

/** An app made of a template, and of the page's code in place of one of its files. Gives what opens a tab of it. */
async function app(t, template, file, code, plugins = []) {
  const root = join(folder, template);
  const installed = join(root, "node_modules");
  mkdirSync(installed, { recursive: true });
  execFileSync("cp", ["-r", join(folder, "package"), join(installed, "longwait")]);
  for (const name of ["react", "react-dom", "scheduler"]) symlinkSync(inRepo("node_modules", name), join(installed, name));
  const files = { ...TEMPLATES[template], "package.json": `{ "private": true, "type": "module" }`, [file]: code };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const server = { port: 0, host: "127.0.0.1" };
  const vite = await createServer({ root, configFile: false, logLevel: "silent", server, plugins, optimizeDeps: { force: true } });
  t.after(() => vite.close());
  await vite.listen();
  const context = await browser.newContext();
  t.after(() => context.close());
  return async () => {
    const tab = await context.newPage();
    tab.setDefaultTimeout(15_000);
    const complaints = complaintsOf(tab);
    t.after(() => assert.deepEqual(complaints, []));
    await tab.goto(`http://127.0.0.1:${vite.httpServer.address().port}/`);
    return tab;
  };
}

const lines = (code) => code.split("\n").filter((line) => line.trim() !== "").length;

describe("the page of the first five minutes", () => {
  test("takes at most 15 lines to a wait that survives a reload, the death of its tab, and its end", async (t) => {
    const code = sample("The page", "ts");
    assert.ok(lines(code) <= 15);
    const open = await app(t, "vanilla-ts", "src/main.ts", code);
    const one = await open();
    await one.waitForSelector("button");
    await one.reload();
    await one.waitForSelector("button");
    const two = await open();
    await two.waitForSelector("button");
    await one.close();
    await two.click("button");
    await two.waitForSelector("body:has-text('Two tickets, asked for at')");
    const said = await two.textContent("body");
    await two.reload();
    await two.waitForSelector(`body:text-is('${said}')`);
  });

  test("takes at most 15 lines with React", async (t) => {
    const code = sample("The same page with React", "tsx");
    assert.ok(lines(code) <= 15);
    const open = await app(t, "react-ts", "src/App.tsx", code, [react()]);
    const one = await open();
    await one.click("button:text-is('Order')");
    await one.waitForSelector("button:text-is('Approve')");
    await one.reload();
    await one.waitForSelector("button:text-is('Approve')");
    const two = await open();
    await two.click("button:text-is('Approve')");
    for (const tab of [one, two]) await tab.waitForSelector("p:text-is('Two tickets: approved by Ann')");
  });
});
