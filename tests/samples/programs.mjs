/**
 * The code samples of README.md, the first page of the site, docs/ and the examples' READMEs, as programs that can be compiled and run.
 *
 * The samples under one heading are one program, or the modules of one; `needs.mjs` says what such a program needs that
 * the page does not show, and where it runs. A sample that `needs.mjs` does not know is an error, so none goes untested.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/lib/paths.mjs";
import { needs } from "./needs.mjs";

const inFolder = (folder, pattern) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));

export const pages = () => ["README.md", "site/index.md", ...inFolder("docs", /\.md$/), ...inFolder("examples", /README\.md$/)].sort();

export const read = (page) => readFileSync(join(root, page), "utf8");

/** The fenced blocks of a page: `{ heading, language, code }`, the heading being the nearest one above. */
export function blocks(page) {
  const found = [];
  let heading = "";
  let block;
  for (const line of read(page).split("\n")) {
    const fence = line.match(/^ *```(\w*)$/);
    if (block && fence) {
      found.push(block);
      block = undefined;
    } else if (block) block.code += `${line}\n`;
    else if (fence) block = { heading, language: fence[1], code: "" };
    else heading = line.match(/^#+ (.*)$/)?.[1] ?? heading;
  }
  return found;
}

const isCode = ({ language }) => ["js", "ts", "jsx", "tsx"].includes(language);

/**
 * Every program: `{ name, page, heading, runs, modules, prints }`. `modules` are `{ file, code }` with what they need around
 * them, the last one being the program; `prints` is what the page says it prints, or the tests do where the page does not.
 */
export function programs() {
  const all = [];
  for (const page of pages()) {
    const known = needs[page] ?? {};
    const shown = blocks(page);
    const whole = known["*"];
    const headings = whole ? ["*"] : [...new Set(shown.filter(isCode).map(({ heading }) => heading))];
    for (const heading of new Set([...headings, ...Object.keys(known)])) {
      const under = whole ? shown : shown.filter((block) => block.heading === heading);
      const name = whole ? page : `${page}: ${heading}`;
      all.push(program({ name, page, heading }, known[heading], under));
    }
  }
  return all;
}

function program(what, need, under) {
  const code = under.filter(isCode).map((block) => block.code);
  if (!need) throw new Error(`${what.name}: tests/samples/needs.mjs does not say how its samples are run`);
  if (code.length === 0) throw new Error(`${what.name}: tests/samples/needs.mjs knows a sample that is not there`);
  const { runs, files, before = "", after = "", beside = {}, prints } = need;
  const printed = under
    .filter(({ language }) => language === "text")
    .map((block) => block.code)
    .join("");
  const shown = files ? code.map((text, n) => ({ file: files[n], code: text })) : [{ file: "program.ts", code: code.join("") }];
  const last = shown.pop();
  const modules = [
    ...Object.entries(beside).map(([file, text]) => ({ file, code: text })),
    ...shown,
    { file: last.file, code: `${before}${last.code}${after}` },
  ];
  return { ...what, runs, modules, prints: prints ?? printed };
}
