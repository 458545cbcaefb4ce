/** Where the project is found. */
import { readFileSync } from "node:fs";

const about = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** The address of this site, without a slash at its end. */
export const homepage = (about.homepage ?? "https://longwait.dev").replace(/\/$/, "");

/** The version that is documented. */
export const { version } = about;

/** The address of the repository. */
export const repository = (about.repository?.url ?? about.repository ?? "https://github.com/longwait/longwait")
  .replace(/^git\+/, "")
  .replace(/\.git$/, "");
