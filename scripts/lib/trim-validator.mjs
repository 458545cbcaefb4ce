/**
 * An esbuild plugin that leaves out two parts of @cfworker/json-schema: its format checks, as formats only annotate, and
 * its resolving of references, which js/schema/schema.ts does beforehand. Besides their size, the latter reads the page's address
 * while it is loaded, and throws in a worker made from a blob.
 */
export const trimValidator = {
  name: "trim-validator",
  setup(build) {
    build.onLoad({ filter: /@cfworker.json-schema.dist.esm.(format|dereference)\.js$/ }, () => ({
      contents: "export const format = {}; export function dereference() {}",
    }));
  },
};
