/** `npm run size`: what a browser downloads for `import "longwait"`, against its budget. */

import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";

/**
 * Budgets, in kilobytes (1 kB = 1000 bytes) of brotli at its best quality: what `import "longwait"` and the first
 * `openRegistry()` download, the same for a page that also meets a payload schema, and what the import of another entry adds to
 * the first. They are watched, so that growth is seen and explained; no code is bent to stay within them. The goal is 165. The run
 * policy, with its rules, lists, timers, forks and retention, took 55 of what there is; streams 13, attachments and batches 8, and definitions 2.
 * Left out one at a time, these parts of the WebAssembly take so many of its kilobytes: tasks, one state machine for each `async`, 80;
 * serde's readers and writers 18. Every type has code of its own, yet what these repeat compresses well.
 */
export const needed = ["dist/index.js", "dist/longwait_bg.wasm"];
const budgets = [
  { entry: "longwait", files: needed, limit: 368 },
  { entry: "and with a schema", files: [...needed, "dist/schema.js"], limit: 378 },
  { entry: "longwait/worker adds", files: ["dist/worker.js"], limit: 2 },
  // In place of the file of WebAssembly, of which base64 takes a third more.
  { entry: "longwait/inline adds", files: ["dist/inline.js"], limit: 440 },
  { entry: "longwait/observe adds", files: ["dist/observe.js", "dist/observing.js"], limit: 6 },
  { entry: "longwait/opentelemetry adds", files: ["dist/opentelemetry.js"], limit: 5 },
  { entry: "longwait/inspector adds", files: ["dist/inspector.js", "dist/inspecting.js", "dist/observing.js"], limit: 50 },
  { entry: "longwait/react adds", files: ["dist/react.js", "dist/observing.js"], limit: 8 },
  { entry: "longwait/vue adds", files: ["dist/vue.js", "dist/observing.js"], limit: 6 },
  { entry: "longwait/svelte adds", files: ["dist/svelte.js", "dist/observing.js"], limit: 6 },
];

/** Prints the table; an entry over its budget is an error. */
export function size() {
  for (const { entry, files, limit } of budgets) {
    const rows = files.map((file) => ({ file, ...measure(readFileSync(inRepo(file))) }));
    const total = sum(rows);
    say(row("kB", "raw", "gzip", "brotli"));
    for (const { file, raw, gzip, brotli } of rows) say(row(file, kB(raw), kB(gzip), kB(brotli)));
    say(row(entry, kB(total.raw), kB(total.gzip), kB(total.brotli)));
    if (total.brotli > limit * 1000) throw new CommandFailed(`${entry} is ${kB(total.brotli)} kB brotli, over its budget of ${limit} kB`);
    say(`${entry}: ${kB(total.brotli)} kB brotli, within its budget of ${limit} kB`);
  }
}

/** How many bytes there are, as they are and compressed at best quality: `{ raw, gzip, brotli }`. */
export const measure = (bytes) => ({
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length,
});

const sum = (rows) =>
  rows.reduce(
    (total, { raw, gzip, brotli }) => ({
      raw: total.raw + raw,
      gzip: total.gzip + gzip,
      brotli: total.brotli + brotli,
    }),
    { raw: 0, gzip: 0, brotli: 0 },
  );

const kB = (bytes) => (bytes / 1000).toFixed(1);
const row = (name, ...numbers) => name.padEnd(24) + numbers.map((n) => n.padStart(9)).join("");

if (isScript(import.meta)) await main(size);
