/** The package as npm packs it, and what tools that know of packages say of it. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inRepo } from "./paths.mjs";
import { attempt, run } from "./run.mjs";

/** Packs it into a folder. Answers the tarball, the names of its files, and where they are unpacked: `node_modules/longwait` of the folder. */
export async function pack(folder) {
  const packed = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { quiet: true });
  const [{ filename, files, size, unpackedSize }] = JSON.parse(packed.slice(packed.indexOf("[\n")));
  const [tarball, installed] = [join(folder, filename), join(folder, "node_modules", "longwait")];
  mkdirSync(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"], { quiet: true });
  return { tarball, installed, files: files.map(({ path }) => path), size, unpackedSize };
}

/** What publint says of an unpacked package, suggestions included. */
export async function publintOf(installed) {
  // Imported late: on a fresh clone they are not installed when this file is loaded.
  const [{ publint }, { formatMessage }] = await Promise.all([import("publint"), import("publint/utils")]);
  const { messages, pkg } = await publint({ pkgDir: installed, pack: false, strict: true });
  return messages.map((message) => formatMessage(message, pkg));
}

/** Whether TypeScript finds the types of each entry of a tarball, in all of its ways to resolve modules that know of ES modules; and a table of that. */
export async function attwOf(tarball) {
  const attw = inRepo("node_modules", "@arethetypeswrong", "cli", "dist", "index.js");
  // The package has ES modules alone: CommonJS code imports it by `import()`, and the way of Node 10 knows no `exports`.
  const ignored = ["--profile", "esm-only"];
  // It is no module: bundlers and `fetch` take it as a file.
  const excluded = ["--exclude-entrypoints", "longwait_bg.wasm"];
  const { code, output } = await attempt("node", [attw, tarball, "--no-color", ...ignored, ...excluded], { quiet: true });
  return { isFine: code === 0, output };
}
