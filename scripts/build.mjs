/**
 * `npm run build`: makes the npm package in dist/.
 * `npm run build -- --quick`: the same without optimisation, in a fraction of the time, for the loop of editing and testing.
 *
 *   src/ and crates/core/ --cargo--> .wasm --wasm-bindgen--> build/wasm --wasm-opt--> dist/longwait_bg.wasm
 *   and with crates/kit/  --cargo--> .wasm --wasm-bindgen--> build/kit  --wasm-opt--> dist/longwait_testing_bg.wasm
 *   js/ and the glue of build/wasm  --esbuild--> dist/*.js    --tsc--> dist/*.d.ts
 */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { isScript } from "./lib/is-script.mjs";
import { inRepo, root } from "./lib/paths.mjs";
import { main, run, say } from "./lib/run.mjs";
import { trimValidator } from "./lib/trim-validator.mjs";
import { setUp } from "./setup.mjs";

/** Modules of the older kind that a file for Node holds call `require`, which modules of the newer kind have not. */
const requireInModule = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** The files of the package, each with the platform it is for; all but the schema are entries that a person can import. */
const entries = [
  { source: "js/entries/index.ts", output: "dist/index.js", platform: "browser" },
  // Beside the entry, not with a copy of it: a page or worker that has both loads the WebAssembly once.
  { source: "js/entries/worker.ts", output: "dist/worker.js", platform: "browser", beside: ["./index.js"] },
  { source: "js/entries/service-worker.ts", output: "dist/service-worker.js", platform: "browser", apart: ["index"] },
  { source: "js/entries/node.ts", output: "dist/node.js", platform: "node" },
  // The same with warnings for who writes an app; see docs/development-mode.md. Of the WebAssembly and the schemas there is one file for both.
  { source: "js/entries/index.ts", output: "dist/development/index.js", platform: "browser", development: true },
  { source: "js/entries/worker.ts", output: "dist/development/worker.js", platform: "browser", development: true, beside: ["./index.js"] },
  {
    source: "js/entries/service-worker.ts",
    output: "dist/development/service-worker.js",
    platform: "browser",
    development: true,
    apart: ["index"],
  },
  { source: "js/entries/node.ts", output: "dist/development/node.js", platform: "node", development: true },
  { source: "js/entries/inline.ts", output: "dist/inline.js", platform: "neutral" },
  { source: "js/entries/testing.ts", output: "dist/testing.js", platform: "node", apart: ["package"], beside: ["longwait"] },
  { source: "js/schema/schema.ts", output: "dist/schema.js", platform: "neutral" },
  { source: "js/observe/observe.ts", output: "dist/observing.js", platform: "neutral", apart: ["errors"] },
  { source: "js/entries/observe.ts", output: "dist/observe.js", platform: "neutral", apart: ["observing"] },
  { source: "js/entries/opentelemetry.ts", output: "dist/opentelemetry.js", platform: "neutral", beside: ["@opentelemetry/api"] },
  { source: "js/entries/ai.ts", output: "dist/ai.js", platform: "neutral", apart: ["errors"], beside: ["ai"] },
  {
    source: "js/entries/langgraph.ts",
    output: "dist/langgraph.js",
    platform: "neutral",
    apart: ["errors"],
    beside: ["@langchain/langgraph-checkpoint"],
  },
  // With the client of NATS, but for what signs challenges: who uses that gives it as the authenticator.
  {
    source: "js/entries/nats.ts",
    output: "dist/nats.js",
    platform: "browser",
    apart: ["package"],
    absent: ["@nats-io/nkeys", "node:crypto"],
  },
  {
    source: "js/entries/nats-on-node.ts",
    output: "dist/nats-on-node.js",
    platform: "node",
    apart: ["package"],
    banner: { js: requireInModule },
  },
  { source: "js/entries/inspector.ts", output: "dist/inspector.js", platform: "neutral", apart: ["inspecting"] },
  // Loaded by the entry where there is a document: what it extends is not there on a server.
  { source: "js/inspector/define.ts", output: "dist/inspecting.js", platform: "browser", apart: ["observing"] },
  ...["react", "vue", "svelte"].map((name) => ({
    source: `js/entries/${name}.ts`,
    output: `dist/${name}.js`,
    platform: "neutral",
    apart: ["observing", "package"],
    beside: [name],
    // Where components are rendered on a server, these are for the browser.
    banner: name === "react" ? { js: '"use client";' } : {},
  })),
];

/**
 * Modules of which there must be one copy, by their source, and where another file of the package imports them from. By the name of the package, so
 * that Node gets its own entry.
 */
