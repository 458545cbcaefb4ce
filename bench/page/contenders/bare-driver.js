/** The floor under a driver: IndexedDB itself, with the writes that registering, claiming and ending a process take. */
import { answer, complete } from "./bare.js";

export async function open(database) {
  const db = await opened(database);

  /** One transaction: gets a row, and then puts others. */
  function write([store, key], puts) {
    const transaction = db.transaction([...new Set([store, ...puts.map(([name]) => name)])], "readwrite", { durability: "relaxed" });
    transaction.objectStore(store).get(key).onsuccess = () => {
      for (const [name, row] of puts) transaction.objectStore(name).put(row);
      transaction.commit();
    };
    return complete(transaction);
  }

  return {
    /** All that a process without any work of its own goes through: three transactions, one after another. */
    async run(id) {
      const now = Date.now();
      const process = { id, lane: "active", kind: "noop", status: { state: "running" }, lastSequence: 0, updatedAtMs: now };
      await write(
        ["processes", id],
        [
          ["processes", process],
          ["registrations", { id, input: { type: "engine", kind: "noop" }, createdAtMs: now }],
        ],
      );
      const held = {
        owner: { ownerId: "o", incarnationId: "i" },
        leaseToken: id,
        fencingToken: 1,
        claimedAtMs: now,
        expiresAtMs: now + 30_000,
      };
      await write(["leases", id], [["leases", { processId: id, held }]]);
      const awaitOutput = { type: "success", value: null };
      await write(
        ["processes", id],
        [
          ["events", { processId: id, sequence: 1, eventType: "process.completed", payload: { awaitOutput }, occurredAtMs: now }],
          ["processes", { ...process, lane: "completed", status: { state: "completed", awaitOutput }, lastSequence: 1 }],
          ["leases", { processId: id, held: null }],
        ],
      );
    },
    close: () => db.close(),
  };
}

function opened(database) {
  const request = indexedDB.open(database, 1);
  request.onupgradeneeded = () => {
    for (const [name, keyPath] of [
      ["processes", "id"],
      ["registrations", "id"],
      ["leases", "processId"],
      ["events", ["processId", "sequence"]],
    ])
      request.result.createObjectStore(name, { keyPath });
  };
  return answer(request);
}
