/** The bodies of attachments, which are objects beside the stream. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
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
