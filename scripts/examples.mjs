/** Bundles the examples that need it, as an app does: with Vite, from the built package, into build/examples. */

import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { main, say } from "./lib/run.mjs";

/** Expects the package to be built. */
export async function buildExamples() {
  say("bundling the example of uploads");
  // Imported late: on a fresh clone they are not installed when this file is loaded.
  const [{ build }, { default: react }] = await Promise.all([import("vite"), import("@vitejs/plugin-react")]);
  const folder = inRepo("examples/uploads");
  const { NODE_ENV } = process.env;
  await build({
    configFile: false,
    logLevel: "error",
    root: folder,
    base: "./",
    plugins: [react()],
    resolve: {
      alias: [
        { find: /^longwait$/, replacement: inRepo("dist/index.js") },
        { find: /^longwait\/(.*)$/, replacement: `${inRepo("dist")}/$1.js` },
      ],
    },
    build: { outDir: inRepo("build/examples/uploads"), emptyOutDir: true, target: "es2022", modulePreload: false },
  });
  // Vite sets it for all that this process starts, and servers for development among the tests would be for production.
  if (NODE_ENV === undefined) delete process.env.NODE_ENV;
  else process.env.NODE_ENV = NODE_ENV;
}

if (isScript(import.meta)) await main(buildExamples);
