/** Pages with the AI SDK, bundled for a browser: of each version that longwait/ai works with, and one React for all. */
import { inRepo } from "../../scripts/lib/paths.mjs";
import { pageScript } from "./page-script.mjs";

/** The versions of the AI SDK: where each is installed, and the specification of its models. */
export const VERSIONS = [
  { version: 6, folder: "", specification: "V3" },
  { version: 7, folder: "tests/samples", specification: "V4" },
];

/** The script that begins with the module `main`: see {@link pageScript}. `"mock"` is the SDK's mock model. */
export function bundleWithSdk({ folder, specification }, { main, modules = {}, longwait }) {
  const resolveDir = inRepo(folder);
  const sdk = {
    name: "sdk",
    setup(building) {
      building.onResolve({ filter: /^(ai|@ai-sdk\/react|react|react-dom)(\/|$)/ }, ({ path, kind, pluginData }) =>
        pluginData === "resolved"
          ? undefined
          : building.resolve(path, { kind, resolveDir: /^react/.test(path) ? inRepo() : resolveDir, pluginData: "resolved" }),
      );
    },
  };
  const mock = `export { MockLanguageModel${specification} as Mock } from "ai/test";`;
  return pageScript({ ...modules, main, mock }, { longwait, resolveDir, plugins: [sdk] });
}
