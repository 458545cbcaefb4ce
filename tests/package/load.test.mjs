/** Importing the package does nothing; opening loads the WebAssembly once, from wherever it is. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import { root } from "./bundled.mjs";

const address = (file) => pathToFileURL(join(root, "dist", file));
const bytes = await readFile(address("longwait_bg.wasm"));

/** A copy of an entry that has loaded nothing yet. */
let copies = 0;
const fresh = (entry) => import(`${address(entry)}?copy=${++copies}`);

/** Replaces fetch for one test; `answers` are given out one by one, the last one again and again. */
function serve(t, ...answers) {
  const fetched = mock.method(globalThis, "fetch", async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer();
  });
  t.after(() => fetched.mock.restore());
  return () => fetched.mock.calls.map(({ arguments: [what] }) => String(what));
}
const wasm =
  (type = "application/wasm") =>
  () =>
    new Response(bytes, { headers: { "content-type": type } });
const missing = () => new Response("not here", { status: 404 });

async function works({ openRegistry }, options) {
  const registry = await openRegistry({ storage: "memory", ...options });
  assert.equal((await registry.registerProcess({ id: "p", input: { type: "external" } })).id, "p");
  await registry.close();
}

describe("importing", () => {
  const exported = {
    "index.js":
      "NonRetryableError ProcessCancelledError ProcessError ProcessFailedError RetryableError defineProcess deleteRegistry isProcessError openRegistry waitAll waitFirst",
    "node.js":
      "NonRetryableError ProcessCancelledError ProcessError ProcessFailedError RetryableError defineProcess deleteRegistry isProcessError openRegistry waitAll waitFirst",
    "worker.js": "drive driveIn",
  };
  for (const [entry, names] of Object.entries(exported)) {
    test(`${entry} touches no global of a browser, no storage, no network and no WebAssembly`, () => {
      const script = `
        for (const name of ["window", "document", "self", "location", "navigator", "indexedDB", "localStorage", "BroadcastChannel", "fetch", "WebAssembly", "crypto", "Worker", "SharedWorker", "onconnect", "reportError"]) {
          Object.defineProperty(globalThis, name, { configurable: true, get() { throw new Error("touched " + name); } });
        }
        const before = new Set(Reflect.ownKeys(globalThis));
        const { ...module } = await import(${JSON.stringify(String(address(entry)))});
        const { ProcessError, isProcessError } = module;
        if (ProcessError && !isProcessError(new ProcessError("x", { code: "closed" }), "closed")) throw new Error("not its own");
        const added = Reflect.ownKeys(globalThis).filter((key) => !before.has(key));
        if (added.length > 0) throw new Error("added " + added.map(String));
        console.log(Object.keys(module).sort().join(" "));
      `;
      const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
      assert.equal(stdout.trim(), names, stderr);
    });
  }

  test("works where a page's address cannot be read, as in a worker made from a blob", () => {
    const script = `
      globalThis.self = { location: { origin: "http://localhost:1", pathname: "http://localhost:1/x", search: "" } };
      globalThis.location = self.location;
      await import(${JSON.stringify(String(address("index.js")))});
      console.log("imported");
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
    assert.equal(stdout.trim(), "imported", stderr);
  });

  test("a process that only imports and opens in memory ends by itself", () => {
    const script = `
      const { openRegistry } = await import(${JSON.stringify(String(address("node.js")))});
      const registry = await openRegistry({ storage: "memory" });
      await registry.registerProcess({ id: "p", input: { type: "external" } });
      await registry.awaiter.awaitTerminal("p", { timeoutMs: 1 }).catch(({ code }) => console.log(code));
    `;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
      timeout: 10_000,
    });
    assert.deepEqual([stdout.trim(), status], ["timeout", 0]);
  });
});

describe("loading", () => {
  test("in Node reads the file beside the package", async (t) => {
    const fetched = serve(t, missing);
    await works(await fresh("node.js"));
    assert.deepEqual(fetched(), []);
  });

  test("in a browser fetches the file beside the package, once for all who ask at the same time", async (t) => {
    const fetched = serve(t, wasm());
    const copy = await fresh("index.js");
    await Promise.all([works(copy), works(copy), works(copy)]);
    await works(copy);
    assert.deepEqual(fetched(), [String(address("longwait_bg.wasm"))]);
  });

  test("takes a server that names the wrong type", async (t) => {
    serve(t, wasm("text/plain"));
    const warned = mock.method(console, "warn", () => {});
    t.after(() => warned.mock.restore());
    await works(await fresh("index.js"));
    assert.equal(warned.mock.callCount(), 1);
  });

  const sources = {
    "the bytes": () => bytes,
    "an ArrayBuffer": () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    "a compiled module": () => WebAssembly.compile(bytes),
    "a response": wasm(),
    "a URL": () => address("longwait_bg.wasm"),
    "an address": () => String(address("longwait_bg.wasm")),
  };
  for (const [what, source] of Object.entries(sources)) {
    test(`takes ${what}`, async (t) => {
      const isAddress = what === "a URL" || what === "an address";
      const fetched = serve(t, wasm());
      await works(await fresh("index.js"), { wasm: await source() });
      assert.equal(fetched().length, isAddress ? 1 : 0);
      await works(await fresh("node.js"), { wasm: await source() });
      assert.equal(fetched().length, isAddress ? 1 : 0, "Node reads files itself");
    });
  }

  test("in Node fetches what is not a file", async (t) => {
    const fetched = serve(t, wasm());
    await works(await fresh("node.js"), { wasm: "https://example.com/x.wasm" });
    assert.deepEqual(fetched(), ["https://example.com/x.wasm"]);
  });

  test("that fails says from where and what to do, and is tried again by the next call", async (t) => {
    const offline = new TypeError("offline");
    const fetched = serve(t, missing, offline, wasm());
    const { openRegistry, ProcessError, ...rest } = await fresh("index.js");
    const failures = await Promise.allSettled([openRegistry({ storage: "memory" }), openRegistry({ storage: "memory" })]);
    for (const { reason } of failures) {
      assert.ok(reason instanceof ProcessError);
      assert.equal(reason.code, "internal");
      assert.match(reason.message, /could not load .*file:.*longwait_bg\.wasm.*openRegistry\(\{ wasm/);
      assert.ok(reason.cause instanceof Error);
    }
    assert.equal(fetched().length, 1);
    await assert.rejects(openRegistry({ storage: "memory" }), { code: "internal", cause: offline });
    await works({ openRegistry, ...rest });
    assert.equal(fetched().length, 3);
  });

  test("that fails where an older Vite has moved the code says what to configure", async (t) => {
    serve(t, missing);
    const { openRegistry } = await fresh("index.js");
    await assert.rejects(openRegistry({ wasm: "http://localhost/node_modules/.vite/deps/longwait_bg.wasm" }), /optimizeDeps/);
    await assert.rejects(openRegistry(), (error) => !error.message.includes("optimizeDeps"));
  });

  test("of something that is not the WebAssembly of this package fails and can be repeated", async () => {
    const copy = await fresh("node.js");
    // One that imports a function which nobody has: what another version of the package looks like.
    const other = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 97, 1, 98, 0, 0]);
    for (const wasm of [
      new Uint8Array(8),
      other,
      await WebAssembly.compile(other),
      "file:///nowhere/longwait_bg.wasm",
      new URL("file:///nowhere/x"),
      "no address at all",
    ]) {
      await assert.rejects(copy.openRegistry({ storage: "memory", wasm }), { name: "ProcessError", code: "internal" });
    }
    await works(copy);
  });

  test("of a valid module that is another one leaves nothing behind, whatever that exports", async (t) => {
    const fetched = serve(t, wasm());
    // No imports: each of these is valid and can be instantiated.
    const header = [0, 97, 115, 109, 1, 0, 0, 0];
    const empty = header;
    const trapping = [...header, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 8, 1, 0, 10, 5, 1, 3, 0, 0, 11]; // Its start function is `unreachable`.
    const started = [...header, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 20, 1, 16, ...Buffer.from("__wbindgen_start"), 0, 0, 10, 4, 1, 2, 0, 11];
    for (const other of [empty, trapping, started]) {
      const copy = await fresh("index.js");
      const [first, second] = [
        copy.openRegistry({ storage: "memory", wasm: new Uint8Array(other) }),
        copy.openRegistry({ storage: "memory" }),
      ];
      for (const opened of [first, second]) await assert.rejects(opened, { name: "ProcessError", code: "internal" });
      await works(copy, { wasm: bytes });
      await works(copy);
    }
    assert.deepEqual(fetched(), [], "what was given once serves again");
  });

  test("whose response was read before fails, and the next one works", async (t) => {
    serve(t, wasm());
    const copy = await fresh("index.js");
    const read = wasm()();
    await read.arrayBuffer();
    await assert.rejects(copy.openRegistry({ storage: "memory", wasm: read }), { code: "internal" });
    await works(copy);
  });

  test("checks the options before it loads anything", async (t) => {
    const fetched = serve(t, wasm());
    const { openRegistry } = await fresh("index.js");
    await assert.rejects(openRegistry({ storage: "disk" }), { code: "invalid_argument" });
    assert.deepEqual(fetched(), []);
  });
});
