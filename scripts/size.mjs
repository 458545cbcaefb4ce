/** `npm run size`: what a browser downloads for `import "longwait"`, against its budget. `npm run size -- --docs` writes docs/size.md. */

import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { CommandFailed, main, say } from "./lib/run.mjs";

/**
 * Budgets, in kilobytes (1 kB = 1000 bytes) of brotli at its best quality: what `import "longwait"` and the first
 * `openRegistry()` download, the same for a page that also meets a payload schema, and what the import of another entry adds to
 * the first. They are watched, so that growth is seen and explained; no code is bent to stay within them. The goal is 165. The run
 * policy, with its rules, lists, timers, forks and retention, took 55 of what there is; exports and imports 23, streams 13, attachments and batches 8, what a store over
 * a network needs of the store 7, and definitions 2.
 * Left out one at a time, these parts of the WebAssembly take so many of its kilobytes: tasks, one state machine for each `async`, 80;
 * serde's readers and writers 18. Every type has code of its own, yet what these repeat compresses well.
 */
export const needed = ["dist/index.js", "dist/longwait_bg.wasm"];
const budgets = [
  { entry: "longwait", files: needed, limit: 400 },
  { entry: "and with a schema", files: [...needed, "dist/schema.js"], limit: 408 },
  { entry: "longwait/worker adds", files: ["dist/worker.js"], limit: 2 },
  { entry: "longwait/service-worker adds", files: ["dist/service-worker.js"], limit: 4 },
  // In place of the file of WebAssembly, of which base64 takes a third more.
  { entry: "longwait/inline adds", files: ["dist/inline.js"], limit: 470 },
  { entry: "longwait/observe adds", files: ["dist/observe.js", "dist/observing.js"], limit: 6 },
  { entry: "longwait/opentelemetry adds", files: ["dist/opentelemetry.js"], limit: 5 },
  { entry: "longwait/ai adds", files: ["dist/ai.js"], limit: 8 },
  // Beside LangGraph itself.
  { entry: "longwait/langgraph adds", files: ["dist/langgraph.js"], limit: 5 },
  // With the client of NATS, which is four fifths of it.
  { entry: "longwait/nats adds", files: ["dist/nats.js"], limit: 60 },
  { entry: "longwait/inspector adds", files: ["dist/inspector.js", "dist/inspecting.js", "dist/observing.js"], limit: 50 },
  { entry: "longwait/react adds", files: ["dist/react.js", "dist/observing.js"], limit: 8 },
  { entry: "longwait/vue adds", files: ["dist/vue.js", "dist/observing.js"], limit: 6 },
  { entry: "longwait/svelte adds", files: ["dist/svelte.js", "dist/observing.js"], limit: 6 },
];

/** Prints the table; an entry over its budget is an error. */
export function size() {
  const entries = measured();
  for (const { entry, files, limit, ...total } of entries) {
    say(row("kB", "raw", "gzip", "brotli"));
    for (const { file, raw, gzip, brotli } of files) say(row(file, kB(raw), kB(gzip), kB(brotli)));
    say(row(entry, kB(total.raw), kB(total.gzip), kB(total.brotli)));
    say(`${entry}: ${kB(total.brotli)} kB brotli of a budget of ${limit} kB`);
  }
  const over = overBudget(entries);
  if (over.length > 0) throw new CommandFailed(over.join("\n"));
}

/** Each entry with its files and what they take, `{ raw, gzip, brotli }` of each and of all. */
export function measured() {
  // Compressing takes seconds, and entries share files.
  const taken = {};
  return budgets.map(({ entry, files, limit }) => {
    const rows = files.map((file) => ({ file, ...(taken[file] ??= measure(readFileSync(inRepo(file)))) }));
    return { entry, limit, files: rows, ...sum(rows) };
  });
}

/** The entries that are over their budgets, in words. */
export const overBudget = (entries) =>
  entries
    .filter(({ brotli, limit }) => brotli > limit * 1000)
    .map(({ entry, brotli, limit }) => `${entry} is ${kB(brotli)} kB brotli, over its budget of ${limit} kB`);

/** A table of the entries beside those of another version, as docs/size.json had them. */
export function compared(entries, before, version) {
  const then = new Map(before?.entries.map(({ entry, brotli }) => [entry, brotli]));
  const rows = entries.map(({ entry, brotli }) => {
    const old = then.get(entry);
    const change = old === undefined ? "new" : `${brotli >= old ? "+" : ""}${kB(brotli - old)}`;
    return row(entry, kB(brotli), old === undefined ? "" : kB(old), change);
  });
  return [row("kB brotli", "now", version ?? "", "change"), ...rows].join("\n");
}

const [json, page] = ["docs/size.json", "docs/size.md"].map((file) => inRepo(file));

/** `npm run size -- --docs`: writes docs/size.json, and docs/size.md from it. */
export function writeDocs(version = JSON.parse(readFileSync(inRepo("package.json"), "utf8")).version) {
  const entries = measured().map(({ entry, raw, gzip, brotli }) => ({ entry, raw, gzip, brotli }));
  writeFileSync(json, `${JSON.stringify({ version, entries }, undefined, 1)}\n`);
  writeFileSync(page, written({ version, entries }));
  say(`written: ${page}`);
}

/** The page for figures as docs/size.json has them. */
export const written = ({ version, entries }) => `# Sizes

What a page downloads for each entry of the package, in kilobytes of 1,000 bytes, measured on the build of ${version}. Servers send what is compressed: brotli
where browsers take it, otherwise gzip. \`npm run size\` prints the same of a build, by its files, and fails above a budget.

| Import | raw kB | gzip kB | brotli kB |
|---|--:|--:|--:|
${entries.map(({ entry, raw, gzip, brotli }) => `| ${entry} | ${kB(raw)} | ${kB(gzip)} | ${kB(brotli)} |`).join("\n")}

- \`longwait\` is the JavaScript and the WebAssembly. An import fetches the JavaScript alone; the WebAssembly comes with the first \`openRegistry()\`, and is compiled while it arrives.
- A payload schema fetches the validator, once.
- What another entry *adds* is beside that. The frameworks' entries share their common part.
- \`longwait/inline\` stands in place of the file of WebAssembly, and is a third larger.
- The build for [development](development-mode.md) is not minified. It is for your machine, and in no build of an app.
`;

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
const row = (name, ...numbers) => name.padEnd(30) + numbers.map((n) => n.padStart(9)).join("");

if (isScript(import.meta)) await main(() => (process.argv.includes("--docs") ? writeDocs() : size()));
