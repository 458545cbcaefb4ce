/** Accounts as docs/nats.md sets them up, on a server in operator mode: what a client may do, what it may not, and what comes of a token that expires. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { credsAuthenticator } from "@nats-io/nats-core";
import { DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Objm } from "@nats-io/obj";
import { connect } from "@nats-io/transport-node";
import { accounts, commit, headersOf, inSeconds, sendWithReply, tenants } from "./tenants.mjs";

const { clientPermissions, credentials, newKey, userToken } = accounts;

/** How a client has to connect that is to outlive its token: without the second of them, two refusals end it. */
const LASTING = { maxReconnectAttempts: -1, ignoreAuthErrorAbort: true };

let world;
before(async () => (world = await tenants()));
after(() => world.close());

const streamOf = (namespace) => ({
  name: `LONGWAIT_${namespace}`,
  subjects: [`longwait.${namespace}.>`],
  allow_direct: true,
  allow_atomic: true,
});

/** The stream and the bucket of a namespace, made by a user of its account that may do everything. */
async function opened(account, namespace) {
  const connection = await world.client(account);
  const manager = await jetstreamManager(connection);
  await manager.streams.add(streamOf(namespace));
  const files = await new Objm(connection).create(`LONGWAIT_${namespace}`);
  await commit(connection, `longwait.${namespace}.p.secret.c`, 0, `longwait.${namespace}.p.secret.>`, { payload: "of this tenant alone" });
  await files.putBlob({ name: "file" }, Buffer.from("bytes of this tenant alone"));
  const state = async () => {
    const infos = ["LONGWAIT_", "OBJ_LONGWAIT_"].map((kind) => manager.streams.info(kind + namespace, { subjects_filter: ">" }));
    return (await Promise.all(infos)).map(({ config, state: { consumer_count, ...rest } }) => ({ config, state: rest }));
  };
  return { connection, manager, state };
}

/** What longwait does with a server, each with what it must come to. */
const operations = {
  "reads the clock and the last sequence": async ({ connection, stream }) =>
    assert.ok((await connection.request(`$JS.API.STREAM.INFO.${stream}`)).json().ts),
  "commits on a condition": async ({ connection, subject }) => {
    assert.equal((await commit(connection, subject("p.one.c"), 0, subject("p.one.>"))).error, undefined);
    assert.equal((await commit(connection, subject("p.one.c"), 0, subject("p.one.>"))).error.err_code, 10071);
  },
  "commits a batch, wholly": async ({ connection, subject }) => {
    const batch = (number) => ({ "Nats-Batch-Id": "batch", "Nats-Batch-Sequence": number });
    connection.publish(subject("p.two.r"), "{}", { headers: headersOf(batch(1)) });
    const last = await commit(connection, subject("p.two.c"), 0, subject("p.two.c"), { more: { ...batch(2), "Nats-Batch-Commit": 1 } });
    assert.equal(last.count, 2);
  },
  "reads a message, from any copy and from the leader": async ({ connection, stream, subject }) => {
    const last = JSON.stringify({ last_by_subj: subject("p.secret.c") });
    assert.equal((await connection.request(`$JS.API.DIRECT.GET.${stream}`, last)).string(), "of this tenant alone");
    assert.ok((await connection.request(`$JS.API.STREAM.MSG.GET.${stream}`, last)).json().message);
  },
  "reads the last messages of many subjects": async ({ connection, stream, subject }) => {
    const messages = await connection.requestMany(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ multi_last: [subject("p.*.c")] }), {
      strategy: "sentinel",
    });
    let count = 0;
    for await (const message of messages) if (message.headers.get("Nats-Subject")) count += 1;
    assert.ok(count >= 1);
  },
  "follows the namespace": async ({ connection, stream, subject }) => {
    const consumers = jetstream(connection, { checkAPI: false }).consumers;
    const consumer = await consumers.getPushConsumer(stream, {
      filter_subjects: [subject("p.*.c"), subject("g.>")],
      deliver_policy: DeliverPolicy.LastPerSubject,
    });
    await consumer.info(true);
    for await (const message of await consumer.consume()) if (message.subject === subject("p.secret.c")) break;
  },
  "purges what was pruned": async ({ connection, stream, subject }) =>
    assert.ok((await connection.request(`$JS.API.STREAM.PURGE.${stream}`, JSON.stringify({ filter: subject("p.one.>") }))).json().success),
  "keeps files": async ({ connection, stream }) => {
    const files = await new Objm(connection).open(stream);
    assert.equal(Buffer.from(await files.getBlob("file")).toString(), "bytes of this tenant alone");
    await files.putBlob({ name: "other" }, Buffer.from("more"));
    await files.delete("other");
  },
};

