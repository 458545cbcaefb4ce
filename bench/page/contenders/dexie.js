/**
 * Dexie, by its documentation: what belongs together in one transaction, relaxed durability (`chromeTransactionDurability`),
 * and no cache (`cache: "disabled"`), which is for its live queries.
 */
import { Dexie } from "dexie";
import { logged, processLog, registered } from "./rows.js";

export const name = "Dexie";

export async function open(database) {
  const db = new Dexie(database, { chromeTransactionDurability: "relaxed", cache: "disabled" });
  db.version(1).stores({ processes: "id", events: "[processId+sequence]" });
  await db.open();

  const log = (id, eventType, payload, change) =>
    db.transaction("rw", db.processes, db.events, async () => {
      const { event, process } = logged(await db.processes.get(id), eventType, payload, change);
      await Promise.all([db.events.put(event), db.processes.put(process)]);
    });

  return {
    register: (id) => db.processes.put(registered(id)),
    ...processLog(log, (id) => db.processes.get(id)),
    close: async () => db.close(),
  };
}
