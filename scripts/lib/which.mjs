/** Finds programs on the PATH our commands see. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { environment } from "./paths.mjs";

/** Full path of the first of these programs that is installed, or undefined. */
export function which(...names) {
  for (const name of names) {
    for (const folder of environment().PATH.split(delimiter)) {
      const file = join(folder, name);
      if (isProgram(file)) return file;
    }
  }
  return undefined;
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
