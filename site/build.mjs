/**
 * Builds the documentation site in build/docs: the pages of docs/, the reference from the types, llms.txt.
 * `node site/build.mjs /`: for a server that has it at another place than /docs/.
 *
 *   docs/*.md, site/index.md, js/entries/*.ts --typedoc--> build/site --vitepress--> build/docs
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vitepress";
import { writeForModels } from "./llms.mjs";
import { repository } from "./places.mjs";
import { writeReference } from "./reference.mjs";

const inRepo = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const sources = inRepo("build/site");

rmSync(sources, { recursive: true, force: true });
// As pages, and as they are: llms.txt links to these.
for (const folder of [sources, `${sources}/public`]) copyPages(folder);
cpSync(inRepo("site/index.md"), `${sources}/index.md`);
cpSync(inRepo("site/public"), `${sources}/public`, { recursive: true });
writeForModels(`${sources}/public`);
await writeReference(inRepo("."), `${sources}/api`);
await build(inRepo("site"), { base: process.argv[2] ?? "/docs/" });

function copyPages(folder) {
  const files = readdirSync(inRepo("docs"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    const from = join(parentPath, name);
    const to = join(folder, relative(inRepo("docs"), from));
    mkdirSync(dirname(to), { recursive: true });
    if (name.endsWith(".md")) writeFileSync(to, withLinksToRepository(from));
    else cpSync(from, to);
  }
}

/** A page whose links to other files of the repository than pages lead to where the repository is. */
function withLinksToRepository(file) {
  return readFileSync(file, "utf8").replace(/\]\((\.\.\/[^)\s]+)\)/g, (link, target) => {
    const path = relative(inRepo("."), resolve(dirname(file), target));
    return path.startsWith("docs/") ? link : `](${repository}/blob/main/${path})`;
  });
}
