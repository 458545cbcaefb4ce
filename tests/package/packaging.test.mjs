/** The package as npm delivers it, in a project of its own: found by Node, by bundlers and by TypeScript, its inside hidden. In tests/consumers/ it is run. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build as esbuild } from "esbuild";
import { build } from "vite";
import { attwOf, pack, publintOf } from "../../scripts/lib/packed.mjs";
import { wrongIn } from "../../scripts/release/contents.mjs";
import { root } from "./bundled.mjs";

let project;
let installed;
let tarball;

before(async () => {
  project = mkdtempSync(join(tmpdir(), "longwait-package-"));
  ({ tarball, installed } = await pack(project));
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
});
after(() => rmSync(project, { recursive: true, force: true }));

const node = (script) => spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: project, encoding: "utf8" });

test("it holds what it needs and nothing else", () => {
  const files = execFileSync("find", [".", "-type", "f"], { cwd: installed, encoding: "utf8" }).trim().split("\n").sort();
  assert.deepEqual(
    files.filter((file) => !file.startsWith("./docs/")),
    [
      "./CHANGELOG.md",
      "./LICENSE",
      "./NOTICE",
      "./README.md",
      "./THIRD_PARTY.md",
      "./dist/ai.js",
      "./dist/ai.js.map",
      "./dist/ai/model.d.ts",
      "./dist/ai/tools.d.ts",
      "./dist/ai/transport.d.ts",
      "./dist/ai/turn.d.ts",
      "./dist/development/index.js",
      "./dist/development/node.js",
      "./dist/development/service-worker.js",
      "./dist/development/worker.js",
      "./dist/entries/ai.d.ts",
      "./dist/entries/index.d.ts",
      "./dist/entries/inline.d.ts",
      "./dist/entries/inspector.d.ts",
      "./dist/entries/langgraph.d.ts",
      "./dist/entries/nats.d.ts",
      "./dist/entries/observe.d.ts",
      "./dist/entries/opentelemetry.d.ts",
      "./dist/entries/react.d.ts",
      "./dist/entries/service-worker.d.ts",
      "./dist/entries/svelte.d.ts",
      "./dist/entries/testing.d.ts",
      "./dist/entries/vue.d.ts",
      "./dist/entries/worker.d.ts",
      "./dist/index.js",
      "./dist/index.js.map",
      "./dist/inline.js",
      "./dist/inspecting.js",
      "./dist/inspecting.js.map",
      "./dist/inspector.js",
      "./dist/inspector.js.map",
      "./dist/langgraph.js",
      "./dist/langgraph.js.map",
      "./dist/langgraph/saver.d.ts",
      "./dist/longwait_bg.wasm",
      "./dist/longwait_testing_bg.wasm",
      "./dist/nats-on-node.js",
      "./dist/nats-on-node.js.map",
      "./dist/nats.js",
      "./dist/nats.js.map",
      "./dist/node.js",
      "./dist/node.js.map",
      "./dist/observe.js",
      "./dist/observe.js.map",
      "./dist/observing.js",
      "./dist/observing.js.map",
      "./dist/opentelemetry.js",
      "./dist/opentelemetry.js.map",
      "./dist/react.js",
      "./dist/react.js.map",
      "./dist/react/provider.d.ts",
      "./dist/react/reads.d.ts",
      "./dist/react/writes.d.ts",
      "./dist/schema.js",
      "./dist/schema.js.map",
      "./dist/service-worker.js",
      "./dist/service-worker.js.map",
      "./dist/svelte.js",
      "./dist/svelte.js.map",
      "./dist/testing.js",
      "./dist/testing.js.map",
      "./dist/types/definitions.d.ts",
      "./dist/types/errors.d.ts",
      "./dist/types/nats.d.ts",
      "./dist/types/observe.d.ts",
      "./dist/types/public.d.ts",
      "./dist/types/service-worker.d.ts",
      "./dist/types/testing.d.ts",
      "./dist/vue.js",
      "./dist/vue.js.map",
      "./dist/worker.js",
      "./dist/worker.js.map",
      "./package.json",
    ],
  );
});

test("every link of its README and guides leads to a file of the package", () => {
  const guides = readdirSync(join(installed, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  assert.ok(guides.length > 4);
  for (const page of ["README.md", "CHANGELOG.md", ...guides]) {
    const text = readFileSync(join(installed, page), "utf8");
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g))
      assert.ok(existsSync(join(installed, dirname(page), target)), `${page}: ${target}`);
    // What the package does not hold is in the repository.
    for (const [, target] of text.matchAll(/\]\(https:\/\/github\.com\/longwait\/longwait\/blob\/main\/([^)#\s]+)/g))
      assert.ok(existsSync(join(root, target)), `${page}: ${target}`);
    for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)) {
      const headings = readFileSync(join(installed, target === "" ? page : join(dirname(page), target)), "utf8").matchAll(/^#+ (.*)$/gm);
      assert.ok(
        Array.from(headings, ([, heading]) =>
          heading
            .toLowerCase()
            .replace(/[^\w ]/g, "")
            .replaceAll(" ", "-"),
        ).includes(anchor),
        `${page}: #${anchor}`,
      );
    }
  }
});

test("publint finds nothing to suggest", async () => assert.deepEqual(await publintOf(installed), []));

test("TypeScript finds the types of each entry, in all of its ways to resolve modules that know of ES modules", async () => {
  const { isFine, output } = await attwOf(tarball);
  assert.ok(isFine, output);
});

test("npm shows where its documentation, its code and its issues are", () => {
  const { homepage, repository, bugs, author, keywords } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const address of [homepage, repository.url.replace(/^git\+/, ""), bugs.url]) assert.equal(new URL(address).protocol, "https:");
  // npm leads relative links of README there.
  assert.match(repository.url, /^git\+https:\/\/github\.com\/.+\.git$/);
  assert.ok(author.length > 0 && keywords.length > 5);
});

test("it names the project that it is a build of", () => {
  assert.match(readFileSync(join(installed, "NOTICE"), "utf8"), /lash-core/);
});

test("it needs no other package, and runs nothing when it is installed", () => {
  const { dependencies, peerDependencies, peerDependenciesMeta, optionalDependencies, scripts } = JSON.parse(
    readFileSync(join(installed, "package.json"), "utf8"),
  );
  assert.deepEqual([dependencies, optionalDependencies], [undefined, undefined]);
  // A framework is there already where its entry is imported.
  for (const name of Object.keys(peerDependencies)) assert.deepEqual(peerDependenciesMeta[name], { optional: true });
  for (const script of ["preinstall", "install", "postinstall"]) assert.equal(scripts?.[script], undefined);
});

test("it holds no eval, so that a strict content security policy may refuse it", () => {
  for (const file of [
    "ai.js",
    "development/index.js",
    "index.js",
    "inline.js",
    "inspecting.js",
    "inspector.js",
    "langgraph.js",
    "node.js",
    "observe.js",
    "observing.js",
    "opentelemetry.js",
    "react.js",
    "service-worker.js",
    "svelte.js",
    "vue.js",
    "worker.js",
  ]) {
    assert.doesNotMatch(readFileSync(join(installed, "dist", file), "utf8"), /\beval\s*\(|new Function\b/);
  }
});

test("Node finds the WebAssembly by name, and nothing of the inside", () => {
  const { stdout, stderr } = node(`
    const outcomes = [];
    for (const path of ["longwait", "longwait/worker", "longwait/service-worker", "longwait/inline", "longwait/observe", "longwait/inspector", "longwait/react", "longwait/vue", "longwait/svelte", "longwait/longwait_bg.wasm", "longwait/package.json", "longwait/dist/index.js", "longwait/observing", "longwait/dist/registry.js", "longwait/js/check.ts"]) {
      try { outcomes.push(import.meta.resolve(path).split("node_modules/longwait/")[1]); } catch (error) { outcomes.push(error.code); }
    }
    console.log(JSON.stringify(outcomes));
  `);
  const hidden = "ERR_PACKAGE_PATH_NOT_EXPORTED";
  assert.deepEqual(JSON.parse(stdout || JSON.stringify(stderr)), [
    "dist/node.js",
    "dist/worker.js",
    "dist/service-worker.js",
    "dist/inline.js",
    "dist/observe.js",
    "dist/inspector.js",
    "dist/react.js",
    "dist/vue.js",
    "dist/svelte.js",
    "dist/longwait_bg.wasm",
    "package.json",
    hidden,
    hidden,
    hidden,
    hidden,
  ]);
});

test("CommonJS code can import it, too", () => {
  writeFileSync(join(project, "main.cjs"), `import("longwait").then(({ openRegistry }) => console.log(typeof openRegistry));`);
  assert.equal(execFileSync(process.execPath, ["main.cjs"], { cwd: project, encoding: "utf8" }).trim(), "function");
});

describe("an app with a driver in a worker", () => {
  let app;
  before(() => {
    app = page(join(project, "with-worker"));
    writeFileSync(
      join(app, "main.js"),
      `
      import { openRegistry } from "longwait";
      import { driveIn } from "longwait/worker";
      const registry = await openRegistry();
      const { owner } = await driveIn(new Worker(new URL("./jobs.js", import.meta.url), { type: "module" }));
      console.log(registry.owner, owner);
    `,
    );
    writeFileSync(
      join(app, "jobs.js"),
      `import { drive } from "longwait/worker";\ndrive({ runners: { double: ({ process }) => process.input.payload * 2 } });\n`,
    );
  });

  test("is built by Vite, with one WebAssembly for the page and the worker", async () => {
    const { output } = await build({ root: app, configFile: false, logLevel: "error" });
    assert.equal(output.filter(({ fileName }) => fileName.endsWith(".wasm")).length, 1);
    assert.equal(output.filter(({ fileName }) => /jobs.*\.js$/.test(fileName)).length, 1);
  });

  test("is built by esbuild, with one copy of the package for the page and the worker", async () => {
    const { metafile } = await esbuild({
      absWorkingDir: app,
      entryPoints: ["main.js", "jobs.js"],
      outdir: "built",
      bundle: true,
      splitting: true,
      format: "esm",
      metafile: true,
      logLevel: "error",
    });
    const holding = Object.values(metafile.outputs).filter(({ inputs }) =>
      Object.keys(inputs).some((file) => file.endsWith("longwait/dist/index.js")),
    );
    assert.equal(holding.length, 1);
  });
});

test("a page that only starts and awaits bundles the definition, and nothing of what runs it", async () => {
  const app = page(join(project, "with-definition"));
  const files = {
    "uploads.js": `import { defineProcess } from "longwait";\nexport const uploads = defineProcess({ kind: "kind of an upload" });\n`,
    "upload.js": `import { uploads } from "./uploads.js";\nexport const upload = uploads.implement(() => "what runs an upload");\n`,
    "main.js": `
      import { openRegistry } from "longwait";
      import { uploads } from "./uploads.js";
      const registry = await openRegistry();
      console.log(await registry.execute(uploads, { url: "/" }));
    `,
    "jobs.js": `import { drive } from "longwait/worker";\nimport { upload } from "./upload.js";\ndrive({ processes: [upload] });\n`,
  };
  for (const [file, code] of Object.entries(files)) writeFileSync(join(app, file), code);
  const { outputFiles } = await esbuild({
    absWorkingDir: app,
    entryPoints: ["main.js", "jobs.js"],
    outdir: "built",
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "error",
  });
  const holds = (text) => outputFiles.map((file) => file.text.includes(text));
  assert.deepEqual(
    [holds("kind of an upload"), holds("what runs an upload")],
    [
      [true, true],
      [false, true],
    ],
  );
});

test("TypeScript finds its types, in the strictest mode and without the types of Node", () => {
  writeFileSync(
    join(project, "app.ts"),
    `
    import { isProcessError, openRegistry, ProcessError, type ProcessEvent, type ProcessRegistry } from "longwait";
    export async function run(): Promise<number> {
      await using registry: ProcessRegistry = await openRegistry({ storage: "memory", sink: (event: ProcessEvent) => void event.sequence });
      try {
        const output = await registry.awaiter.awaitTerminal("p", { timeoutMs: 1 });
        return output.type === "success" ? 0 : 1;
      } catch (error) {
        if (isProcessError(error, "timeout")) return error.code.length;
        throw new ProcessError("why", { cause: error });
      }
    }
  `,
  );
  compiles("app.ts", "es2022,dom");
});

test("TypeScript finds those of the worker's entry, in a page and in a worker", () => {
  writeFileSync(
    join(project, "page.ts"),
    `
    import { driveIn, type WorkerDriver } from "longwait/worker";
    export const inWorker = (): Promise<WorkerDriver> => driveIn(new Worker("jobs.js", { type: "module" }));
    export const inShared = async (): Promise<void> => (await driveIn(new SharedWorker("jobs.js", { type: "module" }))).stop();
  `,
  );
  writeFileSync(
    join(project, "jobs.ts"),
    `
    import { drive } from "longwait/worker";
    const { registry } = await drive({ open: { name: "jobs" }, runners: { double: async ({ step }) => step("once", () => 2) }, concurrency: 4 });
    console.log(registry.owner.ownerId);
  `,
  );
  compiles("page.ts", "es2022,dom");
  compiles("jobs.ts", "es2022,webworker");
});

describe("an app in React", () => {
  let app;
  before(() => {
    app = page(join(project, "with-react"));
    mkdirSync(join(project, "node_modules", "@types"), { recursive: true });
    for (const name of ["react", "react-dom", "scheduler", "csstype", "@types/react", "@types/react-dom"])
      symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
    writeFileSync(
      join(app, "main.js"),
      `
      import { createElement as h } from "react";
      import { createRoot } from "react-dom/client";
      import { observe } from "longwait/observe";
      import { RegistryProvider, useProcesses } from "longwait/react";
      const List = () => useProcesses().value?.map(({ id }) => id).join();
      createRoot(document.body).render(h(RegistryProvider, { open: {} }, h(List)));
      console.log(observe);
    `,
    );
  });

  test("is built by Vite, with one copy of the package and of what observes it", async () => {
    const { output } = await build({ root: app, configFile: false, logLevel: "error" });
    assert.equal(output.filter(({ fileName }) => fileName.endsWith(".wasm")).length, 1);
    const modules = output.flatMap((chunk) => Object.keys(chunk.modules ?? {})).filter((file) => file.includes("longwait/dist/"));
    assert.deepEqual(modules.map((file) => file.split("longwait/dist/")[1]).sort(), [
      "index.js",
      "observe.js",
      "observing.js",
      "react.js",
      "schema.js",
    ]);
  });

  test("is for the browser where components are rendered on a server", () => {
    assert.match(readFileSync(join(installed, "dist", "react.js"), "utf8"), /^"use client";/);
  });

  test("is typed by its definitions, without a cast", () => {
    writeFileSync(
      join(project, "app.tsx"),
      `
      import { defineProcess } from "longwait";
      import { observe, type Snapshot } from "longwait/observe";
      import { Driver, RegistryProvider, useLatestEvent, useProcess, useProcessEvents, useProcesses, useResult, useSignal, useStart, useStream } from "longwait/react";

      const upload = defineProcess<{ url: string }, { bytes: number }, { part: { n: number } }, { pause: boolean }>({ kind: "upload", events: { part: true } });
      const run = upload.implement(async ({ input }) => ({ bytes: input.url.length }));

      function Upload({ id }: { id: string }): string | number {
        const { value: record } = useProcess(upload, id);
        const done: Snapshot<boolean> = useProcess(upload, id, { select: ({ status }) => status.state === "completed" });
        const result = useResult(upload, id);
        const part = useLatestEvent(upload, id, "part").value?.payload.n ?? 0;
        const parts = useProcessEvents(upload, id, { types: ["part", "signal.pause"] }).value ?? [];
        const pauses: boolean[] = parts.flatMap((event) => (event.eventType === "signal.pause" ? [event.payload] : []));
        const words: readonly string[] | undefined = useStream<string>(id, "words").value?.values;
        const send = useSignal(upload, id);
        void send("pause", true);
        // @ts-expect-error: no such signal
        void send("stop", true);
        // @ts-expect-error: no such event
        useLatestEvent(upload, id, "other");
        if (record?.status.state === "completed") return record.status.awaitOutput.value.bytes;
        if (record?.status.state === "failed") return record.status.awaitOutput.code;
        if (result.status === "completed") return result.value.bytes;
        if (result.status === "failed") return result.error.code;
        return record?.input.payload.url ?? String([done, part, pauses, words]);
      }

      function List() {
        const { start, isPending, error, handle } = useStart(upload);
        const { value: uploads = [], hasMore, loadMore } = useProcesses(upload, { filter: { status: "any" }, order: "newest", limit: 20 });
        void start({ url: "/" }, { id: "u" });
        // @ts-expect-error: no such input
        void start({ address: "/" });
        void handle?.result().then(({ bytes }) => bytes.toFixed());
        return [...uploads.map(({ input }) => input.payload.url), isPending, error?.message, hasMore, loadMore].map(String);
      }

      export const app = <RegistryProvider open={{ name: "app" }}><Driver processes={[run]} /><Upload id="u" /><List /></RegistryProvider>;

      export async function plain(registry: Parameters<typeof observe>[0]): Promise<number> {
        const { getSnapshot } = observe(registry, { type: "processes", definition: upload, limit: 3 });
        const { value = [], hasMore } = getSnapshot();
        return value.map(({ input }) => input.payload.url).length + Number(hasMore);
      }
    `,
    );
    compiles("app.tsx", "es2022,dom", "--jsx", "react-jsx", "--skipLibCheck");
  });
});

/** A folder with a page that runs its `main.js`. */
function page(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.html"), `<!doctype html><script type="module" src="/main.js"></script>`);
  return folder;
}

function compiles(file, lib, ...more) {
  const options = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--target",
    "es2022",
    "--lib",
    lib,
    "--module",
    "nodenext",
    "--moduleResolution",
    "nodenext",
    ...more,
  ];
  const { status, stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...options, file], {
    cwd: project,
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout);
}
