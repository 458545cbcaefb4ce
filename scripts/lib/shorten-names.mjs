/**
 * Gives what the WebAssembly and its glue import from and export to each other short names. wasm-bindgen's carry hashes,
 * which stand in both files and do not compress: together a seventieth of the download.
 */

import { assemble, EXPORT, exports, exportSection, IMPORT, imports, importSection, sections } from "./wasm-binary.mjs";

/** What imports of the glue itself are called; those of snippets keep their names. */
const GENERATED = /^__wb(g|indgen)_/;

/** The module and its glue (JavaScript text), with short names in both. */
export function shortenNames(module, glue) {
  const short = new Map();
  const shorten = (item) => {
    if (!short.has(item.name)) short.set(item.name, `w${short.size.toString(36)}`);
    return { ...item, name: short.get(item.name) };
  };
  const parts = sections(module).map(({ id, content }) => {
    if (id === IMPORT)
      return { id, content: importSection(imports(content).map((item) => (GENERATED.test(item.name) ? shorten(item) : item))) };
    if (id === EXPORT) return { id, content: exportSection(exports(content).map(shorten)) };
    return { id, content };
  });
  // In the glue an import is a key of an object, an export a property of `wasm`.
  const written = glue
    .replace(/^(\s+)(\w+): (?=function)/gm, (all, space, name) => (short.has(name) ? `${space}${short.get(name)}: ` : all))
    .replace(/\bwasm\.(\w+)/g, (all, name) => (short.has(name) ? `wasm.${short.get(name)}` : all));
  return { module: assemble(parts), glue: written };
}
