/** The floor: IndexedDB itself, with the least code that keeps a log and its head in step. */
import { eventsOf, logged, ourIndexes, processLog, registered } from "./rows.js";

export const name = "bare IndexedDB";

/** The same with the indexes over the events that longwait has. The least code has none: it finds an event by its number alone. */
export const indexed = { name: `${name}, same indexes`, open: (database) => open(database, ourIndexes) };

export async function open(database, indexes = {}) {
  const db = await opened(database, indexes);
  const begin = (stores, mode) => db.transaction(stores, mode, { durability: "relaxed" });

  /** One transaction: gets the process, puts the event, and puts the process with what the event changes. */
  function log(id, eventType, payload, change) {
    const transaction = begin(["processes", "events"], "readwrite");
    const processes = transaction.objectStore("processes");
    processes.get(id).onsuccess = ({ target: { result } }) => {
      const { event, process } = logged(result, eventType, payload, change);
      transaction.objectStore("events").put(event);
      processes.put(process);
      transaction.commit(); // A fifth faster than leaving it to the browser.
    };
    return complete(transaction);
  }

  const read = (id) => answer(begin("processes", "readonly").objectStore("processes").get(id));

  return {
    register(id) {
      const transaction = begin("processes", "readwrite");
      transaction.objectStore("processes").put(registered(id));
      return complete(transaction);
    },
    ...processLog(log, read),
    /** Appends `[id, payload]` each, all in one transaction: every process is got once and put once. */
    appendAll(appends) {
      const transaction = begin(["processes", "events"], "readwrite");
      const [processes, events] = ["processes", "events"].map((store) => transaction.objectStore(store));
      const logs = Map.groupBy(appends, ([id]) => id);
      let left = logs.size;
      for (const [id, appended] of logs)
        processes.get(id).onsuccess = ({ target: { result: process } }) => {
          for (const [, payload] of appended) {
            const next = logged(process, "progress", payload, {});
            events.put(next.event);
            ({ process } = next);
          }
          processes.put(process);
          if (--left === 0) transaction.commit();
        };
      return complete(transaction);
    },
    events: (id) => answer(begin("events", "readonly").objectStore("events").getAll(eventsOf(id))),
    close: async () => db.close(),
  };
}

function opened(database, indexes) {
  const request = indexedDB.open(database, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("processes", { keyPath: "id" });
    const events = request.result.createObjectStore("events", { keyPath: ["processId", "sequence"] });
    for (const [index, keyPath] of Object.entries(indexes)) events.createIndex(index, keyPath);
  };
  return answer(request);
}

/** Resolves with what a request gives. */
export function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves when a transaction is complete. */
export function complete(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
