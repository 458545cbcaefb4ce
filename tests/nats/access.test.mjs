/** A registry as the users of accounts open it: with few rights, with tokens that expire, and without what it needs. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isProcessError, openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { startServers } from "./servers.mjs";
import { accounts, inSeconds, tenants } from "./tenants.mjs";

const { clientPermissions } = accounts;
const dir = mkdtempSync(join(tmpdir(), "longwait-access-"));

let world;
before(async () => (world = await tenants({ dir })));
after(async () => {
  await world.close();
  rmSync(dir, { recursive: true });
});

/** A registry of a user, closed when the test has ended. */
async function open(t, account, namespace, user, authenticator) {
  const jwt = world.token(account, user);
  const storage = natsStore({ servers: world.servers.tcp, namespace, authenticator: authenticator ?? (() => ({ jwt })) });
  const registry = await openRegistry({ storage });
  t.after(() => registry.close());
  return registry;
}

const refuses = (promise, code, words) =>
  assert.rejects(promise, (error) => {
    assert.ok(isProcessError(error, code), `${error?.code}: ${error?.message}`);
    assert.match(error.message, words);
    return true;
  });

/** What the server noted of an account: that it was refused something. */
const refusals = ({ id }) => readFileSync(join(dir, "1", "log"), "utf8").match(new RegExp(`.*${id}.*Violation.*`, "g")) ?? [];

describe("a registry", { concurrency: true }, () => {
  test("with the permissions of the guide, a client of a namespace that is there does all that there is, and is refused nothing", async (t) => {
    const account = await world.tenant("few rights");
    await (await open(t, account, "few")).close();
    const registry = await open(t, account, "few", { permissions: clientPermissions("few") });
    const other = await open(t, account, "few", { permissions: clientPermissions("few") });
    const driver = registry.driver({
      runners: {
        async job({ step, stream, waitForSignal, attachment, putAttachment, startChild }) {
          const out = await stream("tokens");
          await out.append("token");
          await out.close();
          await putAttachment("copy", await attachment("file"));
          const child = await startChild({ input: { type: "engine", kind: "small" } }, { key: "child" });
          const { payload } = await waitForSignal("go");
          return [await step("step", () => "step"), payload, await child.result()];
        },
        small: () => "small",
      },
    });
    driver.start();
    const input = { type: "engine", kind: "job" };
    const attachments = { file: new Blob(["bytes"]) };
    await registry.registerProcess({ id: "p", input, concurrencyKey: "one", labels: { of: "test" }, attachments });
    for await (const { value } of other.readStream("p", "tokens")) assert.equal(value, "token");
    await other.signal("p", "go", "went");
    assert.deepEqual(await other.awaitTerminal("p"), { type: "success", value: ["step", "went", "small"] });
    assert.equal(await (await other.getAttachment("p", "copy")).text(), "bytes");
    assert.equal((await other.listProcesses({ status: "any", labels: { of: "test" } })).length, 1);
    assert.ok((await other.eventsAfter("p", 0)).length > 2);
    await driver.stop();
    await other.deleteAttachment("p", "copy");
    await other.deleteProcess("p");
    assert.equal(await other.getProcess("p"), undefined);
    assert.deepEqual(refusals(account), []);
  });

  test("a client that may not make the stream says which one is missing, at once", async (t) => {
    const account = await world.tenant("no stream");
    await refuses(open(t, account, "missing", { permissions: clientPermissions("missing") }), "storage_unavailable", /LONGWAIT_missing/);
  });

  test("a token that is refused is said to be the reason, when a registry is opened and when it was open", async (t) => {
    const unknown = accounts.newKey("account");
    await refuses(open(t, unknown, "refused"), "disconnected", /Authorization Violation/);
    const account = await world.tenant("refused");
    const registry = await open(t, account, "refused", { expires: inSeconds(5) });
    await world.expired(account);
    await refuses(registry.getProcess("p"), "disconnected", /Authentication Expired|Authorization Violation/);
  });

  test("a client that is not permitted to write is refused at once, and not taken for offline", async (t) => {
    const account = await world.tenant("reads");
    await (await open(t, account, "reads")).close();
    const { pub, sub } = clientPermissions("reads");
    const permissions = { pub: { ...pub, deny: ["longwait.reads.p.>"] }, sub };
    const registry = await open(t, account, "reads", { permissions });
    await refuses(registry.registerProcess({ id: "p", input: { type: "external" } }), "storage_failed", /permi/i);
    assert.notDeepEqual(refusals(account), []);
  });

  test("a token that expires is followed by the next one, and the registry, its waits and its driver continue", async (t) => {
    const account = await world.tenant("expiring");
    const gives = [5, -100, -100, 600].map((seconds) => world.token(account, { expires: inSeconds(seconds) }));
    const authenticator = () => ({ jwt: gives.length > 1 ? gives.shift() : gives[0] });
    const registry = await open(t, account, "expiring", {}, authenticator);
    const other = await open(t, account, "expiring");
    const driver = registry.driver({ runners: { job: async ({ waitForSignal }) => (await waitForSignal("go")).payload } });
    t.after(() => driver.stop());
    driver.start();
    await registry.registerProcess({ id: "p", input: { type: "engine", kind: "job" } });
    await registry.registerProcess({ id: "q", input: { type: "external" } });
    const waits = [registry.awaitTerminal("p"), registry.awaitTerminal("q")];
    await world.expired(account);
    await other.signal("p", "go", "signalled");
    await other.completeProcess("q", { type: "success", value: "completed" });
    assert.deepEqual(
      (await Promise.all(waits)).map(({ value }) => value),
      ["signalled", "completed"],
    );
    await registry.registerProcess({ id: "r", input: { type: "external" } });
  });

  test("an authenticator that throws is asked again", async (t) => {
    const account = await world.tenant("throwing");
    const token = world.token(account, { expires: inSeconds(5) });
    const next = world.token(account);
    let calls = 0;
    const authenticator = () => {
      calls += 1;
      if (calls === 2) throw new Error("no token yet");
      return { jwt: calls === 1 ? token : next };
    };
    const registry = await open(t, account, "throwing", {}, authenticator);
    await registry.registerProcess({ id: "p", input: { type: "external" } });
    const end = registry.awaitTerminal("p");
    await world.expired(account);
    await (await open(t, account, "throwing")).completeProcess("p", { type: "success", value: 1 });
    assert.deepEqual(await end, { type: "success", value: 1 });
  });

  test("a tenant whose disk is full gets quota_exceeded, reads what is there, and writes again once it may have more", async (t) => {
    const account = await world.tenant("full", { diskBytes: 300_000 });
    const registry = await open(t, account, "full");
    const fill = async () => {
      for (let number = 0; number < 50; number++)
        await registry.registerProcess({ id: `p${number}`, input: { type: "engine", kind: "big", payload: "x".repeat(20_000) } });
    };
    await refuses(fill(), "quota_exceeded", /room/);
    assert.equal((await registry.getProcess("p0"))?.id, "p0");
    await world.tenant("full", { diskBytes: 10_000_000 }, account);
    await registry.deleteProcess("p0", { force: true });
    await registry.registerProcess({ id: "more", input: { type: "engine", kind: "big", payload: "x".repeat(20_000) } });
  });
});

test("an address that begins with tls:// takes no server without TLS", async () => {
  const servers = await startServers();
  try {
    const storage = natsStore({ servers: servers.tcp[0].replace("nats:", "tls:"), namespace: "tls" });
    await refuses(openRegistry({ storage }), "disconnected", /./);
  } finally {
    await servers.close();
  }
});
