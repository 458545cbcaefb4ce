/** A registry whose connection is away for longer than a call waits: what rejects, what stays, and what is there when it is back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isProcessError, openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { proxied, startServers } from "./servers.mjs";

const external = { type: "external" };

test("calls reject with disconnected, and waits and runs continue when the connection is back", { timeout: 60_000 }, async (t) => {
  const servers = await startServers();
  t.after(() => servers.close());
  const link = await proxied(Number(new URL(servers.tcp[0]).port));
  t.after(() => link.close());
  const open = async (address) => {
    const registry = await openRegistry({ storage: natsStore({ servers: address, namespace: "offline" }) });
    t.after(() => registry.close());
    return registry;
  };
  const other = await open(servers.tcp[0]);
  const registry = await open(`nats://127.0.0.1:${link.port}`);

  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const begun = new Promise((done) => {
    // What cannot be recorded while the connection is away is done again: its value is there by then.
    const job = ({ step }) =>
      step("work", () => {
        done();
        return finished;
      });
    const driver = registry.driver({ runners: { job } });
    t.after(() => driver.stop());
    driver.start();
  });
  await registry.registerProcess({ id: "job", input: { type: "engine", kind: "job" } });
  await registry.registerProcess({ id: "p", input: external });
  const end = registry.awaitTerminal("p");
  await begun;

  link.cut();
  finish("done while offline");
  await other.completeProcess("p", { type: "success", value: "completed elsewhere" });
  const calls = [registry.getProcess("p"), registry.listProcesses(), registry.registerProcess({ id: "late", input: external })];
  for (const { status, reason } of await Promise.allSettled(calls)) {
    assert.equal(status, "rejected");
    assert.ok(isProcessError(reason, "disconnected"), `${reason.code}: ${reason.message}`);
  }

  link.heal();
  assert.deepEqual(await end, { type: "success", value: "completed elsewhere" });
  assert.deepEqual(await other.awaitTerminal("job"), { type: "success", value: "done while offline" });
  assert.equal(await other.getProcess("late"), undefined);
  await registry.registerProcess({ id: "late", input: external });
  assert.equal((await other.getProcess("late"))?.id, "late");
});
