/** A page and what a worker says to it: another program, which is believed nothing before it was looked at. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import "fake-indexeddb/auto";
import { drive, driveIn } from "longwait/worker";
import { reactive, ref } from "@vue/reactivity";
import { helped } from "./registry.mjs";

/** A worker that answers `start` with a message, and notes what it is told. */
class Fake extends EventTarget {
  told = [];
  constructor(answer) {
    super();
    this.answer = answer;
  }
  get [Symbol.toStringTag]() {
    return "Worker";
  }
  postMessage(message, [port] = []) {
    this.told.push(message.longwait);
    if (port) port.postMessage({ longwait: message.longwait });
    else queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data: this.answer })));
  }
}

const owner = { ownerId: "o", incarnationId: "i", liveness: { kind: "opaque" } };

describe("a worker's answer", () => {
  test("names the owner, and its driver is stopped, also behind a proxy", async () => {
    const worker = new Fake({ longwait: "start", owner });
    const driver = await driveIn(worker);
    assert.deepEqual(driver.owner, owner);
    assert.ok(Object.isFrozen(driver));
    await ref(driver).value.stop();
    await reactive({ driver }).driver.stop();
    await new Proxy(driver, {}).stop();
    assert.deepEqual(worker.told, ["start", "stop", "stop", "stop"]);
  });

  test("passes on why there is none", async () => {
    const refused = new Fake({ longwait: "start", code: "storage_unavailable", message: "why", cause: "because" });
    await assert.rejects(driveIn(refused), {
      name: "ProcessError",
      code: "storage_unavailable",
      message: helped("why", "storage_unavailable"),
      cause: "because",
    });
  });

  const odd = [
    {},
    { owner: {} },
    { owner: "o" },
    { owner: 7 },
    { owner: { ownerId: 1, incarnationId: "i" } },
    { owner: { ownerId: "o" } },
    { owner: { ...owner, liveness: { kind: "web_lock" } } },
    { owner: { ...owner, liveness: { kind: "odd" } } },
    { code: 7, message: "m" },
    { code: "closed" },
  ];
  for (const answer of odd) {
    test(`of another shape is an internal fault: ${JSON.stringify(answer)}`, async () => {
      await assert.rejects(driveIn(new Fake({ longwait: "start", ...answer })), { name: "ProcessError", code: "internal" });
    });
  }
});

test("what is no worker is refused", async () => {
  const { proxy, revoke } = Proxy.revocable(new Fake({}), {});
  revoke();
  const throwing = Object.assign(new Fake({}), {
    addEventListener() {
      throw new Error("odd");
    },
  });
  for (const value of [undefined, null, {}, () => {}, "worker", new EventTarget(), proxy, throwing])
    await assert.rejects(driveIn(value), { name: "ProcessError", code: "invalid_argument" });
});

describe("a worker", () => {
  /** Makes this program look like a dedicated worker, as far as `drive` looks. */
  function inWorker(t) {
    const said = [];
    const looks = { DedicatedWorkerGlobalScope: class {}, addEventListener() {}, postMessage: (message) => said.push(message) };
    Object.assign(globalThis, looks);
    t.after(() => Object.keys(looks).forEach((name) => delete globalThis[name]));
    return said;
  }
  const opened = async () => ({ name: "in-worker", wasm: await readFile(new URL("../../dist/longwait_bg.wasm", import.meta.url)) });

  test("drives with what its registry is taken through", async (t) => {
    const said = inWorker(t);
    const seen = [];
    const through = (registry) => ({ ...registry, driver: (options) => (seen.push(Object.keys(options)), registry.driver(options)) });
    const driver = await drive({ open: await opened(), through, runners: { job: () => 1 } });
    assert.deepEqual([seen, said], [[["runners"]], [{ longwait: "start", owner: driver.registry.owner }]]);
    await driver.registry.close();
  });

  test("refuses to take it through what is no function, and says so", async (t) => {
    const said = inWorker(t);
    await assert.rejects(drive({ open: await opened(), through: 7, runners: {} }), { code: "invalid_argument" });
    assert.equal(said[0].code, "invalid_argument");
  });
});
