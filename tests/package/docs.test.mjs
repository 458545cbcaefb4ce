/** The guide: its figures are measured, and its links lead somewhere. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { written } from "../../bench/docs.mjs";
import { pages as listed } from "../../site/navigation.mjs";
import { blocks, read } from "../samples/programs.mjs";
import { root } from "./bundled.mjs";

test("the page of the benchmarks is what their run says", () => {
  const [runs, page] = ["json", "md"].map((kind) => readFileSync(join(root, `docs/benchmarks.${kind}`), "utf8"));
  assert.equal(page, written(JSON.parse(runs)), "npm run bench:docs writes it anew");
});

test("every link between the pages of the repository leads to a file", () => {
  const inDocs = readdirSync(join(root, "docs"), { recursive: true }).map((name) => `docs/${name}`);
  const pages = [...readdirSync(root), ...inDocs].filter((name) => name.endsWith(".md"));
  assert.ok(pages.length > 5);
  for (const page of pages)
    for (const [, target] of readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g))
      assert.ok(existsSync(join(root, dirname(page), target)), `${page}: ${target}`);
});

test("the app of the chat's guide has as many lines as the guide says, and at most 60", () => {
  const app = blocks("docs/chat.md").filter(({ heading, language }) => heading === "The app" && /^tsx?$/.test(language));
  const lines = app.map(({ code }) => code.trimEnd().split("\n").length).reduce((sum, count) => sum + count);
  assert.ok(lines <= 60);
  assert.match(read("docs/chat.md"), new RegExp(`^Two files beside your \`model\\.ts\`, ${lines} lines\\.`, "m"));
});

test("each page of docs/ is in the navigation of the site, once, and each name there has its page", () => {
  const pages = readdirSync(join(root, "docs"), { recursive: true }).filter((name) => name.endsWith(".md"));
  const named = pages.map((name) => name.replace(/\.md$/, ""));
  assert.deepEqual(listed.map(({ page }) => page).sort(), named.sort(), "site/navigation.mjs lists them");
});
