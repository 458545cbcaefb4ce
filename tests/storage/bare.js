/** IndexedDB as it is, without longwait, and ways to make it fail. */

/** Settles as a request does. */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export const remove = (name) => settled(indexedDB.deleteDatabase(name));

/**
 * A connection that makes way for no other, to a database in that version, or with 0 in the one that it has. A new database gets a
 * store `things` with one row.
 */
export const hold = (name, version) => {
  const request = indexedDB.open(name, version || undefined);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion === 0) request.result.createObjectStore("things").put("a thing", "key");
  };
  return settled(request);
};

/** Asks for the deletion; resolves with how that went at first. The deletion goes on when it is unblocked. */
export const beginRemoval = (name) =>
  new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    request.onblocked = () => resolve("blocked");
    request.onsuccess = () => resolve("done");
  });

export const close = (database) => database.close();
export const version = (database) => database.version;

/** One row, read by a connection of its own. */
export async function row(name, store, key) {
  const database = await settled(indexedDB.open(name));
  try {
    return await settled(database.transaction(store).objectStore(store).get(key));
  } finally {
    database.close();
  }
}

/** Writes one row, by a connection of its own. */
export async function write(name, store, row) {
  const database = await settled(indexedDB.open(name));
  try {
    await settled(database.transaction(store, "readwrite").objectStore(store).put(JSON.parse(row)));
  } finally {
    database.close();
  }
}

/** Everything in a database: rows by store. */
export async function everything(name) {
  const database = await settled(indexedDB.open(name));
  try {
    const stores = [...database.objectStoreNames];
    const transaction = database.transaction(stores);
    const rows = stores.map((store) => settled(transaction.objectStore(store).getAll()));
    return JSON.stringify(Object.fromEntries((await Promise.all(rows)).map((rows, at) => [stores[at], rows])));
  } finally {
    database.close();
  }
}

// ── Faults ──────────────────────────────────────────────────────────────────

const undo = [];

/** Replaces a method of a prototype; `make` is given the original. */
function patch(prototype, method, make) {
  const original = prototype[method];
  prototype[method] = make(original);
  undo.push(() => (prototype[method] = original));
}

/** Takes all faults back. */
export function heal() {
  while (undo.length > 0) undo.pop()();
}

/** Calls `change` with each of the next so many transactions that may write. */
function atWrites(times, change) {
  patch(
    IDBDatabase.prototype,
    "transaction",
    (begin) =>
      function (...args) {
        const transaction = begin.apply(this, args);
        if (args[1] === "readwrite" && times-- > 0) change(transaction);
        return transaction;
      },
  );
}

const fault = (name) => new DOMException(`made up: ${name}`, name);
const failWith = (transaction, name) => Object.defineProperty(transaction, "error", { get: () => fault(name) });

/** The next so many `transaction` calls throw. */
export const refuseTransactions = (times, name) =>
  patch(
    IDBDatabase.prototype,
    "transaction",
    (begin) =>
      function (...args) {
        if (times-- > 0) throw fault(name);
        return begin.apply(this, args);
      },
  );

/** The next so many writes really commit, and are then reported as aborted. */
export const loseAnswers = (times, name) =>
  atWrites(times, (transaction) => {
    failWith(transaction, name);
    Object.defineProperty(transaction, "oncomplete", { set() {} });
    const atCommit = (listener) => transaction.addEventListener("complete", listener);
    Object.defineProperty(transaction, "onabort", { set: atCommit });
  });

/** The next write commits unseen, and the transaction after it is refused. */
export function loseAnswerAndRefuseTheNext(name) {
  let begun = 0;
  loseAnswers(1, name);
  patch(
    IDBDatabase.prototype,
    "transaction",
    (begin) =>
      function (...args) {
        if (begun++ === 1) throw fault(name);
        return begin.apply(this, args);
      },
  );
}

/** The next so many writes abort for real, after the last of their requests has succeeded. */
export const abortWrites = (times, name) =>
  atWrites(times, (transaction) => {
    failWith(transaction, name);
    abortAtEnd(transaction);
  });

