/** Imports one of our TypeScript modules by itself, for tests of what the package does not export. */
import { build } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { trimValidator } from "../../scripts/lib/trim-validator.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export async function importSource(path) {
  const folder = mkdtempSync(join(tmpdir(), "longwait-source-"));
  try {
    const outfile = join(folder, "module.mjs");
    await build({ absWorkingDir: root, entryPoints: [path], outfile, bundle: true, format: "esm", target: "es2022", plugins: [trimValidator], logLevel: "warning" });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
