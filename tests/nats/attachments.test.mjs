/** The bodies of attachments, which are objects beside the stream. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Objm } from "@nats-io/obj";
import { connect } from "@nats-io/transport-node";
import { openRegistry } from "longwait";
import { natsStore } from "longwait/nats";
import { startServers } from "./servers.mjs";

let servers;
before(async () => (servers = await startServers()));
after(() => servers.close());

let opened = 0;

async function registry(t) {
  const made = await openRegistry({ storage: natsStore({ servers: servers.tcp, namespace: `attachments-${++opened}` }) });
  t.after(() => made.close());
  return made;
}

const external = (id, more) => ({ id, input: { type: "external" }, ...more });
const textOf = async (of, id) => (await of.getAttachment(id, "file")).text();

test("a Blob that is attached to several processes is kept for each of them", async (t) => {
  const one = await registry(t);
  const attachments = { file: new Blob(["bytes"]) };
  await one.registerProcesses(["p", "q"].map((id) => external(id, { attachments })));
  await one.registerProcess(external("r"));
  await one.putAttachment("r", "file", attachments.file);
  await one.deleteAttachment("p", "file");
  await one.deleteAttachment("r", "file");
  assert.equal(await textOf(one, "q"), "bytes");
});

test("a Blob that was taken off a process can be attached to it again", async (t) => {
  const one = await registry(t);
  const body = new Blob(["bytes"]);
  await one.registerProcess(external("p"));
  for (let times = 0; times < 2; times++) {
    await one.putAttachment("p", "file", body);
    assert.equal(await textOf(one, "p"), "bytes");
    await one.deleteAttachment("p", "file");
  }
});

test("an attachment that is being uploaded holds up what is called on its process, and nothing else", async (t) => {
  const one = await registry(t);
  await one.registerProcess(external("q", { eventTypes: [{ name: "note" }] }));
  const ended = [];
  const attachments = { file: new Blob([new Uint8Array(16 << 20)]) };
  const calls = [
    one.registerProcess(external("p", { attachments, eventTypes: [{ name: "note" }] })).then(() => ended.push("registered")),
    one.appendEvent("p", { eventType: "note" }).then(() => ended.push("appended behind")),
    one.appendEvent("q", { eventType: "note" }).then(() => ended.push("appended beside")),
  ];
  await Promise.all(calls);
  assert.equal(ended[0], "appended beside");
  assert.equal((await one.getAttachment("p", "file")).size, 16 << 20);
});

test("an upload that comes to nothing leaves no object", async (t) => {
  const one = await registry(t);
  await one.registerProcess(external("p"));
  await one.completeProcess("p", { type: "success", value: 1 });
  await assert.rejects(one.putAttachment("p", "file", new Blob(["bytes"])), { code: "process_terminal" });
  const connection = await connect({ servers: servers.tcp });
  t.after(() => connection.close());
  assert.deepEqual(await (await new Objm(connection).open(`LONGWAIT_attachments-${opened}`)).list(), []);
});