const apart = {
  observing: { source: "js/observe/observe.ts", from: "./observing.js" },
  inspecting: { source: "js/inspector/define.ts", from: "./inspecting.js" },
  package: { source: "js/entries/index.ts", from: "longwait" },
  // Workers have no import maps.
  index: { source: "js/entries/index.ts", from: "./index.js" },
  errors: { source: "js/types/errors.ts", from: "longwait" },
};

/** The setup steps that a build needs. */
export const needs = ["packages", "rust", "wasm-bindgen"];

/** The paths of the builder's home are kept out of the file. */
function flags() {
  const cargo = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const rustup = process.env.RUSTUP_HOME ?? join(homedir(), ".rustup");
  const flags = [`--remap-path-prefix=${cargo}=cargo`, `--remap-path-prefix=${rustup}=rustup`];
  return `target.wasm32-unknown-unknown.rustflags=${JSON.stringify(flags)}`;
}

/** Builds everything; expects those steps to be done. */
export async function build({ quick = false } = {}) {
  mkdirSync(inRepo("dist"), { recursive: true });
  await compile(quick ? "quick" : "release");
  await bundle();
  await declare();
}

/**
 * The WebAssembly of the package, and that of `longwait/testing`, which has the exports of the first and a stage to open them on. Each with where its
 * glue lies, what the glue is imported as, and what it exports.
 */
const modules = [
  { crate: "longwait", folder: "build/wasm", wasm: "dist/longwait_bg.wasm", name: "longwait:glue", exports: ["Registry"] },
  {
    crate: "longwait-kit",
    folder: "build/kit",
    wasm: "dist/longwait_testing_bg.wasm",
    name: "longwait:kit-glue",
    exports: ["Registry", "TestWorld"],
  },
];

async function compile(profile) {
  say(`compiling the Rust code to WebAssembly (${profile})`);
  const crates = modules.flatMap(({ crate }) => ["--package", crate]);
  await run("cargo", ["build", "--profile", profile, "--lib", ...crates, "--target", "wasm32-unknown-unknown", "--config", flags()]);
  const folder = `${await targetFolder()}/wasm32-unknown-unknown/${profile}`;
  for (const module of modules) await bind(module, profile, `${folder}/${module.crate.replace("-", "_")}.wasm`);
}

/** Makes the glue of a module, and the file that the package has of it. */
async function bind({ folder, wasm }, profile, compiled) {
  const [glue, bound] = [`${folder}/longwait.js`, `${folder}/longwait_bg.wasm`];
  const made = inRepo(`${folder}/profile`);
  const isOfProfile = existsSync(made) && readFileSync(made, "utf8") === profile;
  if (isOfProfile && isNewer([glue, wasm], [compiled, "package-lock.json", "tools/wasm-bindgen/Cargo.lock", "scripts/build.mjs"])) return;

  rmSync(made, { force: true });
  say("writing the JavaScript glue");
  await run("wasm-bindgen", ["--target", "web", "--omit-default-module-path", "--out-dir", folder, "--out-name", "longwait", compiled]);
  if (profile === "quick") cpSync(inRepo(bound), inRepo(wasm));
  else {
    say("optimising the WebAssembly");
    // A function with one caller stays by itself unless it is tiny: what repeats in separate functions, the download's compression finds.
    await run("wasm-opt", ["-Os", "--one-caller-inline-max-function-size=18", "-o", wasm, bound]);
  }
  // Last: a build that broke off is made again, and an optimised one behind a quick one.
  writeFileSync(made, profile);
}

export async function bundle() {
  say("bundling the JavaScript");
  // Imported late: on a fresh clone it is not installed when this file is loaded.
  const { build: esbuild } = await import("esbuild");
  for (const { source, output, platform, development = false, beside = [], banner = {}, apart = [], absent = [] } of entries)
    await esbuild({
      absWorkingDir: inRepo(),
      entryPoints: [source],
      outfile: output,
      platform,
      bundle: true,
      format: "esm",
      target: "es2022",
      // An uncaught error in Node shows the line that threw it, and all of a minified file is one line.
      minify: platform !== "node" && !development,
      // What is not minified is read as it is; and of bytes there is no source.
      sourcemap: !development && source !== "js/entries/inline.ts",
      legalComments: "none",
      external: beside,
      banner,
      define: defined(development),
      loader: { ".wasm": "binary" },
      plugins: [trimValidator, glue, bytes, leftApart(apart), without(absent), besideTheEntry(development)],
      logLevel: "warning",
      logOverride,
    });
}

