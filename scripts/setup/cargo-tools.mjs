/**
 * Command-line tools that come as Rust crates, installed into the repository.
 *
 * A tool of the right version that is already on the PATH is used as it is.
 */

import { existsSync, readFileSync } from "node:fs";
import { inRepo, toolsRoot } from "../lib/paths.mjs";
import { ask, CommandFailed, run, say } from "../lib/run.mjs";

export async function wasmBindgen() {
  const version = packageVersion("tools/wasm-bindgen/Cargo.toml", "longwait-wasm-bindgen");
  checkLocked(version);
  await ensure({
    programs: ["wasm-bindgen", "wasm-bindgen-test-runner"],
    version,
    source: ["--path", "tools/wasm-bindgen"],
    minutes: 2,
  });
}

export const wasmPack = () => ensureTestTool("wasm-pack", "0.15.1");
export const geckodriver = () => ensureTestTool("geckodriver", "0.37.1");

/** These only start other programs, so compiling them fast matters and their speed does not. */
const ensureTestTool = (name, version) =>
  ensure({
    programs: [name],
    version,
    source: [`${name}@${version}`],
    minutes: 1,
    env: { CARGO_PROFILE_RELEASE_OPT_LEVEL: "0", CARGO_PROFILE_RELEASE_LTO: "off" },
  });

async function ensure({ programs, version, source, minutes, env }) {
  const name = `${programs[0]} ${version}`;
  if (await areInstalled(programs, version)) return say(`${name}: there`);
  say(`installing ${name} (about ${minutes} min)`);
  await run(
    "cargo",
    // --force: the program may have been deleted while cargo still believes it is there.
    ["install", "--locked", "--force", "--root", toolsRoot, "--target-dir", "target/tools", ...source],
    { quiet: true, env },
  );
  if (!(await areInstalled(programs, version))) throw new CommandFailed(`${name} was installed into ${toolsRoot} and does not run`);
}

async function areInstalled(programs, version) {
  for (const program of programs) {
    const printed = await ask(program, ["--version"]);
    if (!printed?.split(/\s+/).includes(version)) return false;
  }
  return true;
}

/** The generated glue and the crate that is compiled in speak a private, versioned format. */
function checkLocked(version) {
  if (!existsSync(inRepo("Cargo.lock"))) return;
  const used = packageVersion("Cargo.lock", "wasm-bindgen");
  if (used !== version)
    throw new CommandFailed(`Cargo.lock has wasm-bindgen ${used}, tools/wasm-bindgen has ${version}: change both together`);
}

function packageVersion(file, name) {
  const text = readFileSync(inRepo(file), "utf8");
  const found = new RegExp(`^name = "${name}"\\r?\\nversion = "([^"]+)"`, "m").exec(text);
  if (!found) throw new CommandFailed(`${file} does not name ${name}`);
  return found[1];
}
