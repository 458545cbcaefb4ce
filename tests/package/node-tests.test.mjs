/** How files of node:test are run: no result is lost, and what a test left open does not keep its file running. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const NODE_TESTS = new URL("../../scripts/lib/node-tests.mjs", import.meta.url).href;

/** Runs a file of tests as a job does. Gives its counts. */
async function counts(t, source) {
  const folder = await mkdtemp(join(tmpdir(), "longwait-tests-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "a.test.mjs");
  await writeFile(file, source);
  const script = `const { nodeTests } = await import(${JSON.stringify(NODE_TESTS)});
    console.error(JSON.stringify(await nodeTests(${JSON.stringify(file)})));`;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ["--input-type=module", "--eval", script], { env, maxBuffer: 1 << 26 }, (fault, _out, errors) =>
      fault ? reject(fault) : resolve(JSON.parse(errors.trim().split("\n").at(-1))),
    );
  });
}

const LEFT_OPEN = `import { createServer } from "node:net"; createServer().listen(0);`;

test("each of 3,000 results is counted, though the file left a server open", async (t) => {
  const source = `${LEFT_OPEN} import { test } from "node:test"; for (let n = 0; n < 3000; n++) test("test " + n, () => {});`;
  assert.deepEqual(await counts(t, source), { passed: 3000, failed: 0, skipped: 0 });
});

test("a failure is counted, though the file left a server open", async (t) => {
  const source = `${LEFT_OPEN} import { test } from "node:test"; test("fails", () => { throw new Error("no"); });`;
  assert.deepEqual(await counts(t, source), { passed: 0, failed: 1, skipped: 0 });
});
