/** The guide: its program runs as it stands and prints what it says, its figures are measured, and its links lead somewhere. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { written } from "../../bench/docs.mjs";
import { root } from "./bundled.mjs";

const blocks = (page, language) => Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms")), ([, code]) => code).join("");

test("the patterns print what they say", () => {
  const page = readFileSync(join(root, "docs/patterns.md"), "utf8");
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module"], { cwd: root, input: blocks(page, "js"), encoding: "utf8", timeout: 60_000 });
  assert.equal(stderr, "");
  assert.equal(stdout, blocks(page, "text"));
});

test("the page of the benchmarks is what their run says", () => {
  const [runs, page] = ["json", "md"].map((kind) => readFileSync(join(root, `docs/benchmarks.${kind}`), "utf8"));
  assert.equal(page, written(JSON.parse(runs)), "npm run bench:docs writes it anew");
});

test("every link between the pages of the repository leads to a file", () => {
  const pages = [...readdirSync(root), ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter((name) => name.endsWith(".md"));
  assert.ok(pages.length > 5);
  for (const page of pages)
    for (const [, target] of readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g))
      assert.ok(existsSync(join(root, dirname(page), target)), `${page}: ${target}`);
});
