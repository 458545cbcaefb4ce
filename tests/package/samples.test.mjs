/** The code samples of the documentation: all compile in TypeScript's strict mode, and those for Node run and print what they say. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../scripts/lib/paths.mjs";
import { empty, folder, write, writeRunnable } from "../samples/folder.mjs";
import { programs } from "../samples/programs.mjs";

const all = programs();

/** Where a program runs that is neither a program for Node nor one for Chromium: in a test that takes it from the page. */
const ELSEWHERE = /^tests\/.*\.test\.mjs$/;

empty();

test("every sample compiles in strict mode, with exact optional properties", () => {
  const files = all.flatMap(write);
  assert.ok(files.length > 5);
  const project = join(folder, "tsconfig.json");
  const compilerOptions = {
    target: "es2022",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    types: ["node"],
    jsx: "react-jsx",
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    // The package's declarations and the samples have one AI SDK.
    paths: { ai: ["./node_modules/ai"] },
  };
  writeFileSync(project, JSON.stringify({ compilerOptions, files }));
  const { status, stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project], {
    cwd: root,
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout);
});

describe("a sample for Node prints what it says:", () => {
  for (const program of all.filter(({ runs }) => runs === "node"))
    test(program.name, async () => {
      const path = await writeRunnable(program);
      assert.notEqual(program.prints, "", "a program that prints nothing shows nothing");
      assert.deepEqual(await ran(path), { code: 0, stderr: "", stdout: program.prints });
    });
});

test("the tests that the guide shows pass", async () => {
  const program = all.find(({ heading }) => heading === "Testing your app");
  const path = await writeRunnable(program);
  const { code, stdout } = await ran(path, { NODE_TEST_CONTEXT: undefined });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^(#|ℹ) pass 2$/m);
});

test("every other sample is run by another test", () => {
  for (const { name, heading, runs } of all.filter(({ runs }) => runs !== "node" && runs !== "chromium")) {
    assert.match(runs, ELSEWHERE, name);
    assert.ok(existsSync(join(root, runs)), `${name}: ${runs}`);
    assert.ok(readFileSync(join(root, runs), "utf8").includes(JSON.stringify(heading)), `${runs} runs ${heading}`);
  }
});

function ran(path, env = {}) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [path], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
    });
    const printed = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"]) child[stream].setEncoding("utf8").on("data", (text) => (printed[stream] += text));
    child.on("close", (code) => done({ code, ...printed }));
  });
}
