/** `longwait/testing` under real runners of tests; under Jest, see jest.test.mjs. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { programs } from "../samples/programs.mjs";
import { root } from "./bundled.mjs";

/** Runs the tests in a folder by Vitest; answers what it printed. */
function vitest(folder) {
  const run = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, run, { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

test("works under Vitest, with its fake timers and with happy-dom", (t) => {
  const printed = vitest(join(root, "tests/vitest"));
  assert.match(printed, /Tests +17 passed \(17\)/);
  for (const [line] of printed.matchAll(/^.*the median of.*$/gm)) t.diagnostic(line);
});

test("the tests that the guide shows pass", () => {
  const { modules } = programs().find(({ page, heading }) => page === "docs/testing.md" && heading === "*");
  const folder = join(root, "build/testing");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "orders.spec.ts"), modules.at(-1).code);
  assert.match(vitest(folder), /Tests +11 passed \(11\)/);
});
