/** The package in the tests of an app: real Jest with jsdom. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./bundled.mjs";

test("works under Jest with jsdom, which has no TextDecoder", (t) => {
  const folder = join(root, "tests/jest");
  const jest = join(folder, "node_modules/jest/bin/jest.js");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--experimental-vm-modules", jest, "--config", join(folder, "jest.config.js")],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Tests: +16 passed, 16 total/);
  for (const [line] of `${stdout}${stderr}`.matchAll(/^.*the median of.*$/gm)) t.diagnostic(line.trim());
});
