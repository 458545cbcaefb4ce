/** The entry for Node, whose `fetch` does not read files. Node has no IndexedDB: open with `storage: "memory"`. */
import { readFile } from "node:fs/promises";
import { prepareWith } from "./load.js";

prepareWith((source) => {
  const isAddress = typeof source === "string" || source instanceof URL;
  return isAddress && String(source).startsWith("file:") ? readFile(new URL(source)) : source;
});

export * from "./index.js";
