/** Pages with the AI SDK, bundled for a browser: of each version that longwait/ai works with, and one React for all. */
import { build } from "esbuild";
import { inRepo } from "../../scripts/lib/paths.mjs";

/** The versions of the AI SDK: where each is installed, and the specification of its models. */
export const VERSIONS = [
  { version: 6, folder: "", specification: "V3" },
  { version: 7, folder: "tests/samples", specification: "V4" },
];

/**
 * The script that begins with the module `main`. `modules` are texts, by the names that they import one another by; `"mock"` is the SDK's mock model. `longwait` is
 * the address where the page has the package.
 */
export async function bundleWithSdk({ folder, specification }, { main, modules = {}, longwait }) {
  const resolveDir = inRepo(folder);
  const all = { ...modules, main, mock: `export { MockLanguageModel${specification} as Mock } from "ai/test";` };
  const sdk = {
    name: "sdk",
    setup(building) {
      building.onResolve({ filter: /^longwait$/ }, () => ({ path: longwait, external: true }));
      building.onResolve({ filter: /^longwait\/ai$/ }, () => ({ path: inRepo("dist/ai.js") }));
      building.onResolve({ filter: /.*/ }, ({ path }) => (path in all ? { path, namespace: "given" } : undefined));
      building.onLoad({ filter: /./, namespace: "given" }, ({ path }) => ({ contents: all[path], loader: "tsx", resolveDir }));
      building.onResolve({ filter: /^(ai|@ai-sdk\/react|react|react-dom)(\/|$)/ }, ({ path, kind, pluginData }) =>
        pluginData === "resolved"
          ? undefined
          : building.resolve(path, { kind, resolveDir: /^react/.test(path) ? inRepo() : resolveDir, pluginData: "resolved" }),
      );
    },
  };
  const { outputFiles } = await build({
    entryPoints: ["main"],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [sdk],
    logLevel: "warning",
  });
  return outputFiles[0].text;
}
