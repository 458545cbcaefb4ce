/** The floor under a driver: the writes of a process that is registered, claimed and ended, one transaction for each. */
import { complete, opened } from "./bare.js";

export async function open(database) {
  const db = await opened(database);

  /** One transaction that gets a row, and puts what `change` makes of it. */
  function write([first, ...others], id, change) {
    const transaction = db.transaction([first, ...others], "readwrite", { durability: "relaxed" });
    transaction.objectStore(first).get(id).onsuccess = ({ target: { result: row } }) => {
      for (const [store, value] of Object.entries(change(row))) transaction.objectStore(store).put(value);
      transaction.commit();
    };
    return complete(transaction);
  }

  return {
    async register(id) {
      const transaction = db.transaction(["processes", "registrations"], "readwrite", { durability: "relaxed" });
      transaction.objectStore("processes").put({ id, status: { state: "running" }, lastSequence: 0, updatedAtMs: Date.now() });
      transaction.objectStore("registrations").put({ id, input: { type: "engine", kind: "job" } });
      transaction.commit();
      return complete(transaction);
    },
    claim: (processId) =>
      write(["leases"], processId, (lease) => ({
        leases: { processId, fence: (lease?.fence ?? 0) + 1, held: { token: crypto.randomUUID(), expiresAtMs: Date.now() + 30_000 } },
      })),
    end: (processId) =>
      write(["processes", "events", "leases"], processId, (process) => {
        const [sequence, occurredAtMs] = [process.lastSequence + 1, Date.now()];
        const awaitOutput = { type: "success", value: null };
        return {
          events: { processId, sequence, eventType: "process.completed", payload: { awaitOutput }, occurredAtMs },
          processes: { ...process, status: { state: "completed", awaitOutput }, lastSequence: sequence, updatedAtMs: occurredAtMs },
          leases: { processId, fence: 1 },
        };
      }),
    close: () => db.close(),
  };
}
