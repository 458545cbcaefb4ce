/** What README.md promises a newcomer, and docs/errors/ who looks something up. That their samples run is for samples.test.mjs. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./bundled.mjs";

const read = (file) => readFileSync(join(root, file), "utf8");
const readme = read("README.md");
const block = (language) => readme.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms"))[1];

test("its example is ten lines", () => {
  assert.ok(
    block("js")
      .split("\n")
      .filter((line) => line !== "").length <= 10,
  );
});

test("the list of the documentation has every error code, in the order of the types and of the core", () => {
  const codes = (text, pattern) => Array.from(text.matchAll(pattern), ([, code]) => code);
  const listed = codes(read("docs/errors/index.md"), /^\| \[`([a-z_]+)`\]\(\1\.md\) \|/gm);
  assert.ok(listed.length > 20);
  assert.deepEqual(codes(read("js/types/errors.ts"), /^ {2}\| "([a-z_]+)"/gm), listed);
  assert.deepEqual(codes(read("crates/core/src/error.rs"), /^ {4}\w+ = "([a-z_]+)",/gm), listed);
});

test("each error code has its page, and each page its code", () => {
  const codes = Array.from(read("js/types/errors.ts").matchAll(/^ {2}\| "([a-z_]+)"/gm), ([, code]) => code);
  const pages = readdirSync(join(root, "docs/errors")).filter((name) => name !== "index.md");
  assert.deepEqual(pages.sort(), codes.map((code) => `${code}.md`).sort());
  for (const code of codes) {
    const parts = Array.from(read(`docs/errors/${code}.md`).matchAll(/^#+ (.*)$/gm), ([, heading]) => heading);
    assert.equal(parts[0], `\`${code}\``);
    for (const part of ["Why", "What to do", "Example"]) assert.ok(parts.includes(part), `${code}: ${part}`);
  }
});

test("it says early that nothing runs while no tab is open", () => {
  const [introduction] = readme.split(/^## /m);
  assert.match(introduction, /nothing runs while no tab is open/i);
  assert.match(read("docs/app.md").split(/^## /m)[0], /nothing runs while no page of your origin is open/i);
});

test("the commands it names are there", () => {
  const { scripts } = JSON.parse(read("package.json"));
  for (const [, name] of readme.matchAll(/npm (?:run )?(start|test|build|bench)\b/g)) assert.ok(name in scripts, name);
});
