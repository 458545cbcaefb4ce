/** Over IndexedDB, too: what is called back late harms nothing, and a trap leaves nothing held. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { wasmLimitedTo } from "../../package/small-memory.mjs";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

describe("the instance of a tab", () => {
  const { blank, opened } = tabsForSuite();

  test("takes no harm of waits that end while they read, whenever that is", async (t) => {
    const tab = await opened(t);
    await tab.run(page.register, "p");
    const outcomes = await tab.run(async () => {
      const { registry } = globalThis;
      const pending = registry.awaiter.awaitTerminal("p");
      const outcomes = {};
      for (let time = 0; time < 400; time++) {
        const stop = new AbortController();
        const options = { signal: stop.signal };
        const waits = [registry.awaiter.awaitTerminal("p", options), registry.awaiter.awaitEvent("p", "note", 0, options), registry.pollingAwaiter().awaitTerminal("p", options)];
        for (let turn = 0; turn < time % 40; turn++) await undefined;
        if (time % 3 === 0) await new Promise((later) => setTimeout(later));
        stop.abort("enough");
        for (const wait of waits) await wait.catch((reason) => (outcomes[reason] = (outcomes[reason] ?? 0) + 1));
      }
      await registry.completeProcess("p", { type: "success", value: 7 });
      return { ...outcomes, end: (await pending).value };
    });
    assert.deepEqual(outcomes, { enough: 1_200, end: 7 });
  });

  test("lets go of its locks, channel and connection when it traps, and the next registry works", async (t) => {
    const other = await opened(t);
    const tab = await blank(t);
    const wasm = [...(await wasmLimitedTo(24))];
    const { lockName, codes } = await tab.run(async ([bytes, name]) => {
      const wasm = new Uint8Array(bytes);
      const registry = await globalThis.longwait.openRegistry({ wasm, name });
      await registry.registerProcess({ id: "full", input: { type: "external" }, eventTypes: [{ name: "note" }] });
      const { lockName } = registry.owner.liveness;
      const end = registry.awaiter.awaitTerminal("full");
      const append = () => registry.requestCancel("full", "x".repeat(6 * 1_048_576) + Math.random());
      const calls = await Promise.allSettled([end, ...Array.from({ length: 6 }, append)]);
      const codes = [...new Set(calls.map(({ reason }) => reason?.code ?? "taken"))];
      globalThis.faults.length = 0; // The trap was reported.
      globalThis.registry = await globalThis.longwait.openRegistry({ name });
      return { lockName, codes };
    }, [wasm, t.name]);
    assert.ok(codes.includes("internal"), String(codes));
    const held = await other.run(async () => (await navigator.locks.query()).held.map(({ name }) => name));
    assert.ok(!held.includes(lockName));
    await tab.run(page.register, "later");
    const end = await tab.begin(page.end, "later");
    await other.run(page.call, ["completeProcess", "later", { type: "success", value: 7 }]);
    assert.deepEqual(await end(), { type: "success", value: 7 });
    const deleted = await other.run(async (name) => {
      await globalThis.registry.close();
      return name;
    }, t.name);
    const outcome = await tab.run(async (name) => {
      await globalThis.registry.close();
      return new Promise((resolve) => {
        const request = indexedDB.deleteDatabase(name);
        for (const event of ["success", "blocked", "error"]) request.addEventListener(event, () => resolve(event));
      });
    }, deleted);
    assert.equal(outcome, "success", "no connection of the dead instance is in the way");
    assert.deepEqual(await tab.run(page.faults), []);
  });

  test("hears nothing of messages that are no short lists of short ids: none crosses, and its memory stays as small as it is", async (t) => {
    const tab = await blank(t);
    const wasm = [...(await wasmLimitedTo(24))];
    const heard = await tab.run(async ([bytes, name]) => {
      const registry = (globalThis.registry = await globalThis.longwait.openRegistry({ wasm: new Uint8Array(bytes), name }));
      const heard = [];
      registry.onChange((id) => heard.push(id));
      const channel = new BroadcastChannel(`longwait:${name}`);
      const long = "x".repeat(60 * 1_048_576);
      const odd = [long, [long], ["short", long], Array(2_000).fill("y"), Array(1e7), ["y".repeat(1_025)], { length: 1, 0: "y" }, [1], [null], [["y"]], null, 7, new Map()];
      for (const message of odd) channel.postMessage(message);
      channel.postMessage(["last"]);
      while (!heard.includes("last")) await new Promise((turn) => setTimeout(turn));
      channel.close();
      return heard;
    }, [wasm, t.name]);
    assert.deepEqual(heard, ["last"]);
    await tab.run(page.register, "p");
    assert.deepEqual(await tab.run(page.faults), []);
  });

  test("hears of thousands of changes that another tab makes in one turn", async (t) => {
    const [tab, other] = [await opened(t), await opened(t)];
    await tab.run(() => {
      globalThis.heard = new Set();
      globalThis.all = new Promise((resolve) => globalThis.registry.onChange((id) => globalThis.heard.add(id).size === 2_500 && resolve()));
    });
    await other.run(async () => {
      await Promise.all(Array.from({ length: 2_500 }, (_, n) => globalThis.registry.registerProcess({ id: `p${n}`, input: { type: "external" } })));
    });
    await tab.run(() => globalThis.all);
  });
});
