/** The entry for Node, which has no IndexedDB: open with `storage: "memory"`. */
import { readFromDisk } from "./on-node.js";

readFromDisk();

export * from "./index.js";
