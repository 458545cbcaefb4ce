/** The floor under a list: records in one object store, put as they are and read by `getAll`. */
import { answer, complete } from "./bare.js";

export const name = "bare IndexedDB, getAll";

export async function open(database) {
  const request = indexedDB.open(database, 1);
  request.onupgradeneeded = () => request.result.createObjectStore("records", { keyPath: "id" });
  const db = await answer(request);
  return {
    fill(records) {
      const transaction = db.transaction("records", "readwrite", { durability: "relaxed" });
      for (const record of records) transaction.objectStore("records").put(record);
      return complete(transaction);
    },
    list: () => answer(db.transaction("records").objectStore("records").getAll()),
    close: () => db.close(),
  };
}
