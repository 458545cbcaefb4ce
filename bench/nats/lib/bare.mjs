/**
 * The floor: the official client of NATS alone, with the least code that keeps a log and its head in step. A commit is one message on the
 * subject of its process, conditional on the last one there.
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

export const name = "bare client";

/** Opens a log over a connection. `bytes`: how long the body of a message is to be, with which it is filled up. */
export async function bareLog(connection, { stream, replicas, bytes }) {
  const [js, manager] = [jetstream(connection), await jetstreamManager(connection, { checkAPI: false, timeout: 30_000 })];
  const config = { name: stream, subjects: [`${stream}.*`], num_replicas: replicas, allow_direct: true };
  await manager.streams.add(config).catch((error) => manager.streams.info(stream).catch(() => Promise.reject(error)));
  const processes = new Map();
  const waits = new Map();
  let consumed;

  /** One message: what is known of the process with the event, if the head is still the last that is known. */
  async function commit(id, change, events) {
    const { head = 0, process } = processes.get(id) ?? {};
    const body = sized({ process: { ...process, id, ...change, updatedAtMs: Date.now() }, events }, bytes);
    const { seq } = await patiently(() => js.publish(`${stream}.${id}`, JSON.stringify(body), { expect: { lastSubjectSequence: head } }));
    know(id, seq, body.process);
  }

  /** What a consumer hears may be older than what is known. */
  function know(id, head, process) {
    if (head > (processes.get(id)?.head ?? 0)) processes.set(id, { head, process });
  }

  return {
    register: (id, input) => commit(id, { status: { state: "running" }, input, last: 0 }, []),
    append: (id, ...payloads) => {
      const { last } = processes.get(id).process;
      const event = (payload, n) => ({ sequence: last + 1 + n, eventType: "progress", payload, occurredAtMs: Date.now() });
      return commit(id, { last: last + payloads.length }, payloads.map(event));
    },
    claim: (id) => commit(id, { lease: { owner: "one", token: id, expiresAtMs: Date.now() + 30_000 } }, []),
    end: (id, value) => commit(id, { status: { state: "completed", value }, lease: undefined }, []),
    /** Resolves with the next body on the subject of a process, once it is stored. */
    next: (id) => new Promise((hear) => waits.set(id, hear)),
    /** Resolves once {@link next} hears: one consumer serves all waits. `every` hears of all processes. */
    async listen(every = () => {}) {
      const consumer = await js.consumers.get(stream, { deliver_policy: "new" });
      consumed = await consumer.consume({
        callback(message) {
          const [id, body] = [message.subject.slice(stream.length + 1), message.json()];
          know(id, message.seq, body.process);
          const hear = waits.get(id);
          waits.delete(id);
          hear?.(body);
          every(id, body);
        },
      });
      await connection.flush();
    },
    async close() {
      await consumed?.close();
      await connection.close();
    },
  };
}

/** "wrong last sequence" of a cluster that cannot say it yet, as another message is on its way. */
const UNDECIDED = 10_164;

/** A stream that was just made has no leader yet, which the client takes for a server without streams. */
const LEADERLESS = "JetStreamNotEnabled";

async function patiently(publish) {
  for (let tries = 0; ; tries++) {
    try {
      return await publish();
    } catch (error) {
      const pauseMs = error.code === UNDECIDED ? 1 : error.name === LEADERLESS ? 25 : undefined;
      if (pauseMs === undefined || tries === 100) throw error;
      await new Promise((turn) => setTimeout(turn, pauseMs));
    }
  }
}

function sized(body, bytes = 0) {
  const missing = bytes - JSON.stringify(body).length - ',"filling":""'.length;
  return missing > 0 ? { ...body, filling: "x".repeat(missing) } : body;
}