/** Leaves these modules out, and imports them from where their one copy is. */
const leftApart = (names) => ({
  name: "apart",
  setup(build) {
    const known = new Map(names.map((name) => [inRepo(apart[name].source), apart[name].from]));
    build.onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, resolveDir, kind }) => {
      const from = kind !== "entry-point" && known.get(resolve(resolveDir, path.replace(/\.js$/, ".ts")));
      return from ? { path: from, external: true } : undefined;
    });
  },
});

/** Puts an empty module in the place of each of these, which the file never calls. */
const without = (names) => ({
  name: "without",
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ path }) => (names.includes(path) ? { path, namespace: "without" } : undefined));
    build.onLoad({ filter: /.*/, namespace: "without" }, () => ({ contents: "module.exports = {};", loader: "js" }));
  },
});

/** The bytes of the WebAssembly, for the entry that holds them. */
const bytes = {
  name: "bytes",
  setup(build) {
    build.onResolve({ filter: /^longwait:wasm$/ }, () => ({ path: inRepo("dist/longwait_bg.wasm") }));
  },
};

/** What the code knows of its build: js/development/build.d.ts. */
export function defined(development) {
  const { homepage } = JSON.parse(readFileSync(inRepo("package.json"), "utf8"));
  const known = {
    __DEV__: development,
    __WASM__: development ? "../longwait_bg.wasm" : "longwait_bg.wasm",
    __HOMEPAGE__: homepage.replace(/\/$/, ""),
  };
  return Object.fromEntries(Object.entries(known).map(([name, value]) => [name, JSON.stringify(value)]));
}

/** Leaves out the validator of schemas, and imports it from dist/ when it is needed. */
const besideTheEntry = (development) => ({
  name: "beside",
  setup(build) {
    build.onResolve({ filter: /^\.\/schema\.js$/ }, () => ({ path: development ? "../schema.js" : "./schema.js", external: true }));
  },
});

/** The glue lists a file once for each function that the module imports from it. */
const logOverride = { "duplicate-object-key": "silent" };

/** Globals that js/border/instance.ts gives to the glue in place of the page's. */
const given = [
  "Date",
  "Error",
  "JSON",
  "Promise",
  "TextDecoder",
  "TextEncoder",
  "WebAssembly",
  "clearTimeout",
  "performance",
  "queueMicrotask",
  "setTimeout",
];

/**
 * The glue that wasm-bindgen wrote, as a function: it keeps its instance in variables of its module, and a page needs another
 * instance once one has trapped. What the glue imports is left to the caller of the function: there must be one copy of the
 * JavaScript in src/ and crates/core/src/.
 */
export const glue = {
  name: "glue",
  setup(build) {
    build.onResolve({ filter: /^longwait:.*glue$/ }, ({ path }) => ({ path, namespace: "glue" }));
    build.onLoad({ filter: /./, namespace: "glue" }, async ({ path }) => {
      const { folder, exports } = modules.find(({ name }) => name === path);
      const names = ["install", ...exports].join(", ");
      // Handed over by a call: esbuild writes exports by a loop that also meets what a library added to Object.prototype.
      const contents = `import init, { ${names} } from "./longwait.js";\nmade({ default: init, ${names} });\n`;
      const {
        outputFiles: [{ text }],
      } = await build.esbuild.build({
        stdin: { contents, resolveDir: inRepo(folder) },
        bundle: true,
        write: false,
        format: "iife",
        target: "es2022",
        external: ["./snippets/*"],
        logLevel: "warning",
        logOverride,
      });
      return {
        contents: `export default ({ require, ${given.join(", ")} }) => {\n  let glue;\n  const made = (given) => (glue = given);\n${text}\n  return glue;\n};\n`,
        loader: "js",
      };
    });
  },
};

export async function declare() {
  say("writing the type declarations");
  await run("tsc", ["-p", "tsconfig.build.json"]);
  // The declarations of the code behind the entry would only be clutter in the package.
  for (const name of declared) cpSync(inRepo(`build/types/${name}.d.ts`), inRepo(`dist/${name}.d.ts`), { recursive: true });
}

/** What of the declarations is public. */
const declared = [
  ...[
    "index",
    "worker",
    "service-worker",
    "inline",
    "observe",
    "nats",
    "testing",
    "inspector",
    "opentelemetry",
    "ai",
    "langgraph",
    "react",
    "vue",
    "svelte",
  ].map((name) => `entries/${name}`),
  ...["definitions", "errors", "nats", "observe", "public", "service-worker", "testing"].map((name) => `types/${name}`),
  ...["provider", "reads", "writes"].map((name) => `react/${name}`),
  ...["model", "tools", "transport", "turn"].map((name) => `ai/${name}`),
  "langgraph/saver",
];

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
    const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
    await setUp(...needs);
    await build(values);
  });
