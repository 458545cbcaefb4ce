/** The WebAssembly's memory over many operations. `npm run bench -- --only memory` does a million. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inFlight } from "../../../bench/page/harness.js";
import { heapAlong, memoryOfWasm } from "../../../bench/page/heap.js";
import { tabsForSuite } from "../playwright.mjs";

const tabs = tabsForSuite();

test("the WebAssembly's memory stays as it is over 50,000 operations", async (t) => {
  const { run } = await tabs.blank(t);
  const options = { open: { name: t.name }, parts: 10, lives: 500 };
  const functions = [inFlight, memoryOfWasm, heapAlong].join("\n");
  const sizes = await run(`(() => { ${functions}; return heapAlong(longwait.openRegistry, ${JSON.stringify(options)}); })()`);
  // How much is in flight at the worst shows in the first half.
  assert.equal(sizes.at(-1), sizes[options.parts / 2 - 1], `${sizes}`);
});
