/** Runs worlds one after the other, shrinks the first that fails, and counts. */
import { mix } from "./random.mjs";
import { isOurs } from "./mutate.mjs";
import { hostOf } from "./host.mjs";
import { World } from "./world.mjs";

/** Calls in one world. */
export const CALLS = 240;

const seedsOf = (seed, calls) => Array.from({ length: calls }, (_, n) => mix(seed, n));

/**
 * Runs worlds from `seed` on until `calls` are made. Answers `{ stats, made, worlds, seconds, failure }`; a failure has the seed of
 * its world, what went wrong, and the few calls that suffice for it.
 */
export async function fuzz(api, { seed, calls, storage, ignored, patience, turns }) {
  const stats = {};
  let current;
  const host = hostOf(
    (words) => current?.fail(undefined, words),
    (words) => current?.hear(words),
    isOurs,
  );
  const world = (seeds, seed, tracing) => {
    // A third of the time went into stacks that nobody reads.
    Error.stackTraceLimit = tracing ? 20 : 0;
    return (current = new World(api, host, { seed, storage, driven: seed % 3 === 0, ignored, tracing, stats: tracing ? {} : stats })).run(
      seeds,
    );
  };
  if (patience !== undefined) host.patience = patience;
  if (turns !== undefined) host.turns = turns;
  await prepare(api);
  const start = performance.now();
  const made = () => Object.values(stats).reduce((sum, { calls }) => sum + calls, 0);
  let worlds = 0,
    failure;
  for (let n = seed; made() < calls && failure === undefined; n++, worlds++) {
    const seeds = seedsOf(n, Math.min(CALLS, calls - made()));
    const { faults } = await world(seeds, n, false);
    if (faults.length > 0)
      failure = { seed: n, calls: seeds.length, faults, ...(await shrink(seeds, (fewer) => world(fewer, n, true), faults[0])) };
  }
  host.end();
  return { stats, made: made(), worlds, seconds: (performance.now() - start) / 1000, failure };
}

/** Fetches the validator of schemas: the first call that meets a schema is answered later than those behind it. */
export async function prepare({ openRegistry }) {
  const registry = await openRegistry({ storage: "memory" });
  await registry.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "a", payloadSchema: {} }] });
  await registry.close();
}

export const kind = (words) => words.replace(/[0-9]+|"[^"]*"|\{.*\}|\(.*?\)/g, "").slice(0, 60);

/** Leaves out calls, half of them, a quarter, and so on, as long as it fails in the same way. */
async function shrink(seeds, run, first) {
  let best = { seeds, trace: [], faults: [first] };
  const attempt = async (fewer) => {
    const { faults, trace } = await run(fewer);
    if (faults.length === 0 || kind(faults[0]) !== kind(first)) return false;
    best = { seeds: fewer, trace, faults };
    return true;
  };
  if (!(await attempt(seeds))) return { shrunk: undefined, trace: ["(not met again when it was replayed)"] };
  // What hangs takes its time each time.
  let left = /^hangs/.test(first) ? 2 : 600;
  for (let size = Math.ceil(seeds.length / 2); size >= 1;) {
    let fewer = false;
    for (let at = 0; at < best.seeds.length && left-- > 0;) {
      if (await attempt([...best.seeds.slice(0, at), ...best.seeds.slice(at + size)])) fewer = true;
      else at += size;
    }
    if (left <= 0) break;
    if (size === 1 && !fewer) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return { shrunk: best.faults, trace: best.trace };
}
