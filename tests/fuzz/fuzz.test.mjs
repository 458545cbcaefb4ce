/** A few thousand calls, in Node and in Chromium; always the same ones. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attempt } from "../../scripts/lib/run.mjs";

/** In a process of its own: the runner of these tests would take what the fuzzer leaves unhandled on purpose for a failure. */
const fuzz = (...args) => attempt("node", ["scripts/fuzz.mjs", "--no-build", "--seed", "1", ...args], { quiet: true });

describe("calls that chance decides are answered as the model says, and nothing traps, hangs or is left", () => {
  for (const [where, ...args] of [
    ["6,000 calls in Node", "--calls", "6000"],
    ["3,000 calls in Node, through a registry that is traced", "--calls", "3000", "--traced"],
    ["2,000 calls in Node, on a NATS server", "--calls", "2000", "--nats"],
    ["3,000 calls in Chromium, on IndexedDB and in memory", "--calls", "3000", "--browser", "chromium"],
  ]) {
    test(where, async () => {
      const { code, output } = await fuzz(...args);
      assert.equal(code, 0, output);
      assert.match(output, /^0 traps, 0 hangs, 0 wrong codes$/m);
    });
  }
});
