/**
 * `node scripts/third-party.mjs`: writes THIRD_PARTY.md, the notices for code of others that is in our package.
 *
 * The table of crates comes from what Cargo links into the WebAssembly, so it cannot be forgotten; a test compares.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isScript } from "./lib/is-script.mjs";
import { inRepo } from "./lib/paths.mjs";
import { main, run, say } from "./lib/run.mjs";

export const file = inRepo("THIRD_PARTY.md");

/** The whole text, as it should be. */
export async function notices() {
  const crates = await linked();
  const others = crates.filter(({ license }) => !underMit(license));
  return `# Third-party software

The files in \`dist/\` contain code of the projects below. This page carries their notices. Where a project offers a choice
of licences, it is used under MIT. The file is written by \`node scripts/third-party.mjs\`.

## In the JavaScript

| Package | Licence | Copyright |
|---|---|---|
${row("@cfworker/json-schema", npmLicense("@cfworker/json-schema"), [npmAuthor("@cfworker/json-schema")])}
${row("punycode.js (a part, within @cfworker/json-schema)", "MIT", ["Mathias Bynens"])}
${row("Lit: lit, lit-html, lit-element, @lit/reactive-element (in the inspector)", npmLicense("lit"), npmHolders("lit"))}
${row("@tanstack/virtual-core (in the inspector)", npmLicense("@tanstack/virtual-core"), npmHolders("@tanstack/virtual-core"))}
${row("wasm-bindgen (its generated glue)", "MIT OR Apache-2.0", crates.find(({ name }) => name === "wasm-bindgen").holders)}

## In the WebAssembly

| Crate | Licence | Copyright |
|---|---|---|
${row("The Rust standard library", "MIT OR Apache-2.0", ["The Rust Project contributors"])}
${row("dlmalloc (within the standard library)", "MIT OR Apache-2.0", ["2014 Alex Crichton"])}
${crates.map(({ name, license, holders }) => row(name, license, holders)).join("\n")}

## The MIT licence

${mit()}

## The licence of Lit (${npmLicense("lit")})

${npmText("lit")}
${others.map(({ name, license, text }) => `\n## The licence of ${name} (${license})\n\n${text}\n`).join("")}`;
}

/** The crates whose code is in the wasm, by name. Macros and build scripts run before that and leave no code of their own. */
async function linked() {
  const cargo = (...args) => run("cargo", [...args, "--locked"], { quiet: true });
  const metadata = await cargo("metadata", "--format-version=1", "--filter-platform=wasm32-unknown-unknown");
  const { packages } = JSON.parse(metadata.slice(metadata.indexOf("{")));
  const tree = await cargo(
    "tree",
    "--target=wasm32-unknown-unknown",
    "--edges=normal,no-proc-macro",
    "--prefix=none",
    "--no-dedupe",
    "--format=crate {p}",
  );
  const names = new Set(Array.from(tree.matchAll(/^crate (\S+) v(\S+)$/gm), ([, name, version]) => `${name} ${version}`));
  return packages
    .filter(({ name, version }) => names.has(`${name} ${version}`))
    .map(notice)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function notice({ name, license, authors, manifest_path }) {
  const files = readdirSync(dirname(manifest_path)).filter(
    (file) => /^(licen[cs]e|copying)/i.test(file) && !/apache|unlicense/i.test(file),
  );
  const read = (named) => files.filter(named).map((file) => readFileSync(join(dirname(manifest_path), file), "utf8").trim());
  const lines = read(() => true).flatMap((text) =>
    Array.from(text.matchAll(/^ *copyright \(c\) (.+?)\.?$/gim), ([, holder]) => holder.trim()),
  );
  return {
    name,
    license,
    holders: lines.length > 0 ? [...new Set(lines)] : authors.map(withoutAddress),
    text: read((file) => !/mit/i.test(file)).join("\n\n"),
  };
}

const underMit = (license) => license.split(" OR ").includes("MIT");

const withoutAddress = (author) => author.replace(/ *<.*>/, "");

const row = (name, license, holders) => `| ${name} | ${license} | ${holders.join("; ") || "not named"} |`;

const npm = (name) => JSON.parse(readFileSync(inRepo("node_modules", name, "package.json"), "utf8"));
const npmLicense = (name) => npm(name).license;
const npmText = (name) => readFileSync(inRepo("node_modules", name, "LICENSE"), "utf8").trim();
const npmHolders = (name) =>
  Array.from(npmText(name).matchAll(/^copyright \(c\) (.+?)(?:\. All rights reserved)?\.?$/gim), ([, holder]) => holder.trim());
const npmAuthor = (name) => withoutAddress(npm(name).author);

/** The text without the two lines of our own. */
const mit = () =>
  readFileSync(inRepo("LICENSE"), "utf8")
    .replace(/^MIT License\n\nCopyright .*\n\n/, "")
    .trim();

if (isScript(import.meta))
  await main(async () => {
    writeFileSync(file, await notices());
    say(`written: ${file}`);
  });
