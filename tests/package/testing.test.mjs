/** `longwait/testing` under real runners of tests; under Jest, see jest.test.mjs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./bundled.mjs";

test("works under Vitest, with its fake timers and with happy-dom", (t) => {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const run = [vitest, "run", "--root", join(root, "tests/vitest")];
  const { status, stdout, stderr } = spawnSync(process.execPath, run, { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /Tests +13 passed \(13\)/);
  for (const [line] of stdout.matchAll(/^.*the median of.*$/gm)) t.diagnostic(line);
});
