/** The Rust toolchain that rust-toolchain.toml names, able to compile for the browser. */

import { existsSync, readFileSync } from "node:fs";
import { inRepo } from "../lib/paths.mjs";
import { ask, CommandFailed, run, say } from "../lib/run.mjs";
import { which } from "../lib/which.mjs";

const target = "wasm32-unknown-unknown";

export async function rust() {
  if (await isComplete()) return say(`Rust for ${target}: there`);
  if (!which("rustup")) throw new CommandFailed(missing());
  // rustup may be configured not to install what rust-toolchain.toml asks for by itself.
  if ((await ask("rustc", ["--version"])) === undefined) {
    say(`installing Rust ${channel()} (about a minute)`);
    await run("rustup", ["toolchain", "install", channel(), "--no-self-update", "--profile", "minimal", "-c", "rustfmt", "-c", "clippy"], {
      quiet: true,
    });
  }
  say(`installing the Rust target ${target}`);
  await run("rustup", ["target", "add", target], { quiet: true });
  if (!(await isComplete())) throw new CommandFailed(missing());
}

async function isComplete() {
  const compiled = await ask("rustc", ["--print", "target-libdir", "--target", target]);
  return compiled !== undefined && existsSync(compiled);
}

function channel() {
  const file = readFileSync(inRepo("rust-toolchain.toml"), "utf8");
  const found = /^channel\s*=\s*"([^"]+)"/m.exec(file);
  if (!found) throw new CommandFailed("rust-toolchain.toml names no channel");
  return found[1];
}

const missing = () => `Rust ${channel()} with the target ${target} is missing: install rustup (https://rustup.rs) and run this again`;
