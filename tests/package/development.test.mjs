/** The build for development warns, once each; the build for production holds nothing of that. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { build } from "esbuild";
import { glue, defined } from "../../scripts/build.mjs";
import { trimValidator } from "../../scripts/lib/trim-validator.mjs";
import { openRegistry } from "../../dist/development/node.js";
import { root } from "./bundled.mjs";
import { external, settled, success, watched } from "./registry.mjs";

const job = (id, kind = "job", more) => ({ id, input: { type: "engine", kind }, ...more });

async function open(t) {
  const registry = await openRegistry({ storage: "memory" });
  t.after(() => registry.close());
  return registry;
}

/** The warnings of one test. */
function warnings(t) {
  const given = [];
  t.mock.method(console, "warn", (warning) => given.push(warning));
  return given;
}

const forever = () => new Promise(() => {});

describe("two started drivers of one database in one page", () => {
  test("are warned of, once", async (t) => {
    const [given, registry] = [warnings(t), await open(t)];
    const [first, second] = [registry.driver({ runners: { job: forever } }), registry.driver({ runners: { other: forever } })];
    first.start();
    assert.deepEqual(given, []);
    second.start();
    second.start();
    await second.stop();
    second.start();
    assert.equal(given.length, 1);
    assert.match(given[0], /two drivers of the database "longwait" are started[^]*close the old registry\nhttps:.*#two-drivers$/);
  });

  test("are fine where one was stopped first, or its registry closed, or each has a database of its own", async (t) => {
    const [given, registry, other] = [warnings(t), await open(t), await open(t)];
    const first = registry.driver({ runners: { job: forever } });
    first.start();
    first.start();
    other.driver({ runners: { job: forever } }).start();
    const stopping = first.stop();
    const second = registry.driver({ runners: { job: forever } });
    second.start();
    await stopping;
    await registry.close();
    assert.deepEqual(given, []);
  });
});

describe("a driver that was never started", () => {
  test("is warned of, once, when a process that it could run has waited for 5 s", async (t) => {
    const { warnings, pass } = watched(t);
    const registry = await open(t);
    const [, started] = [registry.driver({ runners: { job: forever } }), registry.driver({ runners: { else: forever } })];
    started.start();
    for (const [id, kind] of [
      ["a", "job"],
      ["b", "job"],
      ["c", "else"],
      ["d", "of none"],
    ])
      await registry.registerProcess(job(id, kind));
    await pass(6_000);
    const given = warnings.filter((warning) => /never started/.test(warning));
    assert.equal(given.length, 1);
    assert.match(given[0], /"a".*"job".*start\(\)/);
    await started.stop();
  });

  test("is fine where it sweeps, and where a process ended or is run in time", async (t) => {
    const { warnings, pass } = watched(t);
    const registry = await open(t);
    const sweeps = registry.driver({ runners: { job: forever } });
    await registry.registerProcess(job("a"));
    await sweeps.claimAndRunPending();
    const idle = registry.driver({ runners: { other: forever } });
    await registry.registerProcess(job("b", "other"));
    await registry.completeProcess("b", success(1));
    await pass(70_000);
    assert.deepEqual(warnings, []);
    await idle.stop();
    await sweeps.stop();
  });
});

describe("a run that returns", () => {
  const old = async ({ step, sleep, startChild, waitForSignal }) => {
    await step("draft", () => 1);
    await step("kept", () => 2);
    await sleep("pause", 0);
    await startChild(external(undefined), { key: "part", onParentEnd: "abandon" });
    await waitForSignal("go");
  };

  /** Runs two processes by the old code until they wait, and then by the new code to their ends. */
  async function changed(t, kind, run) {
    const [registry, ids] = [await open(t), ["p", "q"]];
    const first = registry.driver({ runners: { [kind]: old } });
    first.start();
    for (const id of ids) {
      await registry.registerProcess(job(id, kind));
      await registry.awaitEvent(id, "process.waiting");
    }
    await first.stop();
    const given = warnings(t);
    const second = registry.driver({ runners: { [kind]: run } });
    second.start();
    for (const id of ids) {
      await registry.signal(id, "go");
      await registry.awaitTerminal(id);
      await settled();
    }
    return given;
  }

  test("is warned of by what it did not ask for, steps, timers and children, and not again for another process", async (t) => {
    const given = await changed(t, "changed", async ({ step }) => void (await step("kept", () => 2)));
    assert.equal(given.length, 1);
    assert.match(given[0], /of kind "changed"[^]*process "p" recorded: step "draft", timer "pause", child "part"\./);
    assert.match(given[0], /#recorded-steps-that-a-run-did-not-ask-for$/);
  });

  test("is fine where it asks for all of that, and for more", async (t) => {
    const given = await changed(t, "grown", async (context) => {
      await context.step("new", () => 0);
      await old(context);
    });
    assert.deepEqual(given, []);
  });

  test("is warned of where it is of a fork", async (t) => {
    const [given, registry] = [warnings(t), await open(t)];
    const driver = registry.driver({ runners: { forked: ({ process, step }) => process.id === "p" && step("a", () => true) } });
    driver.start();
    await registry.registerProcess(job("p", "forked"));
    await registry.awaitTerminal("p");
    await registry.forkProcess("p", { newId: "q", from: "failed" });
    await registry.awaitTerminal("q");
    await settled();
    assert.equal(given.length, 1);
    assert.match(given[0], /process "q" recorded: step "a"/);
  });
});

test("every warning leads to a section of the guide", () => {
  const sections = [...readFileSync(join(root, "docs/development-mode.md"), "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  const named = readdirSync(join(root, "js/development")).flatMap((file) =>
    [...readFileSync(join(root, "js/development", file), "utf8").matchAll(/^ {4}"([a-z-]+)",$/gm)].map(([, section]) => section),
  );
  assert.equal(named.length, 3);
  for (const section of named) assert.ok(sections.includes(section), section);
});

describe("the build for production", () => {
  test("has no module of the warnings, so that they cost it no byte", async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ["js/entries/index.ts", "js/entries/worker.ts"],
      outdir: "out",
      write: false,
      bundle: true,
      format: "esm",
      minify: true,
      metafile: true,
      external: ["./schema.js"],
      define: defined(false),
      plugins: [trimValidator, glue],
      logLevel: "error",
    });
    const held = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
    assert.ok(held.some(([file]) => file === "js/api/driver.ts"));
    assert.deepEqual(
      held.filter(([file, { bytesInOutput }]) => file.startsWith("js/development/") && bytesInOutput > 0),
      [],
    );
  });

  test("holds no word of them, in no file", () => {
    const words = ["two drivers of the database", "was never started", "without asking for", "development-mode"];
    const holding = (file) => words.filter((word) => readFileSync(join(root, "dist", file), "latin1").includes(word));
    const files = readdirSync(join(root, "dist")).filter((file) => /\.(js|wasm)$/.test(file));
    assert.ok(files.length > 6);
    for (const file of files) assert.deepEqual(holding(file), [], file);
    for (const file of ["index.js", "node.js"]) assert.deepEqual(holding(join("development", file)), words, file);
  });
});

