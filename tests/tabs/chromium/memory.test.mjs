/** The WebAssembly's memory over many operations. `npm run bench -- --only memory` does a million. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inFlight } from "../../../bench/page/harness.js";
import { heapAlong, memoryOfWasm } from "../../../bench/page/heap.js";
import { tabsForSuite } from "../playwright.mjs";

const tabs = tabsForSuite();

test("the WebAssembly's memory stays as it is over 50,000 operations", async (t) => {
  const { run } = await tabs.blank(t);
  const options = { open: { name: t.name }, parts: 10, lives: 500 };
  const functions = [inFlight, memoryOfWasm, heapAlong].join("\n");
  const sizes = await run(`(() => { ${functions}; return heapAlong(longwait.openRegistry, ${JSON.stringify(options)}); })()`);
  // How much is in flight at the worst shows in the first half.
  assert.equal(sizes.at(-1), sizes[options.parts / 2 - 1], `${sizes}`);
});

test("processes with inputs of 10 MB are listed, driven and awaited, and none of them passes through the WebAssembly's memory", async (t) => {
  const { run } = await tabs.blank(t);
  const live = async ({ name, count, length }) => {
    const memory = globalThis.memoryOfWasm();
    const input = (n) => ({
      type: "engine",
      kind: "large",
      payload: [`${n} `.padEnd(length / 2, "longwait "), "\u{1F422}".repeat(length / 4)],
    });
    const first = await globalThis.longwait.openRegistry({ name });
    for (let n = 0; n < count; n++) await first.registerProcess({ id: `p${n}`, input: input(n), eventTypes: [{ name: "copy" }] });
    await first.close();
    const registry = await globalThis.longwait.openRegistry({ name });
    const weight = ([one, other]) => one.length + other.length;
    const [listed, small] = await Promise.all([registry.listProcesses(), registry.getProcess("nobody")]);
    const weights = new Set(listed.map((record) => weight(record.input.payload)));
    const driver = registry.driver({ runners: { large: ({ process }) => weight(process.input.payload) } });
    driver.start();
    const ends = await Promise.all(listed.map(({ id }) => registry.awaitTerminal(id)));
    await driver.stop();
    for (const { id, input } of listed.slice(0, 4))
      await registry.registerProcess({ id: `log of ${id}`, input, eventTypes: [{ name: "copy" }] });
    for (let n = 0; n < count; n++) await registry.appendEvent("log of p0", { eventType: "copy", payload: listed[n].input.payload });
    const events = await registry.eventsAfter("log of p0", 0);
    const { records } = await registry.changedSince();
    const bytes = memory.bytes();
    await registry.close();
    return {
      listed: listed.length,
      small: small ?? null,
      weights: [...weights],
      ends: ends.map(({ value }) => value),
      events: events.map(({ payload }) => weight(payload)),
      changed: records.length,
      bytes,
    };
  };
  const options = { name: t.name, count: 20, length: 10_000_000 };
  const all = Array.from({ length: options.count }, () => options.length);
  const { bytes, ...lived } = await run(
    `(() => { globalThis.memoryOfWasm = ${memoryOfWasm}; return (${live})(${JSON.stringify(options)}); })()`,
  );
  assert.deepEqual(lived, { listed: 20, small: null, weights: [options.length], ends: all, events: all, changed: 24 });
  assert.ok(bytes <= 32 * 2 ** 20, `${bytes} bytes`);
});