function abortAtEnd(transaction) {
  // Committing at once would leave no time to abort.
  transaction.commit = undefined;
  const open = transaction.objectStore.bind(transaction);
  // A commit ends with the rows of its processes, or with its mark.
  const last = ["processes", "commits"].map(open);
  transaction.objectStore = (name) => last.find((store) => store.name === name) ?? open(name);
  for (const store of last)
    store.put = (row) => {
      const request = IDBObjectStore.prototype.put.call(store, row);
      request.addEventListener("success", () => transaction.abort());
      return request;
    };
}

/**
 * The next so many writes commit, or abort after the last of their requests, and get neither event. Where `closes` says so, the
 * connection is closed under them, as the browser does it, and gets its event then.
 */
export const swallowEvents = (times, aborts, closes) =>
  atWrites(times, (transaction) => {
    for (const event of ["oncomplete", "onabort"]) Object.defineProperty(transaction, event, { set() {} });
    const { db } = transaction;
    const close = () => {
      db.close();
      db.dispatchEvent(new Event("close"));
    };
    if (closes) for (const event of ["complete", "abort"]) transaction.addEventListener(event, close);
    if (aborts) abortAtEnd(transaction);
  });

/** Every put and add into a store throws. */
export const refusePuts = (store, name) => refuseRows((refused) => refused === store, name);

/** Every put and add of a row that is longer than so many characters of JSON throws. */
export const refuseLongRows = (most, name) => refuseRows((_, row) => JSON.stringify(row).length > most, name);

function refuseRows(isRefused, name) {
  for (const method of ["put", "add"]) {
    patch(
      IDBObjectStore.prototype,
      method,
      (write) =>
        function (...args) {
          if (isRefused(this.name, args[0])) throw fault(name);
          return write.apply(this, args);
        },
    );
  }
}

/** The next so many attempts to open a database fail. */
export const refuseOpening = (times, name) =>
  patch(
    IDBFactory.prototype,
    "open",
    (open) =>
      function (...args) {
        if (times-- > 0) throw fault(name);
        return open.apply(this, args);
      },
  );

let latest;

/** Remembers the connection that is used, and the options of every transaction that may write. */
export function watchTransactions() {
  const seen = [];
  patch(
    IDBDatabase.prototype,
    "transaction",
    (begin) =>
      function (...args) {
        latest = this;
        if (args[1] === "readwrite") seen.push(args[2]?.durability ?? "none");
        return begin.apply(this, args);
      },
  );
  return seen;
}

/** Closes the connection that was used last, as a browser does: with the event, or without a word. */
export function closeUnder(told) {
  latest.close();
  if (told) latest.dispatchEvent(new Event("close"));
}

let rows = 0;

/** Counts the rows that requests answer from now on. */
export function countRows() {
  rows = 0;
  const counting = (request) => {
    request.addEventListener("success", () => {
      const { result } = request;
      rows += Array.isArray(result) ? result.length : Number(result !== undefined && result !== null);
    });
    return request;
  };
  for (const prototype of [IDBObjectStore.prototype, IDBIndex.prototype]) {
    for (const method of ["get", "getAll", "openCursor", "openKeyCursor"]) {
      patch(
        prototype,
        method,
        (ask) =>
          function (...args) {
            return counting(ask.apply(this, args));
          },
      );
    }
  }
}

export const countedRows = () => rows;

/**
 * Timers of 1 to 10 seconds fire at once; answers the list of their delays. Longer ones are not ours: WebKit's driver gives up on
 * a script by one of 30 seconds in the page.
 */
export function hurry() {
  const delays = [];
  patch(
    globalThis,
    "setTimeout",
    (sleep) =>
      function (call, delay, ...args) {
        if (!(delay >= 1_000 && delay <= 10_000)) return sleep.call(this, call, delay, ...args);
        delays.push(delay);
        return sleep.call(this, call, 0, ...args);
      },
  );
  return delays;
}

/** There is no IndexedDB: the property is not there, or throws as in Firefox with storage switched off. */
export function withoutIndexedDb(throwing) {
  const get = () => {
    if (throwing) throw fault("SecurityError");
  };
  const own = Object.getOwnPropertyDescriptor(globalThis, "indexedDB");
  Object.defineProperty(globalThis, "indexedDB", { get, configurable: true });
  undo.push(() => (own ? Object.defineProperty(globalThis, "indexedDB", own) : delete globalThis.indexedDB));
}
