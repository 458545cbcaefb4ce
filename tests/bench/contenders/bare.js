/** The floor: IndexedDB itself, with the least code that keeps a log and its head in step. */
export const name = "bare IndexedDB";

export async function open(database) {
  const db = await opened(database);
  const begin = (stores, mode) => db.transaction(stores, mode, { durability: "relaxed" });

  /** One transaction: gets the process, puts the event, and puts the process with what the event changes. */
  function log(processId, eventType, payload, change) {
    const transaction = begin(["processes", "events"], "readwrite");
    const processes = transaction.objectStore("processes");
    processes.get(processId).onsuccess = ({ target: { result: process } }) => {
      const [sequence, occurredAtMs] = [process.lastSequence + 1, Date.now()];
      transaction.objectStore("events").put({ processId, sequence, eventType, payload, occurredAtMs });
      processes.put({ ...process, ...change, lastSequence: sequence });
      transaction.commit(); // A fifth faster than leaving it to the browser.
    };
    return complete(transaction);
  }

  return {
    register(id) {
      const transaction = begin("processes", "readwrite");
      transaction.objectStore("processes").put({ id, status: { state: "running" }, lastSequence: 0, updatedAtMs: Date.now() });
      return complete(transaction);
    },
    append: (id, payload) => log(id, "progress", payload, {}),
    /** Appends `[id, payload]` each, all in one transaction: every process is got once and put once. */
    appendAll(appends) {
      const transaction = begin(["processes", "events"], "readwrite");
      const [processes, events] = ["processes", "events"].map((store) => transaction.objectStore(store));
      const logs = Map.groupBy(appends, ([id]) => id);
      let left = logs.size;
      for (const [processId, appended] of logs)
        processes.get(processId).onsuccess = ({ target: { result: process } }) => {
          let { lastSequence } = process;
          const occurredAtMs = Date.now();
          for (const [, payload] of appended)
            events.put({ processId, sequence: ++lastSequence, eventType: "progress", payload, occurredAtMs });
          processes.put({ ...process, lastSequence });
          if (--left === 0) transaction.commit();
        };
      return complete(transaction);
    },
    end(id, value) {
      const awaitOutput = { type: "success", value };
      return log(id, "process.completed", { awaitOutput }, { status: { state: "completed", awaitOutput } });
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