describe("an account for each tenant", () => {
  let a, b;
  before(async () => {
    const [ours, theirs] = await Promise.all([world.tenant("A"), world.tenant("B")]);
    a = { ...(await opened(ours, "a")), account: ours };
    b = await opened(theirs, "b");
  });

  const of = (connection, namespace) => ({
    connection,
    stream: `LONGWAIT_${namespace}`,
    subject: (rest) => `longwait.${namespace}.${rest}`,
  });

  for (const [name, operation] of Object.entries(operations)) {
    test(`a client of its tenant ${name}`, async () => operation(of(a.connection, "a")));
    test(`a client of another tenant is refused where it ${name}`, async () => {
      const was = await b.state();
      await assert.rejects(operation(of(a.connection, "b")));
      assert.deepEqual(await b.state(), was);
    });
  }

  test("a tenant is refused what manages the streams of another, and does not see them", async () => {
    const was = await b.state();
    for (const stream of ["LONGWAIT_b", "OBJ_LONGWAIT_b"]) {
      await assert.rejects(a.manager.streams.delete(stream), /stream not found/);
      await assert.rejects(a.manager.streams.purge(stream), /stream not found/);
      await assert.rejects(a.manager.streams.deleteMessage(stream, 1), /stream not found/);
      await assert.rejects(a.manager.streams.update(stream, { max_msgs: 1 }), /stream not found/);
    }
    assert.deepEqual((await a.manager.streams.names().next()).sort(), ["LONGWAIT_a", "OBJ_LONGWAIT_a"]);
    assert.deepEqual(await b.state(), was);
  });

  test("a tenant hears nothing of another, neither messages nor answers", async () => {
    const heard = [];
    const wide = a.connection.subscribe(">", { callback: (_, { subject }) => heard.push(subject) });
    await a.connection.flush();
    await commit(b.connection, "longwait.b.p.loud.c", 0, "longwait.b.p.loud.>");
    await a.connection.request("$JS.API.STREAM.INFO.LONGWAIT_a");
    await a.connection.flush();
    wide.unsubscribe();
    assert.deepEqual(
      heard.filter((subject) => subject.includes(".b.")),
      [],
    );
    assert.ok(heard.length > 0, "it hears what is its own");
  });

  test("no reply subject leads from one tenant to another", async () => {
    const was = await b.state();
    await commit(a.connection, "longwait.a.p.evil.c", 0, "longwait.a.p.evil.>", { payload: "" });
    const last = JSON.stringify({ last_by_subj: "longwait.a.p.evil.c" });
    const asks = { "$JS.API.DIRECT.GET.LONGWAIT_a": last, "$SYS.REQ.SERVER.PING.STATSZ": "" };
    for (const [subject, payload] of Object.entries(asks))
      for (const reply of ["longwait.b.p.secret.c", "$JS.API.STREAM.DELETE.LONGWAIT_b", "$SYS.REQ.CLAIMS.UPDATE"])
        await sendWithReply(a.connection, subject, payload, reply);
    await a.connection.request("$SYS.REQ.SERVER.PING.STATSZ");
    await b.connection.flush();
    assert.deepEqual(await b.state(), was);
  });

  test("a tenant that may have no connections loses those that it has, and gets no other", async () => {
    const account = await world.tenant("shut out");
    const connection = await world.client(account);
    await world.tenant("shut out", { connections: 0 }, account);
    await connection.closed();
    await assert.rejects(world.client(account));
  });

  test("a tenant that fills its disk is refused, and another is not", async () => {
    const full = await world.tenant("full", { diskBytes: 100_000 });
    const connection = await world.client(full);
    await (await jetstreamManager(connection)).streams.add(streamOf("full"));
    let error;
    for (let number = 0; number < 20 && !error; number++)
      ({ error } = await commit(connection, `longwait.full.p.${number}.c`, 0, `longwait.full.p.${number}.>`, {
        payload: "x".repeat(20_000),
      }));
    assert.equal(error?.err_code, 10002);
    assert.equal((await commit(b.connection, "longwait.b.p.room.c", 0, "longwait.b.p.room.>")).error, undefined);
  });
});

