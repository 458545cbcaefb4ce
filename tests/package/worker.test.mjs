/** A page and what a worker says to it: another program, which is believed nothing before it was looked at. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { driveIn } from "longwait/worker";
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
