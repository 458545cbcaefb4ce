/** The apps beside this file, with the package as npm packs it installed in each. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inRepo } from "../../scripts/lib/paths.mjs";

export const folder = fileURLToPath(new URL(".", import.meta.url));

/** Packs the package once, and installs all apps: what several need is there once. What is there already stays, but for the package. */
export function install() {
  const tarball = join(folder, "longwait.tgz");
  const packed = npm(["pack", "--json", "--pack-destination", folder], inRepo());
  renameSync(join(folder, JSON.parse(packed)[0].filename), tarball);
  // npm writes its own record last, so a broken-off install counts as missing.
  if (age("node_modules/.package-lock.json") < age("package-lock.json")) npm(["ci", "--no-audit", "--no-fund", "--prefer-offline"]);
  // The lock names the package without an integrity hash, as each build has another: what npm would do with this one.
  const installed = join(folder, "node_modules", "longwait");
  rmSync(installed, { recursive: true, force: true });
  mkdirSync(installed);
  execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
}

/** Where a tool of an app is installed: in its own folder, where another app has another version. */
export const placeOf = (app, tool) =>
  [join(folder, app, "node_modules", tool), join(folder, "node_modules", tool)].find((place) => existsSync(place));

export const versionOf = (app, tool) => JSON.parse(readFileSync(join(placeOf(app, tool), "package.json"), "utf8")).version;

/** Runs a script of an app, as a person does. Gives what it prints. */
export const runScript = (app, script, ...more) => npm(["run", script, ...more], join(folder, app));

/** Runs a command of an app's tools, in an environment that has more. */
export const runTool = (app, command, more) => npm(["exec", "--offline", "--", ...command], join(folder, app), more);

function npm(args, cwd = folder, more = {}) {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { ...ENVIRONMENT, ...more } });
}

/** Without what a runner of tests has set for itself. */
const { NODE_ENV: _, NODE_OPTIONS: __, NODE_TEST_CONTEXT: ___, ...rest } = process.env;
export const ENVIRONMENT = { ...rest, NEXT_TELEMETRY_DISABLED: "1", DENO_NO_UPDATE_CHECK: "1" };

const age = (file) => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
