/** The fuzzer finds registries that are broken on purpose: what cannot fail proves nothing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attempt } from "../../scripts/lib/run.mjs";

const found = {
  "counts one too many": /should answer|countEventsThrough/,
  "forgets an event": /cannot be|is not what was appended/,
  "writes what it refuses": /is not what|is not in the log|cannot be|should answer/,
  "takes what is invalid": /was accepted/,
  "changes its arguments": /object is not extensible|no ProcessError|should/,
  traps: /code internal|ProcessError: unreachable/,
  "throws something else": /no ProcessError/,
  "throws instead of rejecting": /threw instead of rejecting/,
  "answers the wrong code": /should be (done|refused)/,
  "never settles": /hangs/,
  "leaves a rejection behind": /unhandled rejection/,
  "shows an error on the console": /console\.error/,
};

describe("the fuzzer finds a registry that", () => {
  for (const [way, words] of Object.entries(found)) {
    test(way, async () => {
      const { output } = await attempt("node", ["tests/fuzz/broken.mjs", way], { quiet: true });
      const failure = JSON.parse(output.trim().split("\n").at(-1));
      assert.match(failure.fault, words);
      // A hang is not worth the time that shrinking it takes.
      if (way !== "never settles") assert.ok(failure.calls <= 12, `shrunk to ${failure.calls} calls`);
    });
  }
});
