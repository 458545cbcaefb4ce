/** Exports and imports, through the built package: what moves, what a file may be, and what a process is while it is read. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { external, eventTypes, isProcessError, open, openRegistry, settled, success } from "./registry.mjs";

/** All of an export as one text. */
async function textOf(exported) {
  let text = "";
  for await (const line of exported) text += line;
  return text;
}

const linesOf = async (exported) =>
  (await textOf(exported))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const fileOf = (lines) => new Blob(lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`));
const words = (lines) => lines.map((line) => Object.keys(line)[0]);

/** What an import is refused with. */
async function refusalOf(promise, code = "invalid_argument") {
  let refusal;
  await assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, code), `${error?.code}: ${error?.message}`);
    refusal = error;
    return true;
  });
  return refusal;
}

/** A registry with processes of several sorts. */
async function filled(t) {
  const registry = await open(t);
  await registry.registerProcess(external("host", { eventTypes, attachments: { empty: new Blob([]) } }));
  await registry.registerProcess({
    id: "job",
    input: { type: "engine", kind: "job", payload: { text: "é\u2028😀", numbers: [1.5, -0, 1e21], nothing: null } },
    identity: { kind: "job", label: "Job", definition: { v: 1 } },
    eventTypes: [
      { name: "note", payloadSchema: { type: "object" } },
      { name: "ring", semantics: { wake: { input: "payload" } } },
    ],
    wakeTarget: { sessionId: "s" },
    labels: { user: "u" },
    retry: { maxAttempts: 2 },
    concurrencyKey: "k",
    deadlineAtMs: Date.now() + 1e9,
    attachments: {
      file: new File(["hello"], "a.txt", { type: "text/plain", lastModified: -5 }),
      large: new Uint8Array(500_000).map((_, place) => place % 251),
    },
  });
  await registry.appendEvent("job", { eventType: "note", payload: { a: 1 }, replayKey: "n1" });
  await registry.appendEvents("job", [
    { eventType: "ring", payload: "up" },
    { eventType: "ring", payload: "again" },
  ]);
  await registry.ackWake("job", 2);
  await registry.signal("job", "go", { x: 1 }, { signalId: "once" });
  await registry.setExternalRef("job", { backend: "b", id: "i", metadata: null });
  await registry.pauseProcess("job", "lunch");
  await registry.registerProcess(external("over", { eventTypes, provenance: { originator: { type: "host" }, causedBy: { why: "so" } } }));
  await registry.completeProcess("over", success({ value: 1 }));
  await registry.appendEvent("over", { eventType: "progress" });
  return registry;
}

describe("an export", () => {
  test("is imported elsewhere, and exported there alike", async (t) => {
    const registry = await filled(t);
    const text = await textOf(registry.exportProcesses());
    const other = await open(t);
    assert.deepEqual(await other.importProcesses(registry.exportProcesses()), { imported: ["host", "job", "over"], existing: [] });
    assert.equal(await textOf(other.exportProcesses()), text);
    for (const id of ["host", "job", "over"]) {
      assert.deepEqual(await other.getProcess(id), await registry.getProcess(id));
      assert.deepEqual(await other.eventsAfter(id, 0), await registry.eventsAfter(id, 0));
    }
    assert.deepEqual(
      (await other.wakeEventsAfter("job", 0)).map(({ sequence }) => sequence),
      [3],
    );
    const file = await other.getAttachment("job", "file");
    assert.deepEqual([file.name, file.type, file.lastModified, await file.text()], ["a.txt", "text/plain", -5, "hello"]);
    const large = new Uint8Array(await (await other.getAttachment("job", "large")).arrayBuffer());
    assert.ok(large.length === 500_000 && large.every((byte, place) => byte === place % 251));
    assert.equal(await other.countProcesses({ labels: { user: "u" } }), 1);
  });

  test("takes the form of a stream of bytes, of texts, of a Blob, or of pieces of any size", async (t) => {
    const registry = await filled(t);
    const text = await textOf(registry.exportProcesses());
    const bytes = new TextEncoder().encode(text);
    const pieces = (of, size) =>
      (async function* () {
        for (let at = 0; at < of.length; at += size) yield of.slice(at, at + size);
      })();
    for (const source of [
      registry.exportProcesses().toReadableStream(),
      registry.exportProcesses().toReadableStream().pipeThrough(new TextDecoderStream()),
      new Blob([bytes]),
      new Blob([text.trimEnd().replaceAll("\n", "\r\n\r\n")]),
      pieces(text, 9_973),
      pieces(bytes, 9_973),
    ]) {
      const other = await openRegistry({ storage: "memory" });
      assert.equal((await other.importProcesses(source)).imported.length, 3);
      assert.equal(await textOf(other.exportProcesses()), text);
      await other.close();
    }
  });

  test("is of the processes that are named, or fit a filter of any status", async (t) => {
    const registry = await filled(t);
    const exported = async (options) => (await linesOf(registry.exportProcesses(options))).flatMap(({ end }) => end ?? []);
    assert.deepEqual(await exported(), ["host", "job", "over"]);
    assert.deepEqual(await exported({ ids: ["over", "host", "over"] }), ["over", "host"]);
    assert.deepEqual(await exported({ ids: [] }), []);
    assert.deepEqual(await exported({ filter: { kind: "external" } }), ["host", "over"]);
    assert.deepEqual(await exported({ filter: { status: "running", labels: { user: "u" } } }), ["job"]);
    const unknown = await refusalOf(textOf(registry.exportProcesses({ ids: ["host", "unknown"] })), "unknown_process");
    assert.equal(unknown.processId, "unknown");
    for (const [options, path] of [
      [{ ids: ["host"], filter: {} }, "options: takes ids or a filter, not both"],
      [{ ids: "host" }, "options.ids: "],
      [{ ids: [" "] }, "options.ids[0]: "],
      [{ filter: { kinds: "a" } }, "options.filter.kinds: "],
      [{ all: true }, "options.all: "],
    ])
      assert.throws(() => registry.exportProcesses(options), {
        code: "invalid_argument",
        message: new RegExp(`^${path.replace(/[[\].]/g, "\\$&")}`),
      });
  });

  test("reads as it is asked for, in pages, and can be left at any line", async (t) => {
    const registry = await open(t);
    const ids = Array.from({ length: 40 }, (_, n) => `p${String(n).padStart(2, "0")}`);
    await registry.registerProcesses(ids.map((id) => external(id)));
    const lines = registry.exportProcesses()[Symbol.asyncIterator]();
    assert.ok((await lines.next()).value.endsWith("\n"));
    await lines.next();
    // What is not begun to be read is exported as it is then.
    await registry.setProcessWait("p39", { kind: "signal", name: "go", eventType: "signal.go", key: "k", ordinal: 1, sinceMs: 1 });
    await registry.deleteProcess("p38", { force: true });
    let rest = "";
    for (let at = await lines.next(); !at.done; at = await lines.next()) rest += at.value;
    assert.ok(rest.includes('"wait":{"kind":"signal"') && !rest.includes('"end":"p38"'));
    assert.ok(rest.endsWith('{"complete":{"processes":39}}\n'));
    const left = registry.exportProcesses()[Symbol.asyncIterator]();
    await left.next();
    await left.return();
    assert.deepEqual(await left.next(), { done: true, value: undefined });
    await registry.exportProcesses().toReadableStream().cancel();
  });

  test("has lines of bounded size, whatever is attached", async (t) => {
    const registry = await open(t);
    await registry.registerProcess(external("p", { attachments: { a: new Uint8Array(1_000_000) } }));
    const sizes = (await linesOf(registry.exportProcesses())).flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes.length]));
    assert.deepEqual(sizes, [262_144, 262_144, 262_144, 262_144, 262_144, 22_616]);
  });

  test("ends with its registry", async (t) => {
    const registry = await filled(t);
    const lines = registry.exportProcesses()[Symbol.asyncIterator]();
    await lines.next();
    await registry.close();
    await refusalOf(lines.next(), "closed");
    assert.throws(() => registry.exportProcesses(), { code: "closed" });
    await refusalOf(registry.importProcesses(new Blob([])), "closed");
  });
});

describe("a process that changes while it is exported", () => {
  /** The lines of an export, with something done once a line of that word came. */
  async function disturbed(registry, word, disturb) {
    const lines = [];
    let isDone = false;
    for await (const text of registry.exportProcesses()) {
      const line = JSON.parse(text);
      lines.push(line);
      if (isDone || !(word in line)) continue;
      isDone = true;
      await disturb();
    }
    return lines;
  }

  async function withFile(t) {
    const registry = await open(t);
    await registry.registerProcess(external("p", { eventTypes, attachments: { a: new Blob(["1"]), b: new Blob(["1"]) } }));
    await registry.appendEvent("p", { eventType: "progress" });
    return registry;
  }

  test("is exported as it was when its first line was read", async (t) => {
    const registry = await withFile(t);
    const before = await linesOf(registry.exportProcesses());
    const lines = await disturbed(registry, "process", async () => {
      await registry.appendEvent("p", { eventType: "progress" });
      await registry.completeProcess("p", success(1));
    });
    assert.deepEqual(lines, before);
  });

  test("is withdrawn and read anew where what was attached is replaced", async (t) => {
    const registry = await withFile(t);
    const lines = await disturbed(registry, "attachment", async () => {
      await registry.putAttachment("p", "b", new Blob(["22"]));
    });
    assert.deepEqual(words(lines), [
      ...["longwait", "process", "event", "attachment", "bytes", "withdrawn"],
      ...["process", "event", "attachment", "bytes", "attachment", "bytes", "end", "complete"],
    ]);
    const other = await open(t);
    assert.deepEqual(await other.importProcesses(fileOf(lines)), { imported: ["p"], existing: [] });
    assert.equal(await (await other.getAttachment("p", "b")).text(), "22");
    assert.deepEqual(await linesOf(other.exportProcesses()), await linesOf(registry.exportProcesses()));
  });

  test("is withdrawn where it is removed, also where its id begins another life", async (t) => {
    const registry = await withFile(t);
    const gone = await disturbed(registry, "process", () => registry.deleteProcess("p", { force: true }));
    assert.deepEqual(words(gone), ["longwait", "process", "withdrawn", "complete"]);
    const other = await open(t);
    assert.deepEqual(await other.importProcesses(fileOf(gone)), { imported: [], existing: [] });
    await registry.registerProcess(external("p", { eventTypes, attachments: { a: new Blob(["1"]) } }));
    await registry.appendEvent("p", { eventType: "progress", payload: "of the second life" });
    const again = await disturbed(registry, "process", async () => {
      await registry.deleteProcess("p", { force: true });
      await registry.registerProcess(external("p", { eventTypes }));
      await registry.appendEvent("p", { eventType: "progress", payload: "of the third life" });
    });
    assert.deepEqual(words(again), ["longwait", "process", "withdrawn", "process", "event", "end", "complete"]);
    await other.importProcesses(fileOf(again));
    assert.equal((await other.eventsAfter("p", 0))[0].payload, "of the third life");
  });

  test("is refused where it changes each time that it is read", async (t) => {
    const registry = await withFile(t);
    let number = 0;
    async function export_() {
      for await (const text of registry.exportProcesses())
        if ("attachment" in JSON.parse(text)) await registry.putAttachment("p", "b", new Blob(["x".repeat(++number + 1)]));
    }
    await refusalOf(export_(), "conflict");
  });

  test("is withdrawn where its end removes the chunks that were to be read", async (t) => {
    const registry = await open(t);
    let end;
    const ending = new Promise((resolve) => (end = resolve));
    const driver = registry.driver({
      runners: {
        async job({ stream }) {
          for (const name of ["a", "b"]) {
            const out = await stream(name, { keep: "untilTerminal" });
            await out.append(name);
            await out.flush();
          }
          await ending;
        },
      },
    });
    t.after(() => driver.stop());
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
    driver.start();
    while (((await registry.listStreams("p")).at(1)?.chunks ?? 0) === 0) await settled();
    const lines = await disturbed(registry, "chunks", async () => {
      end();
      await registry.awaitTerminal("p");
    });
    assert.deepEqual(words(lines).slice(0, 6), ["longwait", "process", "stream", "chunks", "stream", "withdrawn"]);
    const other = await open(t);
    assert.deepEqual((await other.importProcesses(fileOf(lines))).imported, ["p"]);
    assert.deepEqual(await other.listStreams("p"), await registry.listStreams("p"));
    assert.deepEqual(await other.awaitTerminal("p"), await registry.awaitTerminal("p"));
  });
});

describe("what is imported", () => {
  test("continues where it stood: steps are replayed, timers keep their times, signals are taken", async (t) => {
    const calls = [];
    const runner = (where) => ({
      async job({ step, sleep, waitForSignal, stream, attempt }) {
        const value = await step("first", () => (calls.push(where), `made ${where}`));
        const out = await stream("lines", { resume: true });
        await out.append(`attempt ${attempt}`);
        await out.flush();
        await sleep("nap", 1);
        const { payload } = await waitForSignal("go");
        return { value, payload };
      },
    });
    const here = await open(t);
    await here.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
    const driver = here.driver({ runners: runner("here") });
    driver.start();
    while ((await here.getProcess("p")).wait?.kind !== "signal") await settled();
    await driver.stop();
    const there = await open(t);
    await there.importProcesses(here.exportProcesses());
    const other = there.driver({ runners: runner("there") });
    t.after(() => other.stop());
    other.start();
    await there.signal("p", "go", 7);
    assert.deepEqual(await there.awaitTerminal("p"), success({ value: "made here", payload: 7 }));
    assert.deepEqual(calls, ["here"]);
    assert.deepEqual(
      (await there.exportProcesses()[Symbol.asyncIterator]().next(), await there.listStreams("p")).map(({ chunks }) => chunks),
      [2],
    );
    assert.equal((await here.getProcess("p")).status.state, "running", "the source is as it was");
  });

  test("continues under other ids, with its children", async (t) => {
    const runners = {
      async parent({ startChild }) {
        const child = await startChild({ input: { type: "engine", kind: "child" } }, { key: "c" });
        return { from: await child.result() };
      },
      async child({ waitForSignal }) {
        return (await waitForSignal("go")).payload;
      },
    };
    const here = await open(t);
    await here.registerProcess({ id: "p", input: { type: "engine", kind: "parent" } });
    const driver = here.driver({ runners });
    driver.start();
    while ((await here.getProcess("p/c"))?.wait?.kind !== "signal") await settled();
    await driver.stop();
    const copied = await here.importProcesses(here.exportProcesses(), { ids: (id) => `copy-${id}` });
    assert.deepEqual(copied, { imported: ["copy-p", "copy-p/c"], existing: [] });
    assert.equal((await here.getProcess("copy-p/c")).parentId, "copy-p");
    const other = here.driver({ runners });
    t.after(() => other.stop());
    await here.signal("copy-p/c", "go", "of the copy");
    await here.signal("p/c", "go", "of the original");
    other.start();
    assert.deepEqual(await here.awaitTerminal("copy-p"), success({ from: "of the copy" }));
    assert.deepEqual(await here.awaitTerminal("p"), success({ from: "of the original" }));
    assert.deepEqual((await here.listProcesses({ status: "any" })).length, 4);
  });

  test("stays as it is where it is here already, and is refused where that differs", async (t) => {
    const registry = await filled(t);
    const lines = await linesOf(registry.exportProcesses());
    const cursor = (await registry.changedSince()).cursor;
    assert.deepEqual(await registry.importProcesses(fileOf(lines)), { imported: [], existing: ["host", "job", "over"] });
    assert.deepEqual((await registry.changedSince(cursor)).records, []);
    const at = lines.findIndex(({ bytes }) => bytes === btoa("hello"));
    const other = lines.with(at, { bytes: btoa("hullo") });
    const refusal = await refusalOf(registry.importProcesses(fileOf(other)), "registration_conflict");
    assert.match(
      refusal.message,
      /^line \d+: process `job` is here already, and is not what is imported: attachment `file`; 0 processes were imported before it \(/,
    );
    assert.deepEqual(refusal.report, { imported: [], existing: ["host"] });
    await registry.appendEvent("host", { eventType: "progress" });
    const moved = await refusalOf(registry.importProcesses(fileOf(lines)), "registration_conflict");
    assert.deepEqual([moved.processId, moved.report], ["host", { imported: [], existing: [] }]);
    assert.match(moved.message, /process\.updatedAtMs|process\.lastSequence/);
  });

  test("is heard of by waits, lists and listeners, and not shown to the sink", async (t) => {
    const registry = await filled(t);
    const shown = [];
    const other = await open(t, { sink: (event) => void shown.push(event) });
    const heard = [];
    other.onChange((id) => heard.push(id));
    await other.registerProcess(external("waited"));
    const waiting = other.hub.subscribe("over").changed();
    await other.importProcesses(registry.exportProcesses({ ids: ["over"] }));
    await waiting;
    assert.deepEqual(await other.awaitTerminal("over"), success({ value: 1 }));
    assert.deepEqual([heard, shown], [["waited", "over"], []]);
  });
});

describe("a file that is not an export, or not whole,", () => {
  /** Imports lines into a registry that is empty; gives the refusal, and what is there then. */
  async function refused(t, lines) {
    const registry = await open(t);
    const refusal = await refusalOf(registry.importProcesses(fileOf(lines)));
    return { ...refusal, message: refusal.message, there: (await registry.listProcesses({ status: "any" })).map(({ id }) => id) };
  }

  test("is refused by its line, and what was whole before that line stays", async (t) => {
    const lines = await linesOf((await filled(t)).exportProcesses());
    for (let length = 0; length < lines.length; length++) {
      const { message, report, there } = await refused(t, lines.slice(0, length));
      const whole = lines.slice(0, length).flatMap(({ end }) => end ?? []);
      assert.deepEqual([there, report.imported], [whole, whole], `${length} lines`);
      const count = whole.length === 1 ? "1 process was" : `${whole.length} processes were`;
      assert.ok(message.startsWith(`line ${length + 1}: the file is ${length === 0 ? "empty" : "cut off"}`), message);
      assert.ok(message.includes(`; ${count} imported before it (`), message);
    }
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    for (let length = 1; length < text.length - 1; length += 9_001)
      await refusalOf((await open(t)).importProcesses(new Blob([text.slice(0, length)])));
  });

  test("is refused whatever its lines are", async (t) => {
    const begin = { longwait: "processes", version: 1 };
    const complete = { complete: { processes: 0 } };
    const [, process] = await linesOf((await filled(t)).exportProcesses({ ids: ["host"] }));
    const event = { sequence: 1, eventType: "progress", payload: 1, semantics: {}, occurredAtMs: 1 };
    const attachment = { name: "a", size: 3, type: "", updatedAtMs: 1 };
    for (const [lines, message] of [
      [["no JSON"], "line 1: is not JSON"],
      [["[]"], "line 1: must be an object, not an array"],
      [["null"], "line 1: must be an object, not null"],
      [[complete], "line 1: is not the first line of an export of longwait"],
      [[{ ...begin, version: 2 }], "line 1: version: this version of longwait reads 1, not 2"],
      [[{ ...begin, more: 1 }], "line 1: more: is not known here"],
      [[begin, begin], "line 2: must be an object of one of process, event"],
      [[begin, {}], "line 2: must be an object of one of process, event"],
      [[begin, { ...process, end: "host" }], "line 2: must be an object of one of"],
      [[begin, { constructor: 1 }], "line 2: must be an object of one of"],
      [[begin, "", { event }], "line 3: event: there is no process that it belongs to"],
      [[begin, { end: "host" }], "line 2: end: there is no process that it belongs to"],
      [[begin, process, process], "line 3: process: process `host` before has no end"],
      [[begin, process, complete], "line 3: complete: process `host` has no end"],
      [[begin, process, { end: "other" }], "line 3: end: must be `host`"],
      [[begin, process, { withdrawn: "other" }], "line 3: withdrawn: must be `host`"],
      [[begin, process, { end: "host" }], "line 4: the file is cut off: its last line is missing"],
      [[begin, { complete: { processes: 1 } }], "line 2: complete.processes: is 1, and there are 0"],
      [[begin, complete, complete], "line 3: follows the last line"],
      [[begin, process, { event: { ...event, sequence: 2 } }, { end: "host" }], "line 3: event.sequence: must be 1, not 2"],
      [[begin, process, { event }, { end: "host" }], "line 2: process.lastSequence: is 0, and there are 1 events"],
      [[begin, process, { event: { ...event, more: 1 } }], "line 3: event.more: is not known here"],
      [[begin, process, { event: { ...event, payload: undefined } }], "line 3: event.payload: is missing"],
      [[begin, process, `{"event":{"sequence":1e999}}`], "line 3: event.sequence: must be a whole number"],
      [[begin, process, `{"event":{"payload":{"__proto__":1}}}`], "line 3: event.payload.__proto__: is a key"],
      [[begin, process, `{"event":{"payload":"\\ud800"}}`], "line 3: event.payload: has half of a surrogate pair"],
      [[begin, process, `{"event":{"payload":${"[".repeat(2_000)}${"]".repeat(2_000)}}}`], "line 3: event.payload[0]"],
      [
        [begin, process, { stream: { name: "s", chunks: 1, attempt: 1, closed: false, keep: "process" } }, { end: "host" }],
        "line 3: stream.chunks: is 1, and there are 0",
      ],
      [
        [begin, process, { chunks: { stream: "s", first: 0, attempt: 1, values: [1] } }, { end: "host" }],
        "line 3: chunks.stream: there is no stream `s`",
      ],
      [[begin, process, { bytes: "" }], "line 3: bytes: there is no attachment that they belong to"],
      [[begin, process, { attachment }, { bytes: "YWJj" }, { bytes: "YQ==" }], "line 5: bytes: attachment `a` has 3 bytes, not more"],
      [[begin, process, { attachment }, { bytes: "YWI=" }, { end: "host" }], "line 5: attachment `a` has 3 bytes, and there are 2"],
      [[begin, process, { attachment }, { bytes: "YW=j" }], "line 4: bytes: is not base64"],
      [[begin, process, { attachment }, { bytes: " YWJj" }], "line 4: bytes: is not base64"],
      [[begin, process, { attachment }, { bytes: "A".repeat(1_048_580) }], "line 4: bytes: has more than 1048576 characters"],
      [
        [begin, { process: { ...process.process, registrationHash: "0" } }, { end: "host" }],
        "line 2: process: registrationHash: is not that of the registration",
      ],
      [[begin, { process: { ...process.process, lease: {} } }], "line 2: process.lease: is not known here"],
    ]) {
      const refusal = await refused(t, lines);
      assert.ok(refusal.message.startsWith(message), `${refusal.message}\n${message}`);
      assert.deepEqual(refusal.there, refusal.report.imported);
    }
  });

  test("is refused where it is not UTF-8, not of bytes or text, or no source at all", async (t) => {
    const registry = await open(t);
    const begin = '{"longwait":"processes","version":1}\n';
    const bytes = await refusalOf(registry.importProcesses(new Blob([begin, new Uint8Array([0xff])])));
    assert.match(bytes.message, /^line 2: is not UTF-8/);
    const seven = await refusalOf(
      registry.importProcesses(
        (async function* () {
          yield begin;
          yield 7;
        })(),
      ),
    );
    assert.match(seven.message, /^line 2: source: gave a number, not bytes or text/);
    for (const source of [undefined, null, 7, begin, {}, [begin], () => {}]) {
      const { message } = await refusalOf(registry.importProcesses(source));
      assert.match(message, /^source: must be a ReadableStream, an async iterable or a Blob, not /);
    }
    for (const options of [{ ids: "drop" }, { ids: 7 }, { signal: {} }, { other: 1 }, null, 7])
      assert.match((await refusalOf(registry.importProcesses(new Blob([]), options))).message, /^options/);
  });

  test("leaves nothing half written, wherever chance changes it", async (t) => {
    const lines = (await textOf((await filled(t)).exportProcesses())).trimEnd().split("\n");
    const small = lines.filter((line) => line.length < 3_000);
    const random = numbers(7);
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      const changed = [...small];
      const place = random(changed.length);
      changed[place] = spoilt(changed[place], random);
      const registry = await openRegistry({ storage: "memory" });
      const { report } = await registry.importProcesses(fileOf(changed)).then(
        (report) => ({ report }),
        (error) => {
          assert.ok(isProcessError(error, "invalid_argument"), `${changed[place]}\n${error.stack}`);
          assert.match(error.message, /^line \d+: /);
          refused++;
          return error;
        },
      );
      const there = await linesOf(registry.exportProcesses());
      assert.deepEqual(
        there.flatMap(({ end }) => end ?? []),
        report.imported,
      );
      await registry.close();
    }
    assert.ok(refused > 200, `${refused} were refused`);
  });
});

/** Numbers below a bound, alike in each run. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A line with something in it that is another value, missing, or one too many. */
function spoilt(text, random) {
  if (random(6) === 0) return text.slice(0, random(text.length));
  const line = JSON.parse(text);
  const places = [];
  (function walk(value) {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value, key]);
      walk(value[key]);
    }
  })(line);
  const [object, key] = places[random(places.length)];
  const values = [undefined, null, -1, 0, 1, 2 ** 53, "", "x", "process:p:", "step:s", true, [], {}, { type: "success" }];
  object[key] = values[random(values.length)];
  return JSON.stringify(line);
}

describe("an import", () => {
  test("rejects with the reason of its signal, and what was imported stays", async (t) => {
    const text = await textOf((await filled(t)).exportProcesses());
    const registry = await open(t);
    const abort = new AbortController();
    let isLeft = false;
    async function* source() {
      try {
        yield text.slice(0, text.indexOf('{"end":"host"}') + 20);
        abort.abort("enough");
        await new Promise(() => {});
      } finally {
        isLeft = true;
      }
    }
    await assert.rejects(registry.importProcesses(source(), { signal: abort.signal }), (reason) => reason === "enough");
    assert.deepEqual(
      (await registry.listProcesses()).map(({ id }) => id),
      ["host"],
    );
    await assert.rejects(
      registry.importProcesses(new Blob([text]), { signal: AbortSignal.abort("before") }),
      (reason) => reason === "before",
    );
    assert.equal(isLeft, false, "a generator that waits is left when its wait is over");
  });

  test("rejects with what its source or its function fails with, and leaves the source", async (t) => {
    const text = await textOf((await filled(t)).exportProcesses());
    const registry = await open(t);
    const failure = new Error("the disk is gone");
    const failing = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text.slice(0, 100)));
      },
      pull() {
        throw failure;
      },
    });
    await assert.rejects(registry.importProcesses(failing), (error) => error === failure);
    const ids = () => {
      throw failure;
    };
    let cancelled = 0;
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(text),
      cancel: () => void cancelled++,
    });
    await assert.rejects(registry.importProcesses(stream, { ids }), (error) => error === failure);
    assert.equal(cancelled, 1);
    for (const id of ["", 7, undefined])
      assert.match((await refusalOf(registry.importProcesses(new Blob([text]), { ids: () => id }))).message, /options\.ids\(…\): must /);
    assert.deepEqual(await registry.listProcesses({ status: "any" }), []);
  });

  test("has a heap that does not grow with what is attached, nor with the number of processes", async () => {
    const program = `
      import { openRegistry } from "longwait";
      const [from, to] = [await openRegistry({ storage: "memory" }), await openRegistry({ storage: "memory" })];
      const megabyte = new Uint8Array(1_048_576).fill(7);
      await from.registerProcess({ id: "p", input: { type: "external" }, attachments: { large: new Blob(Array(100).fill(megabyte)) } });
      for await (const line of from.exportProcesses()) if (line.length > 300_000) throw new Error("a long line");
      await to.importProcesses(from.exportProcesses().toReadableStream());
      const { size } = await to.getAttachment("p", "large");
      console.log(size);
      process.exit();
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ["--max-old-space-size=40", "--input-type=module", "-e", program]);
    assert.equal(stdout.trim(), String(100 * 1_048_576));
  });

  test("takes a log of 100,000 events", async (t) => {
    const lines = (await textOf((await filled(t)).exportProcesses({ ids: ["host"] }))).split("\n");
    const many = 100_000;
    async function* source() {
      yield `${lines[0]}\n${lines[1].replace('"lastSequence":0', `"lastSequence":${many}`)}\n`;
      for (let sequence = 1; sequence <= many; sequence++)
        yield `{"event":{"sequence":${sequence},"eventType":"progress","payload":${sequence},"semantics":{},"occurredAtMs":1}}\n`;
      yield lines.slice(2).join("\n");
    }
    const registry = await open(t);
    assert.deepEqual(await registry.importProcesses(source()), { imported: ["host"], existing: [] });
    assert.equal(await registry.countEventsThrough("host", "progress", many), many);
    assert.deepEqual(await registry.importProcesses(registry.exportProcesses()), { imported: [], existing: ["host"] });
    assert.equal((await registry.appendEvent("host", { eventType: "progress" })).event.sequence, many + 1);
  });
});
