import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

await build({ entryPoints: ["main.js"], outdir: "dist", bundle: true, splitting: true, format: "esm" });
await copyFile(fileURLToPath(import.meta.resolve("longwait/longwait_bg.wasm")), "dist/longwait_bg.wasm");