describe("the condition `development`", () => {
  const resolved = (conditions, names) => {
    const script = `console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => import.meta.resolve(name).split("/dist/")[1])))`;
    const { stdout, stderr } = spawnSync(process.execPath, [...conditions, "--input-type=module", "--eval", script], {
      cwd: root,
      encoding: "utf8",
    });
    return JSON.parse(stdout || JSON.stringify(stderr));
  };

  test("chooses the build, in Node as `--conditions=development`", () => {
    assert.deepEqual(resolved([], ["longwait", "longwait/worker"]), ["node.js", "worker.js"]);
    const development = resolved(
      ["--conditions=development"],
      ["longwait", "longwait/worker", "longwait/react", "longwait/longwait_bg.wasm"],
    );
    assert.deepEqual(development, ["development/node.js", "development/worker.js", "react.js", "longwait_bg.wasm"]);
  });

  test("gives one copy of the package, to all other entries too", async () => {
    const { exports, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const entries = Object.keys(exports).filter((path) => !/\.\w+$/.test(path));
    const { metafile } = await build({
      absWorkingDir: root,
      stdin: {
        contents: entries.map((path, n) => `import * as entry${n} from "longwait${path.slice(1)}";\nconsole.log(entry${n});`).join("\n"),
        resolveDir: root,
      },
      conditions: ["development"],
      write: false,
      bundle: true,
      format: "esm",
      metafile: true,
      external: ["node:*", ...Object.keys(peerDependencies)],
      logLevel: "error",
    });
    const held = new Set(Object.keys(metafile.inputs));
    for (const file of ["development/index", "development/worker", "observing", "react"]) assert.ok(held.has(`dist/${file}.js`), file);
    for (const file of ["index", "worker", "node"]) assert.ok(!held.has(`dist/${file}.js`), file);
  });

  test("has one WebAssembly and one validator for both builds", () => {
    const code = readFileSync(join(root, "dist/development/index.js"), "utf8");
    for (const [, file] of code.matchAll(/(?:new URL|import)\("(\.\.?\/[^"]+)"/g))
      assert.ok(existsSync(join(root, "dist/development", file)), file);
    assert.match(code, /new URL\("\.\.\/longwait_bg\.wasm", import\.meta\.url\)/);
    assert.match(code, /import\("\.\.\/schema\.js"\)/);
  });
});
