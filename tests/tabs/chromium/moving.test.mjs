/** Exports and imports between memory and IndexedDB, and how large they may be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryOfWasm } from "../../../bench/page/heap.js";
import { tabsForSuite } from "../playwright.mjs";

const tabs = tabsForSuite();

const textOf = async (exported) => {
  let text = "";
  for await (const line of exported) text += line;
  return text;
};

test("a process moves from memory to a database and to another one, and is exported alike each time; there it continues", async (t) => {
  const { run } = await tabs.blank(t);
  const moved = async ({ name }) => {
    const { openRegistry } = globalThis.longwait;
    const [memory, one, other] = await Promise.all([
      openRegistry({ storage: "memory" }),
      openRegistry({ name: `${name} one` }),
      openRegistry({ name: `${name} other` }),
    ]);
    let calls = 0;
    const runners = {
      async job({ step, stream, waitForSignal }) {
        const made = await step("first", () => ++calls);
        const out = await stream("lines", { resume: true });
        await out.append("one line");
        await out.flush();
        return [made, (await waitForSignal("go")).payload];
      },
    };
    const file = new File(["é".repeat(300_000)], "a.txt", { type: "text/plain", lastModified: 7 });
    await memory.registerProcess({
      id: "job",
      input: { type: "engine", kind: "job" },
      eventTypes: [{ name: "note", payloadSchema: { type: "object" } }],
      attachments: { file, none: new Blob([]) },
    });
    for (let n = 0; n < 600; n++) void memory.appendEvent("job", { eventType: "note", payload: { n } });
    await memory.registerProcess({ id: "over", input: { type: "external" } });
    await memory.completeProcess("over", { type: "success", value: [1, null] });
    const driver = memory.driver({ runners });
    driver.start();
    await new Promise((resolve) => memory.onChange(async () => (await memory.getProcess("job")).wait && resolve()));
    await driver.stop();
    const texts = [await globalThis.textOf(memory.exportProcesses())];
    const reports = [await one.importProcesses(memory.exportProcesses().toReadableStream())];
    texts.push(await globalThis.textOf(one.exportProcesses()));
    reports.push(await other.importProcesses(await new Response(one.exportProcesses().toReadableStream()).blob()));
    texts.push(await globalThis.textOf(other.exportProcesses()));
    reports.push(await other.importProcesses(one.exportProcesses()));
    const stored = await other.getAttachment("job", "file");
    const isFile = stored instanceof File && (await stored.text()) === (await file.text()) && stored.lastModified === 7;
    other.driver({ runners }).start();
    await other.signal("job", "go", "on");
    const end = await other.awaitTerminal("job");
    for (const registry of [memory, one, other]) await registry.close();
    return { alike: new Set(texts).size, lines: texts[0].split("\n").length, reports, isFile, end, calls };
  };
  const outcome = await run(`(() => { globalThis.textOf = ${textOf}; return (${moved})(${JSON.stringify({ name: t.name })}); })()`);
  const both = ["job", "over"];
  assert.deepEqual(outcome, {
    alike: 1,
    lines: outcome.lines,
    reports: [
      { imported: both, existing: [] },
      { imported: both, existing: [] },
      { imported: [], existing: both },
    ],
    isFile: true,
    end: { type: "success", value: [1, "on"] },
    calls: 1,
  });
  assert.ok(outcome.lines > 600);
});

test("100 MB of attachment and 100,000 events move from one database to another, without the bytes in the WebAssembly's memory", async (t) => {
  const { run } = await tabs.blank(t);
  const moved = async ({ name, megabytes, events }) => {
    const memory = globalThis.memoryOfWasm();
    const { openRegistry } = globalThis.longwait;
    const [one, other] = await Promise.all([openRegistry({ name: `${name} one` }), openRegistry({ name: `${name} other` })]);
    const megabyte = new Uint8Array(1_048_576).map((_, place) => place % 253);
    const large = new Blob(Array.from({ length: megabytes }, () => megabyte));
    await one.registerProcess({ id: "large", input: { type: "external" }, attachments: { large } });
    await one.registerProcess({ id: "long", input: { type: "external" }, eventTypes: [{ name: "note" }] });
    for (let n = 0; n < events; n += 1_000)
      await one.appendEvents(
        "long",
        Array.from({ length: 1_000 }, (_, place) => ({ eventType: "note", payload: n + place })),
      );
    const before = memory.bytes();
    const report = await other.importProcesses(one.exportProcesses());
    const bytes = memory.bytes() - before;
    const copy = await other.getAttachment("large", "large");
    const last = new Uint8Array(await copy.slice(-1_048_576).arrayBuffer());
    const counted = await other.countEventsThrough("long", "note", events);
    const [event] = await other.recentEvents("long", 1);
    for (const registry of [one, other]) await registry.close();
    return { report, size: copy.size, alike: last.every((byte, place) => byte === place % 253), counted, payload: event.payload, bytes };
  };
  const options = { name: t.name, megabytes: 100, events: 100_000 };
  const { bytes, ...outcome } = await run(
    `(() => { globalThis.memoryOfWasm = ${memoryOfWasm}; return (${moved})(${JSON.stringify(options)}); })()`,
  );
  assert.deepEqual(outcome, {
    report: { imported: ["large", "long"], existing: [] },
    size: 100 * 1_048_576,
    alike: true,
    counted: 100_000,
    payload: 99_999,
  });
  t.diagnostic(`the WebAssembly's memory grew by ${Math.round(bytes / 1_048_576)} MB`);
  assert.ok(bytes < 150 * 1_048_576, `${bytes}`);
});
