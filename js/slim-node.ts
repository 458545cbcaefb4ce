/** The slim entry for Node; see node.ts. */
import { readFromDisk } from "./on-node.js";

readFromDisk();

export * from "./slim.js";
