/** Imports our TypeScript modules by themselves, for tests of what the package does not export. */
import { build } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { defined } from "../../scripts/build.mjs";
import { trimValidator } from "../../scripts/lib/trim-validator.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** What some modules export, all together. */
export async function importSource(...paths) {
  const folder = mkdtempSync(join(tmpdir(), "longwait-source-"));
  try {
    const outfile = join(folder, "module.mjs");
    await build({
      absWorkingDir: root,
      stdin: { contents: paths.map((path) => `export * from "./${path}";`).join("\n"), resolveDir: root },
      outfile,
      bundle: true,
      format: "esm",
      target: "es2022",
      define: defined(false),
      plugins: [trimValidator],
      logLevel: "warning",
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
