/**
 * `npm run build`: makes the npm package in dist/.
 *
 *   src/ --cargo--> .wasm --wasm-bindgen--> build/wasm --wasm-opt--> dist/longwait_bg.wasm       (and so without the driver)
 *   js/  --esbuild--> dist/*.js    --tsc--> dist/*.d.ts
 */

import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isScript } from "./lib/is-script.mjs";
import { nameByPlace } from "./lib/order-functions.mjs";
import { inRepo, root } from "./lib/paths.mjs";
import { main, run, say } from "./lib/run.mjs";
import { shortenNames } from "./lib/shorten-names.mjs";
import { trimValidator } from "./lib/trim-validator.mjs";
import { setUp } from "./setup.mjs";

/** The files of the package, each with the platform it is for; all but the schema are entries that a person can import. */
const entries = [
  { source: "js/index.ts", output: "dist/index.js", platform: "browser" },
  // Beside the entry, not with a copy of it: a page or worker that has both loads the WebAssembly once.
  { source: "js/worker.ts", output: "dist/worker.js", platform: "browser", beside: ["./index.js"] },
  { source: "js/node.ts", output: "dist/node.js", platform: "node" },
  { source: "js/slim.ts", output: "dist/slim.js", platform: "browser" },
  { source: "js/slim-node.ts", output: "dist/slim-node.js", platform: "node" },
  { source: "js/schema.ts", output: "dist/schema.js", platform: "neutral" },
];

/** The WebAssembly modules of the package: whole, and without the driver. */
const modules = [
  { name: "longwait", folder: "build/wasm", features: [] },
  { name: "longwait_slim", folder: "build/slim", features: ["--no-default-features"] },
];

// Inlining makes the file shorter and the download longer: what repeats, brotli finds. Tried on this code: the inlining
// limits take 5% off what -Oz alone gives, flattening with a second round 1%, the order of the functions 3%.
// `-lmu`: nothing lives in the lowest kilobyte of memory, which is the far end of the stack.
const smallest = "--flatten --rereloop -Oz -Oz -lmu -ocimfs=18 -fimfs=2 -aimfs=3".split(" ");

// What tools noted for each other, and no engine reads.
const noted = ["--strip-producers", "--strip-target-features"];

/** The setup steps that a build needs. */
export const needs = ["packages", "rust", "wasm-bindgen"];

/**
 * A panic of a release traps at once, without a message: what writes messages would be a tenth of the download, and
 * nobody could read them in a browser. For that the standard library is built anew, for size, by unstable options of
 * cargo and rustc. RUSTC_BOOTSTRAP lets the stable toolchain take them; as rust-toolchain.toml pins one version, they
 * cannot change under us.
 */
const std = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];
const quietPanics = ["-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none", "-Zfmt-debug=none"];

/** Nothing is inlined by the compiler that makes the file longer: wasm-opt does that, with limits of its own. */
const inlining = "-Cllvm-args=-inline-threshold=0";

/** Flags for rustc, beside those of .cargo/config.toml: they also keep the builder's home out of the file. */
function flags() {
  const cargo = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const rustup = process.env.RUSTUP_HOME ?? join(homedir(), ".rustup");
  const flags = [
    `--remap-path-prefix=${cargo}=cargo`, `--remap-path-prefix=${rustup}=rustup`,
    ...quietPanics, inlining,
  ];
  return `target.wasm32-unknown-unknown.rustflags=${JSON.stringify(flags)}`;
}

/** Builds everything; expects those steps to be done. */
export async function build() {
  mkdirSync(inRepo("dist"), { recursive: true });
  const target = await targetFolder();
  for (const module of modules) await compile(module, target);
  await bundle();
  await declare();
}

async function compile({ name, folder, features }, target) {
  const [glue, rawWasm, optimised] = [`${name}.js`, `${name}_bg.wasm`, "optimised.wasm"].map((file) => `${folder}/${file}`);
  const wasm = `dist/${name}_bg.wasm`;
  say(`compiling the Rust code to WebAssembly: ${wasm}`);
  const cargo = ["build", "--release", "--lib", ...features, "--target", "wasm32-unknown-unknown", "--config", flags(), ...std];
  await run("cargo", cargo, { env: { RUSTC_BOOTSTRAP: "1" } });
  const compiled = `${target}/wasm32-unknown-unknown/release/longwait.wasm`;
  const shaping = ["build.mjs", "lib/order-functions.mjs", "lib/shorten-names.mjs", "lib/wasm-binary.mjs"];
  const inputs = [compiled, "package-lock.json", "tools/wasm-bindgen/Cargo.lock", ...shaping.map((file) => `scripts/${file}`)];
  if (isNewer([glue, wasm], inputs)) return;

  say("writing the JavaScript glue");
  await run("wasm-bindgen", ["--target", "web", "--out-dir", folder, "--out-name", name, compiled]);
  say("optimising the WebAssembly");
  await run("wasm-opt", [...smallest, "-o", optimised, rawWasm]);
  writeFileSync(inRepo(optimised), nameByPlace(readFileSync(inRepo(optimised))));
  await run("wasm-opt", ["--reorder-functions-by-name", ...noted, "-o", wasm, optimised]);
  const named = shortenNames(readFileSync(inRepo(wasm)), readFileSync(inRepo(glue), "utf8"));
  writeFileSync(inRepo(wasm), named.module);
  writeFileSync(inRepo(glue), named.glue);
}

async function bundle() {
  say("bundling the JavaScript");
  // Imported late: on a fresh clone it is not installed when this file is loaded.
  const { build: esbuild } = await import("esbuild");
  for (const { source, output, platform, beside = [] } of entries)
    await esbuild({
      absWorkingDir: inRepo(),
      entryPoints: [source],
      outfile: output,
      platform,
      bundle: true,
      format: "esm",
      target: "es2022",
      minify: true,
      sourcemap: true,
      legalComments: "none",
      external: ["./schema.js", ...beside],
      plugins: [trimValidator, oneOfEach],
      logLevel: "warning",
    });
}

/** The glue brings copies of the JavaScript in src/: of what js/ imports from there too, there must be one. */
const oneOfEach = {
  name: "one-of-each",
  setup(build) {
    const copies = /^\.\/snippets\/[^/]+\/(src\/.+)$/;
    build.onResolve({ filter: copies }, ({ path }) => ({ path: inRepo(path.match(copies)[1]) }));
  },
};

async function declare() {
  say("writing the type declarations");
  await run("tsc", ["-p", "tsconfig.build.json"]);
  // The declarations of the code behind the entry would only be clutter in the package.
  for (const file of ["index.d.ts", "slim.d.ts", "errors.d.ts", "types.d.ts", "worker.d.ts"])
    copyFileSync(inRepo("build/types", file), inRepo("dist", file));
}

async function targetFolder() {
  const metadata = await run("cargo", ["metadata", "--no-deps", "--format-version=1"], { quiet: true });
  return JSON.parse(metadata.slice(metadata.indexOf("{"))).target_directory;
}

function isNewer(outputs, inputs) {
  if (!outputs.every((file) => existsSync(inRepo(file)))) return false;
  const time = (file) => statSync(resolve(root, file)).mtimeMs;
  return Math.min(...outputs.map(time)) >= Math.max(...inputs.map(time));
}

if (isScript(import.meta))
  await main(async () => {
    await setUp(...needs);
    await build();
  });
