/**
 * `npm run fuzz`: calls everything that the package exports with valid and invalid arguments, and judges what comes of it. Told as a table.
 *
 *   npm run fuzz -- --calls 1000000        so many calls; by default 100,000
 *   npm run fuzz -- --seed 7               only the world of that seed
 *   npm run fuzz -- --seed 7 --calls 9999  worlds from there on
 *   npm run fuzz -- --browser chromium     in a page of Chromium, on IndexedDB and on memory
 */
import { fuzz } from "../tests/fuzz/run.mjs";
import { parseArgs } from "node:util";
const { values: args } = parseArgs({ options: { seed: { type: "string" }, calls: { type: "string" }, browser: { type: "string" }, ignore: { type: "string" } } });
const api = await import("longwait");
const { seed = 1, calls = 1000, ignore } = args;
const { stats, made, worlds, seconds, failure } = await fuzz(api, { seed: +seed, calls: +calls, storage: "memory", ignored: ignore && new RegExp(ignore) });
console.log(made, worlds, seconds, made / seconds);
if (failure) console.log(failure.seed, failure.faults.slice(0, 3), failure.shrunk?.slice(0,2), failure.trace.join("\n"));
