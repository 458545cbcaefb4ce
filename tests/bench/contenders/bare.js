/** The floor: IndexedDB itself, with the least code that keeps a log and its head in step. */
export const name = "bare IndexedDB";

export async function open(database) {
  const db = await opened(database);
  const begin = (stores, mode) => db.transaction(stores, mode, { durability: "relaxed" });

  return {
    register(id) {
      const transaction = begin("processes", "readwrite");
      transaction.objectStore("processes").put({ id, status: { state: "running" }, lastSequence: 0, updatedAtMs: Date.now() });
      return complete(transaction);
    },
    append(processId, payload) {
      const transaction = begin(["processes", "events"], "readwrite");
      const processes = transaction.objectStore("processes");
      processes.get(processId).onsuccess = ({ target: { result: process } }) => {
        const [sequence, occurredAtMs] = [process.lastSequence + 1, Date.now()];
        transaction.objectStore("events").put({ processId, sequence, eventType: "progress", payload, occurredAtMs });
        processes.put({ ...process, lastSequence: sequence });
        transaction.commit(); // A fifth faster than leaving it to the browser.
      };
      return complete(transaction);
    },
    end(id, value) {
      const transaction = begin("processes", "readwrite");
      const processes = transaction.objectStore("processes");
      processes.get(id).onsuccess = ({ target: { result: process } }) =>
        processes.put({ ...process, status: { state: "completed", awaitOutput: { type: "success", value } } });
      return complete(transaction);
    },
    read: (id) => answer(begin("processes", "readonly").objectStore("processes").get(id)),
    async result(id) {
      return (await this.read(id)).status.awaitOutput;
    },
    async close() {
      db.close();
    },
  };
}

function opened(database) {
  const request = indexedDB.open(database, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("processes", { keyPath: "id" });
    request.result.createObjectStore("events", { keyPath: ["processId", "sequence"] });
  };
  return answer(request);
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function complete(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
