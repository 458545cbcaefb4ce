/** Tells whether a module was started by a person, as opposed to imported. */

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const isScript = (meta) => process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(meta.url);
