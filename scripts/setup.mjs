/** Installs what is missing, leaves what is there, and says which. */

import { CommandFailed, say } from "./lib/run.mjs";
import { browser } from "./setup/browsers.mjs";
import { geckodriver, wasmBindgen, wasmPack } from "./setup/cargo-tools.mjs";
import { nats } from "./setup/nats.mjs";
import { docs, jest, packages, peers, react18, samples } from "./setup/packages.mjs";
import { rust } from "./setup/rust.mjs";

/**
 * The steps, in lanes. Lanes run side by side, as they wait for different things;
 * the steps of a lane run one after another, as they would compete for the same.
 */
const lanes = [
  { rust, "wasm-bindgen": wasmBindgen, "wasm-pack": wasmPack, geckodriver },
  { packages, peers, jest, "react-18": react18, docs, samples },
  { chromium: browser("chromium"), firefox: browser("firefox"), webkit: browser("webkit"), nats },
];

/** Runs the named steps. Answers what went wrong: step name → words for people. */
export async function trySetUp(names) {
  const problems = new Map();
  const wanted = new Set(names);
  await Promise.all(
    lanes.map(async (lane) => {
      for (const [name, step] of Object.entries(lane)) {
        if (!wanted.delete(name)) continue;
        try {
          await step();
        } catch (error) {
          if (!(error instanceof CommandFailed)) throw error;
          problems.set(name, error.message);
          say(error.message);
        }
      }
    }),
  );
  if (wanted.size > 0) throw new Error(`no such setup step: ${[...wanted].join(", ")}`);
  return problems;
}

/** Runs the named steps; one that cannot be done is an error. */
export async function setUp(...names) {
  const problems = await trySetUp(names);
  if (problems.size > 0) throw new CommandFailed(`not set up: ${[...problems.keys()].join(", ")} (see above)`);
}
