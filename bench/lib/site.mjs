/** The site that benchmarks are pages of: bench/page, with the build at /dist/ and the contenders bundled. */

import { readdirSync } from "node:fs";
import { basename, resolve } from "node:path";
import { inRepo } from "../../scripts/lib/paths.mjs";
import { serveFolders } from "../../scripts/lib/static-server.mjs";

const contenders = inRepo("bench/page/contenders");
const bundled = inRepo("build/bench");

/** Serves it with the build in `dist`, or the one of this repository: `{ url, close }`. */
export async function benchSite(dist) {
  const built = resolve(dist ?? inRepo("dist"));
  await bundle(built);
  const mounts = [
    { prefix: "/dist/", folder: built },
    { prefix: "/contenders/", folder: bundled },
    { prefix: "/", folder: inRepo("bench/page") },
  ];
  return serveFolders({ mounts, headers: () => headers });
}

const headers = {
  // Isolated from other origins: only then does a page get a clock of 5 microseconds, and SQLite its files.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  // No longer than a run takes, for which every browser starts with a new profile.
  "Cache-Control": "max-age=3600",
};

/** With Vite, as the peers' documentation has it: their workers and their WebAssembly come along. */
async function bundle(dist) {
  // Imported late: on a fresh clone it is not installed when this file is loaded.
  const { build } = await import("vite");
  await build({
    configFile: false,
    logLevel: "error",
    root: contenders,
    base: "./",
    worker: { format: "es" },
    resolve: { alias: Object.fromEntries(["react", "langgraph"].map((name) => [`longwait/${name}`, resolve(dist, `${name}.js`)])) },
    build: {
      outDir: bundled,
      emptyOutDir: true,
      assetsDir: "",
      target: "es2022",
      modulePreload: false,
      chunkSizeWarningLimit: Infinity,
      rollupOptions: {
        input: Object.fromEntries(readdirSync(contenders).map((file) => [basename(file, ".js"), `${contenders}/${file}`])),
        external: ["longwait"],
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "[name].js" },
      },
    },
  });
}
