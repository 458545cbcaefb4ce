/** Reading the package's own files in Node, whose `fetch` does not. */
import { readFile } from "node:fs/promises";
import { isA } from "../platform/intrinsics.js";
import { prepareWith } from "../border/load.js";

/** Has them read from disk from now on. */
export function readFromDisk(): void {
  prepareWith((source) => {
    const isAddress = typeof source === "string" || isA(source, "URL");
    return isAddress && String(source).startsWith("file:") ? readFile(new URL(String(source))) : source;
  });
}
