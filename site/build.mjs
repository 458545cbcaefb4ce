/**
 * Builds the documentation site in build/docs: the pages of docs/, the reference from the types, llms.txt.
 * `node site/build.mjs /`: for a server that has it at another place than /docs/.
 *
 *   docs/*.md, site/index.md, js/entries/*.ts --typedoc--> build/site --vitepress--> build/docs
 */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vitepress";
import { writeForModels } from "./llms.mjs";
import { writeReference } from "./reference.mjs";

const inRepo = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const sources = inRepo("build/site");

rmSync(sources, { recursive: true, force: true });
mkdirSync(sources, { recursive: true });
// As pages, and as they are: llms.txt links to these.
for (const folder of [sources, `${sources}/public`]) cpSync(inRepo("docs"), folder, { recursive: true });
cpSync(inRepo("site/index.md"), `${sources}/index.md`);
cpSync(inRepo("site/public"), `${sources}/public`, { recursive: true });
writeForModels(inRepo("docs"), `${sources}/public`);
await writeReference(inRepo("."), `${sources}/api`);
await build(inRepo("site"), { base: process.argv[2] ?? "/docs/" });
