/** Scripts for pages, of modules that a test writes; the package itself is not in them, as the pages have it from where it is served. */
import { build } from "esbuild";
import { inRepo } from "../../scripts/lib/paths.mjs";

/**
 * The script that begins with the module `main`. `modules` are texts in TypeScript, by the names that they import one another by. `longwait` is the address where
 * the page has the package. All else is looked up from `resolveDir`, by `plugins` first.
 */
export async function pageScript(modules, { longwait = "/node_modules/longwait/dist/index.js", resolveDir = inRepo(), plugins = [] } = {}) {
  const given = {
    name: "given",
    setup(building) {
      building.onResolve({ filter: /^longwait$/ }, () => ({ path: longwait, external: true }));
      building.onResolve({ filter: /^longwait\// }, ({ path }) => ({ path: inRepo(`dist/${path.slice("longwait/".length)}.js`) }));
      building.onResolve({ filter: /./ }, ({ path, kind, namespace }) =>
        path in modules && (kind === "entry-point" || namespace === "given") ? { path, namespace: "given" } : undefined,
      );
      building.onLoad({ filter: /./, namespace: "given" }, ({ path }) => ({ contents: modules[path], loader: "tsx", resolveDir }));
    },
  };
  const { outputFiles } = await build({
    absWorkingDir: inRepo(),
    entryPoints: ["main"],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [given, ...plugins],
    logLevel: "warning",
  });
  return outputFiles[0].text;
}
