/** Programs as files, in a folder of the repository, from which `longwait` is the package that was built. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transform } from "esbuild";
import { root } from "../../scripts/lib/paths.mjs";

export const folder = join(root, "build", "samples");

/** Empties the folder. From it, what the samples import of others is found: it is installed beside this file. */
export function empty() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(root, "tests", "samples", "node_modules"), join(folder, "node_modules"));
}

export const folderOf = ({ name }) => name.replace(/[^A-Za-z0-9]+/g, "-").toLowerCase();

/** Writes a program's modules as TypeScript. Answers their paths. */
export function write(program) {
  return program.modules.map(({ file, code }) => put(join(folderOf(program), file.replace(/\.js$/, ".ts")), `${code}\nexport {};\n`));
}

/** Writes a program's modules as JavaScript, `longwait` named as `from` says. Answers the path of the last one. */
export async function writeRunnable(program, from = (name) => name) {
  let last;
  for (const { file, code } of program.modules) {
    const script = await transform(code, { loader: file.endsWith("x") ? "tsx" : "ts", format: "esm", target: "es2022", jsx: "automatic" });
    const named = script.code.replace(
      /(from |import |import\()"(longwait(?:\/[\w-]+)?)"/g,
      (_, by, name) => `${by}${JSON.stringify(from(name))}`,
    );
    last = put(join(folderOf(program), "run", file.replace(/\.tsx?$/, ".js")), named);
  }
  return last;
}

function put(name, text) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
