/** Debian packages, where we may install them. */

import { run } from "../lib/run.mjs";
import { which } from "../lib/which.mjs";

/** Whether `install` can work here: it needs root, and apt. */
export const canInstall = () => process.getuid?.() === 0 && which("apt-get") !== undefined;

/** Installs Debian packages; the list of what there is is fetched once. */
export async function install(...names) {
  await updated();
  await apt("install", "-y", ...names);
}

const apt = (...args) =>
  run("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", ...args], {
    quiet: true,
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });

let update;
const updated = () => (update ??= apt("update"));
