/** IndexedDB as it is, without longwait. */

/** Settles as a request does. */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export const remove = (name) => settled(indexedDB.deleteDatabase(name));