describe("the permissions of a client, within one account", () => {
  let one, two, member;
  before(async () => {
    const account = await world.tenant("shared");
    one = await opened(account, "one");
    two = await opened(account, "two");
    member = await world.client(account, { permissions: clientPermissions("one") });
  });
  const own = () => ({ connection: member, stream: "LONGWAIT_one", subject: (rest) => `longwait.one.${rest}` });
  const other = () => ({ connection: member, stream: "LONGWAIT_two", subject: (rest) => `longwait.two.${rest}` });

  for (const [name, operation] of Object.entries(operations)) {
    test(`suffice where it ${name}`, async () => operation(own()));
    test(`refuse in another namespace that it ${name}`, async () => {
      const was = await two.state();
      await assert.rejects(operation(other()), /Permissions Violation/i);
      assert.deepEqual(await two.state(), was);
    });
  }

  test("refuse to make, change and delete streams, its own as well, and to list them", async () => {
    const was = [await one.state(), await two.state()];
    for (const request of ["CREATE.LONGWAIT_new", "UPDATE.LONGWAIT_one", "DELETE.LONGWAIT_one", "DELETE.LONGWAIT_two", "NAMES", "LIST"])
      await assert.rejects(member.request(`$JS.API.STREAM.${request}`, ""), /Permissions Violation/, request);
    assert.deepEqual([await one.state(), await two.state()], was);
  });

  test("let it hear notifications of its own namespace, and no messages by the way", async () => {
    const heard = member.subscribe("longwait.one.n.*", { max: 1 });
    member.publish("longwait.one.n.p", "chunks");
    for await (const message of heard) assert.equal(message.string(), "chunks");
    for (const subject of ["longwait.two.n.*", "longwait.one.p.>", ">"]) {
      const refused = member.subscribe(subject, { callback() {} });
      assert.match((await refused.closed).message, /Permissions Violation/);
    }
  });

  test("do not stop a hostile client: the server sends its answer where the client says", async () => {
    const last = JSON.stringify({ last_by_subj: "longwait.one.p.evil.c" });
    await commit(member, "longwait.one.p.evil.c", 0, "longwait.one.p.evil.>", { payload: "" });
    await sendWithReply(member, "$JS.API.DIRECT.GET.LONGWAIT_one", last, "$JS.API.STREAM.DELETE.LONGWAIT_two");
    const found = () => two.manager.streams.info("LONGWAIT_two").catch(({ message }) => message);
    for (let tries = 0; tries < 1_000 && typeof (await found()) !== "string"; tries++) await member.flush();
    assert.equal(await found(), "stream not found");
  });
});

describe("a token", () => {
  let account;
  before(async () => {
    account = await world.tenant("tokens");
    await opened(account, "tokens");
  });

  test("of a file of credentials needs the seed beside it", async () => {
    const user = newKey("user");
    const token = userToken(account, user, { name: "worker" });
    const authenticator = credsAuthenticator(Buffer.from(credentials(token, user)));
    const connection = await connect({ servers: world.servers.tcp, authenticator, reconnect: false });
    await connection.close();
    const alone = connect({ servers: world.servers.tcp, authenticator: () => ({ jwt: token }), reconnect: false });
    await assert.rejects(alone, /Authorization Violation/i);
  });

  test("of an account that the servers were not sent is refused", async () => {
    await assert.rejects(world.client(newKey("account")), /Authorization Violation/i);
  });

  /** Connects with a token that expires in some seconds, by which time it is connected. At each later attempt the next of `tokens` is given, and in the end the last one again. */
  async function expiring(t, tokens, options) {
    const state = { gives: [world.token(account, { expires: inSeconds(3) }), ...tokens], given: undefined };
    const authenticator = () => {
      state.given = state.gives.length > 1 ? state.gives.shift() : state.gives[0];
      return { jwt: state.given };
    };
    const connection = await connect({ servers: world.servers.tcp, reconnectTimeWait: 20, reconnectJitter: 0, authenticator, ...options });
    t.after(() => connection.close());
    return { connection, state };
  }

  test("that expires ends the connection, and a later one opens it again, also where the authenticator first gives old ones", async (t) => {
    const [old, fresh] = [-100, 600].map((seconds) => world.token(account, { expires: inSeconds(seconds) }));
    const { connection, state } = await expiring(t, [old, old, fresh], LASTING);
    for await (const { type } of connection.status()) if (type === "reconnect" && state.given === fresh) break;
    assert.equal((await commit(connection, "longwait.tokens.p.again.c", 0, "longwait.tokens.p.again.>")).error, undefined);
  });

  test("that is refused twice closes a connection for good that was not opened to last", async (t) => {
    const old = world.token(account, { expires: inSeconds(-100) });
    const { connection } = await expiring(t, [old], {});
    await connection.closed();
  });
});

test("a stream that is missing is not made by a client without the right to", async () => {
  const account = await world.tenant("empty");
  const connection = await world.client(account, { permissions: clientPermissions("empty") });
  const info = (await connection.request("$JS.API.STREAM.INFO.LONGWAIT_empty")).json();
  assert.equal(info.error.err_code, 10059);
  await assert.rejects(
    connection.request("$JS.API.STREAM.CREATE.LONGWAIT_empty", JSON.stringify(streamOf("empty"))),
    /Permissions Violation/,
  );
});
