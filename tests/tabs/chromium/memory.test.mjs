/** The WebAssembly's memory over many operations. `npm run bench -- --only memory` does a million. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inFlight } from "../../bench/harness.js";
import { heapAlong, memoryOfWasm } from "../../bench/heap.js";
import { tabsForSuite } from "../playwright.mjs";

const tabs = tabsForSuite();

test("the WebAssembly's memory stays as it is over 50,000 operations", async (t) => {
  const { run } = await tabs.blank(t);
  const options = { open: { name: t.name }, parts: 10, lives: 500 };
  const functions = [inFlight, memoryOfWasm, heapAlong].join("\n");
  const sizes = await run(`(() => { ${functions}; return heapAlong(longwait.openRegistry, ${JSON.stringify(options)}); })()`);
  assert.equal(sizes.length, options.parts);
  // The first parts fill what later ones use again.
  assert.equal(sizes.at(-1), sizes[1], `${sizes}`);
});
