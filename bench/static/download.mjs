/** What `import "longwait"` makes a browser download: the JavaScript and the WebAssembly of the default entry, as brotli. */

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { measure, needed } from "../../scripts/size.mjs";

export function run({ dist }) {
  const kB = needed.map((file) => measure(readFileSync(join(dist, basename(file)))).brotli / 1000);
  const figure = { name: "longwait", median: kB.reduce((sum, each) => sum + each) };
  return [{ work: "default entry, wasm and JS, brotli", unit: "kB", figures: [figure], most: 165, moonshot: 130 }];
}
