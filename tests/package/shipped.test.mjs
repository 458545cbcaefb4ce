/**
 * What the package ships is what the Rust tests run: each public method of the registry, the session view, the awaiter and the
 * driver is called by an export, by code that is, or by the stage of `longwait/testing`. It is looked for by its name, so a name that two types share counts for both.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inRepo } from "../../scripts/lib/paths.mjs";

const core = inRepo("crates/core/src");
const held = [
  "registry.rs",
  "session.rs",
  "notify/awaiter.rs",
  "notify/hub.rs",
  "driver/work_driver.rs",
  "driver/run.rs",
  "driver/steps.rs",
  "driver/signals.rs",
];

/** Methods for programs in Rust alone, each with what the exports call in its place. */
const forRust = {
  wait_for_signal: "wait_for_signals",
};

const sources = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith(".rs"))
    .map((file) => join(folder, file));

/** The code of a file without its tests. */
const code = (file) =>
  readFileSync(file, "utf8")
    .replaceAll(/^#\[cfg\(test\)\]\nmod \w+ \{\n[^]*?^\}\n/gm, "")
    .replaceAll(/^ *\/\/.*$/gm, "");

test("no public method is there for the tests alone", () => {
  const kit = inRepo("crates/testing/src/stage.rs");
  const all = [...sources(core), ...sources(inRepo("src")), kit]
    .filter((file) => !file.endsWith("/native.rs"))
    .map(code)
    .join("\n");
  const isCalled = (name) => new RegExp(`\\.${name}(?:::<.*>)?\\(|::${name}\\b`).test(all);
  const names = held.flatMap((file) => Array.from(code(join(core, file)).matchAll(/^ {4}pub (?:async )?fn (\w+)/gm), ([, name]) => name));
  assert.ok(names.length > 60, `only ${names.length} methods were found`);
  assert.deepEqual(names.filter((name) => !isCalled(name)).sort(), Object.keys(forRust));
});
