import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rollup } from "rollup";

const bundle = await rollup({ input: "main.js", plugins: [nodeResolve({ browser: true })] });
await bundle.write({ dir: "dist", format: "es" });
await copyFile(fileURLToPath(import.meta.resolve("longwait/longwait_bg.wasm")), "dist/longwait_bg.wasm");
