/** The code samples of the documentation that need a browser, in Chromium: each prints on the console what it says. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { writeRunnable } from "../samples/folder.mjs";
import { programs } from "../samples/programs.mjs";
import { site } from "./site.mjs";

const served = site();
const PACKAGE = "/node_modules/longwait/dist/";
const map = JSON.stringify({ imports: { longwait: `${PACKAGE}index.js` } });
const html = (script) =>
  `<!doctype html><title>sample</title><link rel="icon" href="data:,"><script type="importmap">${map}</script><script type="module" src="/sample/${script}"></script>`;

describe("a sample for the browser prints what it says:", () => {
  for (const program of programs().filter(({ runs }) => runs === "chromium"))
    test(program.name, async (t) => {
      const path = await writeRunnable(program, (name) => `${PACKAGE}${name === "longwait" ? "index" : basename(name)}.js`);
      const context = await served.browser.newContext();
      t.after(() => context.close());
      await context.route("**/sample.html", (route) => route.fulfill({ contentType: "text/html", body: html(basename(path)) }));
      await context.route("**/sample/*", async (route) => {
        const file = join(dirname(path), basename(new URL(route.request().url()).pathname));
        await route.fulfill({ contentType: "text/javascript", body: await readFile(file) });
      });
      assert.notEqual(program.prints, "", "a program that prints nothing shows nothing");
      assert.equal(await printed(await context.newPage(), program.prints.split("\n").length - 1), program.prints);
    });
});

/** What a page prints on its console, once it has printed so many lines, or an error. */
function printed(page, lines) {
  return new Promise((done, failed) => {
    let text = "";
    page.on("console", (message) => {
      text += `${message.text()}\n`;
      if (message.type() === "error" || text.split("\n").length > lines) done(text);
    });
    page.on("pageerror", failed);
    page.goto(`${served.url}sample.html`).catch(failed);
  });
}
