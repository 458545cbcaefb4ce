/** idb, by its documentation: requests of one transaction awaited together with its `done`, and relaxed durability. */
import { openDB } from "idb";
import { eventsOf, logged, processLog, registered } from "./rows.js";

export const name = "idb";

export async function open(database) {
  const db = await openDB(database, 1, {
    upgrade(fresh) {
      fresh.createObjectStore("processes", { keyPath: "id" });
      fresh.createObjectStore("events", { keyPath: ["processId", "sequence"] });
    },
  });
  const begin = (stores) => db.transaction(stores, "readwrite", { durability: "relaxed" });

  async function log(id, eventType, payload, change) {
    const transaction = begin(["processes", "events"]);
    const processes = transaction.objectStore("processes");
    const { event, process } = logged(await processes.get(id), eventType, payload, change);
    const puts = [transaction.objectStore("events").put(event), processes.put(process)];
    transaction.commit(); // As the floor does.
    await Promise.all([...puts, transaction.done]);
  }

  return {
    async register(id) {
      const transaction = begin("processes");
      await Promise.all([transaction.store.put(registered(id)), transaction.done]);
    },
    ...processLog(log, (id) => db.get("processes", id)),
    /** Appends `[id, payload]` each to one process, all in one transaction. */
    async appendAll(appends) {
      const transaction = begin(["processes", "events"]);
      const [processes, events] = ["processes", "events"].map((store) => transaction.objectStore(store));
      let process = await processes.get(appends[0][0]);
      const puts = appends.map(([, payload]) => {
        const next = logged(process, "progress", payload, {});
        ({ process } = next);
        return events.put(next.event);
      });
      puts.push(processes.put(process));
      transaction.commit();
      await Promise.all([...puts, transaction.done]);
    },
    events: (id) => db.getAll("events", eventsOf(id)),
    close: async () => db.close(),
  };
}
