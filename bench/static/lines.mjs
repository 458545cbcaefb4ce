/**
 * How many lines are written by hand outside of tests: of Rust, TypeScript and JavaScript in `src`, `crates` and `js`, and of the build
 * scripts. Blank lines and comments count, as they are read, too.
 *
 * Not counted are tests: modules of Rust under `#[cfg(test)]`, folders and files named `tests`, and `crates/testing`. The build
 * scripts are scripts/build.mjs and what it alone imports. Version 0.1.0 has 16,344 lines by this count: the 16,300 that the goal speaks of.
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { root } from "../../scripts/lib/paths.mjs";
import { say } from "../../scripts/lib/run.mjs";

const BEFORE = 16_300;
const FEWER = 2_000;

export function run() {
  const parts = Object.entries(linesIn(root));
  say(`  ${parts.map(([part, lines]) => `${part} ${lines.toLocaleString("en")}`).join(", ")}`);
  const figure = { name: "longwait", median: parts.reduce((sum, [, lines]) => sum + lines, 0) };
  return [{ work: "hand-written lines outside tests", unit: "lines", figures: [figure], most: BEFORE - FEWER }];
}

/** The lines of each part of a repository. */
export function linesIn(repository) {
  const sources = (folder) =>
    files(join(repository, folder)).filter((file) => languages.includes(extname(file)) && !isTest(file.slice(repository.length)));
  const parts = { src: sources("src"), crates: sources("crates"), js: sources("js"), "build scripts": buildScripts(repository) };
  return Object.fromEntries(Object.entries(parts).map(([part, found]) => [part, found.reduce((sum, file) => sum + written(file), 0)]));
}

const languages = [".rs", ".ts", ".tsx", ".js", ".mjs"];

const isTest = (path) => /\/(tests?|benches)(\/|\.)|^\/crates\/testing\//.test(path);

function files(path) {
  if (!existsSync(path)) return [];
  return statSync(path).isFile()
    ? [path]
    : readdirSync(path)
        .filter((name) => !ignored.includes(name))
        .flatMap((name) => files(join(path, name)));
}

const ignored = ["node_modules", "target", "dist"];

/** Test modules end with the first line that is a closing brace and nothing else: rustfmt indents all others. */
function written(file) {
  const text = readFileSync(file, "utf8");
  const code = extname(file) === ".rs" ? text.replaceAll(/^#\[cfg\(test\)\]\n(pub )?mod \w+ \{\n[^]*?^\}\n/gm, "") : text;
  return code.split("\n").length - 1;
}

/** The script that builds, and the files of scripts/ that are imported only from there, be it at second hand. */
function buildScripts(repository) {
  const folder = join(repository, "scripts");
  const imports = new Map(files(folder).map((file) => [file, imported(file)]));
  const importers = (file) => [...imports.keys()].filter((from) => imports.get(from).includes(file));
  const found = new Set([join(folder, "build.mjs")]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const file of imports.keys()) {
      const from = importers(file);
      if (from.length > 0 && from.every((each) => found.has(each))) found.add(file);
    }
  }
  return [...found];
}

const imported = (file) =>
  Array.from(readFileSync(file, "utf8").matchAll(/^(?:import|export) .* from "(\..*)";$/gm), ([, name]) => resolve(dirname(file), name));
