/** Bundles the examples that need it, as an app does: with Vite, from the built package, into build/examples. */

import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { main, say } from "./lib/run.mjs";

/** Their folders in examples/. */
export const examples = ["agent", "uploads"];

/** Expects the package to be built. */
export async function buildExamples() {
  say(`bundling the examples: ${examples.join(", ")}`);
  // Imported late: on a fresh clone they are not installed when this file is loaded.
  const [{ build }, { default: react }] = await Promise.all([import("vite"), import("@vitejs/plugin-react")]);
  const { NODE_ENV } = process.env;
  for (const name of examples)
    await build({
      configFile: false,
      logLevel: "error",
      root: inRepo(`examples/${name}`),
      base: "./",
      plugins: [react()],
      resolve: {
        alias: [
          { find: /^longwait$/, replacement: inRepo("dist/index.js") },
          { find: /^longwait\/(.*)$/, replacement: `${inRepo("dist")}/$1.js` },
        ],
      },
      build: {
        outDir: inRepo(`build/examples/${name}`),
        emptyOutDir: true,
        target: "es2022",
        modulePreload: false,
        chunkSizeWarningLimit: 2_000,
      },
    });
  // Vite sets it for all that this process starts, and servers for development among the tests would be for production.
  if (NODE_ENV === undefined) delete process.env.NODE_ENV;
  else process.env.NODE_ENV = NODE_ENV;
}

if (isScript(import.meta)) await main(buildExamples);
