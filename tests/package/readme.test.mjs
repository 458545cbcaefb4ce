/** What README.md promises a newcomer: its example runs as it stands, and its table knows every error. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./bundled.mjs";

const read = (file) => readFileSync(join(root, file), "utf8");
const readme = read("README.md");
const block = (language) => readme.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms"))[1];

test("its example prints what it says", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module"], { cwd: root, input: block("js"), encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(stdout, block("text"));
});

test("its example is ten lines", () => {
  assert.ok(block("js").split("\n").filter((line) => line !== "").length <= 10);
});

test("it lists every error code, in the order of the types and of the core", () => {
  const [, errors] = readme.split(/^## Errors$/m);
  const codes = (text, pattern) => Array.from(text.matchAll(pattern), ([, code]) => code);
  const listed = codes(errors, /^\| `([a-z_]+)` \|/gm);
  assert.ok(listed.length > 20);
  assert.deepEqual(codes(read("js/errors.ts"), /^ {2}\| "([a-z_]+)"/gm), listed);
  assert.deepEqual(codes(read("src/error.rs"), /^ {4}\w+ = "([a-z_]+)",/gm), listed);
});

test("the commands it names are there", () => {
  const { scripts } = JSON.parse(read("package.json"));
  for (const [, name] of readme.matchAll(/npm (?:run )?(start|test|build|bench)\b/g)) assert.ok(name in scripts, name);
});
