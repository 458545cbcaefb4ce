/** Over IndexedDB, too: what is called back late harms nothing, and a trap leaves nothing held. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wasmLimitedTo } from "../../package/small-memory.mjs";
import * as page from "../page.mjs";
import { tabsForSuite } from "../playwright.mjs";

/** The address of a WebAssembly with little memory: a list of its bytes would take a minute to cross. */
const small = async () => `data:application/wasm;base64,${(await wasmLimitedTo(24)).toString("base64")}`;

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
        const waits = [
          registry.awaiter.awaitTerminal("p", options),
          registry.awaiter.awaitEvent("p", "note", 0, options),
          registry.pollingAwaiter().awaitTerminal("p", options),
        ];
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

  test("goes on after a trap: what waits, what drives at once, and as the owner that it was", async (t) => {
    const other = await opened(t);
    const tab = await blank(t);
    const wasm = await small();
    const before = await tab.run(
      async ([wasm, name]) => {
        globalThis.registry = await globalThis.longwait.openRegistry({ wasm, name });
        const { registry } = globalThis;
        await registry.registerProcess({ id: "waited", input: { type: "external" } });
        globalThis.end = registry.awaitTerminal("waited");
        const began = new Promise((resolve) => {
          const runners = {
            job: ({ attempt, signal }) => {
              if (attempt > 1) return attempt;
              resolve();
              return new Promise((_, reject) => signal.addEventListener("abort", () => reject((globalThis.aborted = signal.reason))));
            },
          };
          registry.driver({ runners }).start();
        });
        await registry.registerProcess({ id: "driven", input: { type: "engine", kind: "job" } });
        await began;
        return { owner: registry.owner, lease: await registry.getProcessLease("driven") };
      },
      [wasm, t.name],
    );
    const after = await tab.run(async () => {
      const full = await globalThis.longwait.openRegistry({ storage: "memory" });
      await full.registerProcess({ id: "full", input: { type: "external" } });
      const reason = "x".repeat(6 * 1_048_576);
      await Promise.allSettled(Array.from({ length: 6 }, (_, n) => full.requestCancel("full", reason + n)));
      const { value } = await globalThis.registry.awaitTerminal("driven");
      return {
        value,
        now: Date.now(),
        owner: globalThis.registry.owner,
        aborted: globalThis.aborted.code,
        faults: globalThis.faults.splice(0).length,
      };
    });
    assert.equal(after.value, 2);
    assert.ok(after.now < before.lease.expiresAtMs, "the lock of the dead driver says that its lease is free");
    assert.deepEqual([after.aborted, after.faults], ["lease_lost", 1]);
    assert.deepEqual(after.owner, before.owner);
    const locks = () => other.run(async () => (await navigator.locks.query()).held.map(({ name }) => name));
    assert.ok((await locks()).includes(after.owner.liveness.lockName), "the owner lives");
    assert.ok(!(await locks()).includes(before.lease.owner.liveness.lockName));
    await other.run(page.call, ["completeProcess", "waited", { type: "success", value: 7 }]);
    assert.equal(await tab.run(async () => (await globalThis.end).value), 7);
    await other.run(() => globalThis.registry.close());
    const outcome = await tab.run(async (name) => {
      await globalThis.registry.close();
      return new Promise((resolve) => {
        const request = indexedDB.deleteDatabase(name);
        for (const event of ["success", "blocked", "error"]) request.addEventListener(event, () => resolve(event));
      });
    }, t.name);
    assert.equal(outcome, "success", "no connection of the dead instance is in the way");
    assert.ok(!(await locks()).includes(after.owner.liveness.lockName));
    assert.deepEqual(await tab.run(page.faults), []);
  });

  test("lets go of the owner's lock once it has trapped too often", async (t) => {
    const other = await opened(t);
    const tab = await blank(t);
    const wasm = await small();
    const { lockName, code } = await tab.run(
      async ([wasm, name]) => {
        const registry = await globalThis.longwait.openRegistry({ wasm, name });
        const { lockName } = registry.owner.liveness;
        const reason = "x".repeat(6 * 1_048_576);
        for (let time = 0; time < 4; time++) {
          const full = await globalThis.longwait.openRegistry({ storage: "memory" });
          await full.registerProcess({ id: "p", input: { type: "external" } });
          await Promise.allSettled(Array.from({ length: 6 }, (_, n) => full.requestCancel("p", reason + n)));
          await registry.getProcess("p").catch(() => {}); // Opened again by now.
        }
        return {
          lockName,
          code: await registry.getProcess("p").then(
            () => "works",
            ({ code }) => code,
          ),
        };
      },
      [wasm, t.name],
    );
    assert.equal(code, "internal");
    const held = await other.run(async () => (await navigator.locks.query()).held.map(({ name }) => name));
    assert.ok(!held.includes(lockName));
    await tab.run(page.faults); // The traps were reported.
  });

  test("hears nothing of messages that are no short lists of short ids: none crosses, and its memory stays as small as it is", async (t) => {
    const tab = await blank(t);
    const wasm = await small();
    const heard = await tab.run(
      async ([wasm, name]) => {
        const registry = (globalThis.registry = await globalThis.longwait.openRegistry({ wasm, name }));
        const heard = [];
        registry.onChange((id) => heard.push(id));
        const channel = new BroadcastChannel(`longwait:${name}`);
        const long = "x".repeat(60 * 1_048_576);
        const odd = [
          long,
          [long],
          ["short", long],
          Array(2_000).fill("y"),
          Array(1e7),
          ["y".repeat(1_025)],
          { length: 1, 0: "y" },
          [1],
          [null],
          [["y"]],
          null,
          7,
          new Map(),
        ];
        for (const message of odd) channel.postMessage(message);
        channel.postMessage(["last"]);
        while (!heard.includes("last")) await new Promise((turn) => setTimeout(turn));
        channel.close();
        return heard;
      },
      [wasm, t.name],
    );
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
      await Promise.all(
        Array.from({ length: 2_500 }, (_, n) => globalThis.registry.registerProcess({ id: `p${n}`, input: { type: "external" } })),
      );
    });
    await tab.run(() => globalThis.all);
  });
});
