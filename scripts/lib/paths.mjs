/** Where things are: the repository, and the tools that setup installs into it. */

import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(fileURLToPath(import.meta.url), "../../..");

/** A path inside the repository. */
export const inRepo = (...parts) => join(root, ...parts);

/** Root of everything `cargo install` puts here; ignored by git. */
export const toolsRoot = inRepo(".tools");

/** The environment every command runs in: our own tools come first. */
export function environment(extra = {}) {
  const path = [join(toolsRoot, "bin"), inRepo("node_modules", ".bin"), process.env.PATH];
  return { ...process.env, PATH: path.join(delimiter), ...extra };
}
