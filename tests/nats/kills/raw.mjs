/**
 * What the stream of a namespace holds, read by the bare client of NATS: another witness than the code that is tested. What it takes for granted of the
 * format is what js/nats/subjects.ts and commit.ts say.
 */
import { DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

export const streamOf = (namespace) => `LONGWAIT_${namespace}`;

/** How long the last messages may take to come, in milliseconds. */
const CATCH_UP_MS = 30_000;

/**
 * Follows the stream from its beginning, so that rows are seen that later commits replace. `end()` deletes all that the namespace has, and gives `{ seen, kept }`: the
 * messages that were received while the round went on, and those that are there in the end, each `{ sequence, subject, commit, parts, body }` in order.
 */
export async function follow(servers, namespace) {
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const name = streamOf(namespace);
  const seen = await received(connection, name);
  return {
    close: () => connection.close(),
    async end() {
      const manager = await jetstreamManager(connection, { timeout: 10_000 });
      const { state } = await manager.streams.info(name);
      await seen.reached(state.last_seq);
      const kept = await received(connection, name);
      await kept.reached(state.last_seq);
      seen.stop();
      kept.stop();
      for (const own of [name, `OBJ_${name}`]) await manager.streams.delete(own).catch(() => {});
      return { seen: seen.messages(), kept: kept.messages() };
    },
  };
}

/** All messages from the first on: `{ reached(sequence), messages(), stop() }`. */
async function received(connection, name) {
  const found = new Map();
  let last = 0,
    look = () => {};
  const consumer = await jetstream(connection).consumers.get(name, { deliver_policy: DeliverPolicy.All });
  const consuming = await consumer.consume({
    // A consumer whose server was killed is missed soon.
    expires: 2_000,
    idle_heartbeat: 500,
    callback(message) {
      const { seq: sequence, subject, headers } = message;
      const [commit, parts] = [headers?.get("Longwait-Writer"), Number(headers?.get("Longwait-Parts") || 0)];
      found.set(sequence, { sequence, subject, commit, parts, body: message.string() });
      last = Math.max(last, sequence);
      look();
    },
  });
  return {
    reached: (sequence) =>
      new Promise((reached, failed) => {
        const late = setTimeout(() => failed(new Error(`the stream was followed up to ${last} of ${sequence}`)), CATCH_UP_MS);
        look = () => last >= sequence && (clearTimeout(late), reached());
        look();
      }),
    messages: () => [...found.values()].sort((a, b) => a.sequence - b.sequence),
    stop: () => consuming.stop(),
  };
}

/** What is wrong with the messages of a stream, as `wrongsOf` of check.mjs says it. `keys` are the concurrency keys of processes, by their ids. */
export function wrongsOfRaw({ seen, kept }, writes, keys) {
  const wrong = [];
  const must = (holds, kind, words) => holds || wrong.push({ kind, words: `stream: ${words}` });
  const before = new Map(seen.map((message) => [message.sequence, message]));
  for (const { sequence, subject, body } of kept) {
    const then = before.get(sequence);
    must(!then || (then.subject === subject && then.body === body), "other", `message ${sequence} is another one than it was`);
  }
  const messages = [...new Map([...seen, ...kept].map((message) => [message.sequence, message])).values()];
  messages.sort((a, b) => a.sequence - b.sequence);

  // A commit is stored once: its messages follow one another, but for those that were replaced before they were seen.
  const all = new Map(messages.map((message) => [message.sequence, message]));
  const ends = new Map();
  for (const { commit, sequence, subject } of messages) {
    if (commit === undefined) continue;
    const last = ends.get(commit);
    const between = last === undefined ? [] : Array.from({ length: sequence - last - 1 }, (_, n) => last + 1 + n);
    must(!between.some((other) => all.has(other)), "doubled", `commit ${commit} has ${sequence} (${subject}) and ${last}`);
    ends.set(commit, sequence);
  }

  // Logs, as the messages that are there in the end have them.
  const logs = new Map();
  for (const [sequence, id, { rows }] of bodies(kept, isOfEvents)) {
    if (!logs.has(id)) logs.set(id, []);
    logs.get(id).push(...rows.map((row) => ({ ...row, at: sequence })));
  }
  for (const [id, rows] of logs)
    must(
      rows.every(({ sequence }, n) => sequence === n + 1),
      "gap",
      `the log of ${id} has the sequences ${rows.map(({ sequence }) => sequence)}`,
    );
  const tokens = new Map();
  const deleted = new Set(writes.filter(({ op }) => op === "delete").map(({ id }) => id));
  for (const { op, id, token, state } of writes) {
    if (!["append", "keyed", "fenced"].includes(op) || deleted.has(id)) continue;
    const known = tokens.get(token) ?? { op, id, isAcknowledged: false };
    tokens.set(token, { ...known, isAcknowledged: known.isAcknowledged || state === "acknowledged" });
  }
  const there = new Map();
  for (const rows of logs.values())
    for (const { payload } of rows) if (payload?.token) there.set(payload.token, (there.get(payload.token) ?? 0) + 1);
  for (const [token, { op, id, isAcknowledged }] of tokens) {
    const count = there.get(token) ?? 0;
    must(count > 0 || !isAcknowledged, "lost", `${op} of ${token} to ${id}`);
    must(count < 2, "doubled", `${op} of ${token} to ${id} is there ${count} times`);
  }

  // Fences: each is of one lease, they never fall, and nothing is written under one once a higher one was given.
  const fences = new Map();
  const running = new Map();
  const rows = [
    ...bodies(messages, isOfEvents).map(([at, id, log]) => [at, id, { log }]),
    ...bodies(messages, isOfRows).map(([at, id, { doc }]) => [at, id, { doc }]),
  ];
  rows.sort(([a], [b]) => a - b);
  for (const [at, id, { doc, log }] of rows) {
    const known = fences.get(id) ?? { highest: 0, leases: new Map() };
    fences.set(id, known);
    for (const row of log?.rows ?? []) {
      const fence = fenceOf(row);
      must(
        fence === undefined || fence >= known.highest,
        "fence",
        `${id} has at ${at} a write of fence ${fence}, when ${known.highest} was given`,
      );
    }
    const { lastFence = 0, held } = doc?.lease?.slot ?? {};
    if (doc?.lease) must(lastFence >= known.highest, "fence", `the fence of ${id} falls at ${at} from ${known.highest} to ${lastFence}`);
    known.highest = Math.max(known.highest, lastFence);
    if (held) {
      const lease = known.leases.get(held.fencingToken) ?? held.leaseToken;
      known.leases.set(held.fencingToken, lease);
      must(lease === held.leaseToken, "fence", `fence ${held.fencingToken} of ${id} is of two leases at ${at}`);
    }
    // Of a concurrency key one process is begun that has not ended.
    const key = keys.get(id);
    if (key === undefined) continue;
    if (log?.rows.some(({ semantics }) => semantics?.terminal) && running.get(key) === id) running.delete(key);
    if (!held) continue;
    const other = running.get(key) ?? id;
    must(other === id, "fence", `${id} of key ${key} is held at ${at}, when ${other} had not ended`);
    running.set(key, id);
  }
  return wrong;
}

const isOfEvents = (kind, what) => what === "e" && (kind === "d" || kind === "p");
const isOfRows = (kind) => kind === "d";

/** The bodies of the messages of a kind, with their parts: `[sequence, id, value]`. One of which parts were replaced is left out. */
function bodies(messages, isOf) {
  const all = new Map(messages.map((message) => [message.sequence, message]));
  return messages.flatMap(({ sequence, subject, parts, body }) => {
    const [, , set, token, kind, what] = subject.split(".");
    if (set !== "p" || !isOf(kind, what)) return [];
    const pieces = Array.from({ length: parts }, (_, part) => all.get(sequence - parts + part)?.body);
    if (pieces.includes(undefined)) return [];
    return [[sequence, nameOf(token), JSON.parse(pieces.join("") + body)]];
  });
}

const nameOf = (token) => token.replace(/=(....)/g, (_, unit) => String.fromCharCode(parseInt(unit, 16)));

/** The fence that an event says it is of, as the runs and the claims of a round write it. */
const fenceOf = ({ payload }) => payload?.fence ?? payload?.value?.fence ?? payload?.awaitOutput?.value?.fence;
