/** What is attached to processes, through the built package. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, open, openRegistry, refusal } from "./registry.mjs";

const text = (value, type = "text/plain") => new Blob([value], { type });
const job = (id, more) => ({ id, input: { type: "engine", kind: "job" }, ...more });
const listed = (infos) => infos?.map(({ name, size, type }) => [name, size, type]);

describe("an attachment", () => {
  test("of a registration is listed by the record, and read back as it was", async (t) => {
    const registry = await open(t);
    const before = Date.now();
    const record = await registry.registerProcess(external("p", { attachments: { note: text("hello"), empty: new Blob([]) } }));
    assert.deepEqual(listed(record.attachments), [
      ["note", 5, "text/plain"],
      ["empty", 0, ""],
    ]);
    assert.ok(record.attachments.every(({ updatedAtMs }) => updatedAtMs >= before && updatedAtMs <= Date.now()));
    assert.deepEqual(await registry.listAttachments("p"), record.attachments);
    const note = await registry.getAttachment("p", "note");
    assert.ok(note instanceof Blob);
    assert.deepEqual([await note.text(), note.type], ["hello", "text/plain"]);
    assert.equal((await registry.getAttachment("p", "empty")).size, 0);
    assert.equal(await registry.getAttachment("p", "other"), undefined);
  });

  test("is no part of what is compared when an id is registered again", async (t) => {
    const registry = await open(t);
    const first = await registry.registerProcess(external("p", { attachments: { note: text("one") } }));
    assert.deepEqual(await registry.registerProcess(external("p", { attachments: { note: text("two"), more: text("three") } })), first);
    assert.equal(await (await registry.getAttachment("p", "note")).text(), "one");
    assert.deepEqual(listed((await registry.registerProcess(external("q"))).attachments), undefined);
  });

  test("that is a File keeps its name and when it was modified", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(
      external("p", { attachments: { file: new File(["abc"], "a b.txt", { type: "text/plain", lastModified: 1234 }) } }),
    );
    const [info] = await registry.listAttachments("p");
    assert.deepEqual([info.fileName, info.lastModifiedMs], ["a b.txt", 1234]);
    const file = await registry.getAttachment("p", "file");
    assert.ok(file instanceof File);
    assert.deepEqual([file.name, file.lastModified, file.type, await file.text()], ["a b.txt", 1234, "text/plain", "abc"]);
  });

  test("may be bytes, of which a copy is made at the call", async (t) => {
    const registry = await open(t);
    const bytes = new Uint8Array([9, 1, 2, 3, 9]);
    const attached = registry.registerProcess(external("p", { attachments: { buffer: bytes.buffer, view: bytes.subarray(1, 4) } }));
    bytes.fill(0);
    await attached;
    const read = async (name) => [...new Uint8Array(await (await registry.getAttachment("p", name)).arrayBuffer())];
    assert.deepEqual(
      [await read("buffer"), await read("view")],
      [
        [9, 1, 2, 3, 9],
        [1, 2, 3],
      ],
    );
  });

  test("may come later, replace one of its name, and be deleted", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    await registry.putAttachment("p", "one", text("1"));
    const info = await registry.putAttachment("p", "two", text("22", "text/html"));
    assert.deepEqual([info.name, info.size, info.type], ["two", 2, "text/html"]);
    await registry.putAttachment("p", "one", text("111"));
    assert.deepEqual(listed(await registry.listAttachments("p")), [
      ["one", 3, "text/plain"],
      ["two", 2, "text/html"],
    ]);
    assert.equal(await (await registry.getAttachment("p", "one")).text(), "111");
    await registry.deleteAttachment("p", "one");
    await registry.deleteAttachment("p", "one");
    assert.deepEqual(listed((await registry.getProcess("p")).attachments), [["two", 2, "text/html"]]);
    assert.equal(await registry.getAttachment("p", "one"), undefined);
  });

  test("of an ended process can be read and deleted, and none is added", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { attachments: { note: text("x") } }));
    await registry.completeProcess("p", { type: "success", value: null });
    await assert.rejects(registry.putAttachment("p", "more", text("y")), refusal("process_terminal", "p"));
    assert.equal(await (await registry.getAttachment("p", "note")).text(), "x");
    await registry.deleteAttachment("p", "note");
    assert.equal((await registry.getProcess("p")).attachments, undefined);
  });

  test("goes with its process", async (t) => {
    const registry = await open(t);
    for (const id of ["pruned", "deleted"]) {
      await registry.registerProcess(external(id, { attachments: { note: text(id) } }));
      await registry.completeProcess(id, { type: "success", value: null });
    }
    await registry.deleteProcess("deleted");
    await registry.pruneTerminalProcesses(Date.now() + 1_000);
    for (const id of ["pruned", "deleted"]) {
      await assert.rejects(registry.getAttachment(id, "note"), refusal("unknown_process", id));
      await registry.registerProcess(external(id));
      assert.equal(await registry.getAttachment(id, "note"), undefined);
    }
  });

  test("is there in a fork, too", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(job("p", { attachments: { note: text("x") } }));
    const fork = await registry.forkProcess("p", { newId: "q", from: "start" });
    assert.deepEqual(listed(fork.attachments), [["note", 1, "text/plain"]]);
    await registry.deleteProcess("p", { force: true });
    assert.equal(await (await registry.getAttachment("q", "note")).text(), "x");
  });

  test("is read and written by a run, and given to a child", async (t) => {
    const registry = await open(t);
    const driver = registry.driver({
      runners: {
        async job({ attachment, putAttachment, startChild }) {
          const note = await (await attachment("note")).text();
          await putAttachment("answer", text(note.toUpperCase()));
          const input = { type: "engine", kind: "child" };
          return (await startChild({ input, attachments: { note: text("of the child") } }, { key: "c" })).result();
        },
        child: async ({ attachment }) => (await attachment("note")).text(),
      },
    });
    driver.start();
    await registry.registerProcess(job("p", { attachments: { note: text("x") } }));
    assert.deepEqual(await registry.awaitTerminal("p"), { type: "success", value: "of the child" });
    assert.equal(await (await registry.getAttachment("p", "answer")).text(), "X");
    await driver.stop();
  });

  test("is written under a lease only while that is held", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p"));
    const { lease } = await registry.claimProcessLease("p", registry.owner, 60_000);
    await registry.putAttachment("p", "note", text("x"), { lease });
    await registry.completeProcessLease(lease);
    await assert.rejects(registry.putAttachment("p", "note", text("y"), { lease }), refusal("lease_lost", "p"));
    assert.equal(await (await registry.getAttachment("p", "note")).text(), "x");
  });

  test("that is none is refused with its path, and nothing is stored", async (t) => {
    const registry = await open(t);
    const refused = (attachments) => assert.rejects(registry.registerProcess(external("p", { attachments })), refusal("invalid_argument"));
    await assert.rejects(
      registry.registerProcess(external("p", { attachments: { a: text("x"), b: "text" } })),
      ({ code, message }) => code === "invalid_argument" && message.startsWith("registration.attachments.b: must be a Blob"),
    );
    for (const value of [undefined, null, 1, {}, [], "text", new Date(), { size: 1, type: "" }, Object.create(Blob.prototype)]) {
      await refused({ a: value });
      await assert.rejects(registry.putAttachment("q", "a", value), refusal("invalid_argument"));
    }
    for (const value of [[text("x")], new Map(), "a", { "": text("x") }, { " ": text("x") }, { ["n".repeat(1_025)]: text("x") }])
      await refused(value);
    assert.equal(await registry.getProcess("p"), undefined);
    await assert.rejects(registry.putAttachment("unknown", "a", text("x")), refusal("unknown_process", "unknown"));
  });

  test("beyond the thousandth is refused, and one of them can still be replaced", async (t) => {
    const registry = await open(t);
    const attachments = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`a${n}`, new Uint8Array(1)]));
    await registry.registerProcess(external("p", { attachments }));
    await assert.rejects(registry.putAttachment("p", "more", text("x")), refusal("invalid_argument", "p"));
    await registry.putAttachment("p", "a999", text("xyz"));
    assert.equal((await registry.listAttachments("p")).at(-1).size, 3);
  });

  test("can be used once the registry is closed", async (t) => {
    const registry = await openRegistry({ storage: "memory" });
    await registry.registerProcess(external("p", { attachments: { note: text("x") } }));
    const note = await registry.getAttachment("p", "note");
    await registry.close();
    assert.equal(await note.text(), "x");
    await assert.rejects(registry.getAttachment("p", "note"), refusal("closed"));
    t.diagnostic("a Blob is not the registry's");
  });
});
