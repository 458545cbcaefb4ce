/** Counts the transactions of this page, from when this is loaded on. */

let count = 0;
const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (...given) {
  count++;
  return transaction.apply(this, given);
};

/** How many it has begun so far. */
export const transactions = () => count;
