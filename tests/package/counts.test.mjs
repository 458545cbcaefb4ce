/** How `npm test` counts: what did not run has not passed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { libtest, nodeTest } from "../../scripts/lib/counts.mjs";

const summary = (pass, fail, skipped) => `ℹ tests 9\nℹ pass ${pass}\nℹ fail ${fail}\nℹ cancelled 0\nℹ skipped ${skipped}\nℹ todo 0\n`;

test("a skipped test of Node is skipped, not passed", () => {
  assert.deepEqual(nodeTest({ code: 0, output: summary(3, 0, 2) }), { passed: 3, failed: 0, skipped: 2 });
});

test("an ignored test of cargo or of a browser is skipped, not passed", () => {
  const output =
    "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 filtered out\n";
  assert.deepEqual(libtest({ code: 0, output }), { passed: 5, failed: 0, skipped: 2 });
});

test("a run in which all was skipped, or nothing ran, fails", () => {
  assert.equal(nodeTest({ code: 0, output: summary(0, 0, 2) }).failed, 1);
  assert.equal(libtest({ code: 0, output: "" }).failed, 1);
});
