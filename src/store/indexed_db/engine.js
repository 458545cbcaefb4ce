// IndexedDB, driven by requests that are data. Rust decides what to read and write; this file knows
// how a database is laid out and opened, and how a transaction is kept alive and seen to its end.

// ── Layout ───────────────────────────────────────────────────────────────────────────────────────
// Each step takes the layout one version further; a database of any age runs those it lacks.
//
// store          key                       what
// processes      id                        the half of a process that changes; tombstones of pruned ones
// registrations  registration.id           the half that never changes
// events         [processId, sequence]     the logs
// wakes          [processId, sequence]     wakes that are not acknowledged
// grants         [scopeId, processId]      handle grants; a session's scopes are a range of keys
// leases         processId                 lease slots; they outlive pruning, so fencing tokens rise on
// commits        writer                    marks of each connection's last commits, to tell whether they landed; events carry theirs
const steps = [
  (database) => {
    const store = (name, keyPath, indexes = {}) => {
      const made = database.createObjectStore(name, { keyPath });
      for (const [index, path] of Object.entries(indexes)) made.createIndex(index, path);
    };
    store("processes", "id", {
      byLane: ["lane", "id"],
      byKind: ["kind", "lane", "id"],
      byDefinition: ["definitionHash", "lane", "id"],
      byDefinitionAndKind: ["definitionHash", "kind", "lane", "id"],
      byChange: "change",
      byRetention: "retainedSinceMs",
      byWakeSession: "wakeTarget.sessionId",
    });
    store("registrations", "registration.id");
    store("events", ["processId", "sequence"], {
      byType: ["processId", "eventType", "sequence"],
      byReplayKey: ["processId", "replayKey"],
    });
    store("wakes", ["processId", "sequence"]);
    store("grants", ["scopeId", "processId"], { byProcess: ["processId", "sessionId", "scopeId"] });
    store("leases", "processId");
    store("commits", "writer");
  },
];

const version = steps.length;

const fault = (name, message) => new DOMException(message, name);

// ── Opening ──────────────────────────────────────────────────────────────────────────────────────

/**
 * How long an upgrade or deletion in another tab may keep this one waiting. Long enough for the other tab's `versionchange`
 * handler to run, even a throttled one; short enough to tell a person.
 */
const PATIENCE_MS = 5_000;

/** Databases that are opened ahead, by their names. */
const ahead = new Map();

/**
 * Opens a database for the next `open()` of that name, which may come once the WebAssembly is compiled: the two take about as
 * long, and need not wait for each other. Gives the function that closes it again if nobody took it.
 */
export function openAhead(name) {
  if (ahead.has(name)) return () => {};
  const opening = connect(name);
  ahead.set(name, opening);
  // Whoever takes it hears of a failure; if nobody does, nobody needs it.
  opening.catch(() => {});
  return () => {
    if (ahead.get(name) !== opening) return;
    ahead.delete(name);
    opening.then((database) => database.close(), () => {});
  };
}

/**
 * Opens a database, upgrading an older one. Rejects with "BlockedError" where another connection does
 * not make way in time. Calls `lost` when the connection is of no use any more.
 */
export async function open(name, lost) {
  const opened = ahead.get(name);
  ahead.delete(name);
  let database = await (opened ?? connect(name));
  if (database.isLost) database = await connect(name);
  database.lost = lost;
  return database;
}

function connect(name) {
  return new Promise((resolve, reject) => {
    // Firefox with storage switched off throws on the property itself.
    const factory = globalThis.indexedDB;
    if (!factory) throw fault("NotFoundError", "there is no IndexedDB here");
    const request = factory.open(name, version);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(fault("BlockedError", "another tab holds the database open against an upgrade or deletion"));
    }, PATIENCE_MS);
    request.onupgradeneeded = ({ oldVersion }) => {
      for (const step of steps.slice(oldVersion)) step(request.result);
    };
    request.onerror = (event) => {
      event.preventDefault();
      clearTimeout(timer);
      reject(request.error);
    };
    request.onsuccess = () => {
      const database = request.result;
      // An open request cannot be taken back: what comes too late must not stand in others' way.
      if (late) return database.close();
      clearTimeout(timer);
      database.lost = () => (database.isLost = true);
      // Another tab upgrades or deletes: make way at once, or that tab would hang.
      database.onversionchange = () => {
        database.close();
        database.lost();
      };
      // The browser closed it: storage cleared, disk gone, storage process dead.
      database.onclose = () => database.lost();
      // Listing them costs as much as a read.
      database.stores = [...database.objectStoreNames];
      resolve(database);
    };
  });
}

/** Whether the browser has promised to keep this origin's data; `false` where it cannot be asked. */
export async function persisted() {
  try {
    return await navigator.storage.persisted();
  } catch {
    return false;
  }
}

// ── Transactions ─────────────────────────────────────────────────────────────────────────────────

/** The keys strictly between two; a missing one leaves its side open. */
function between(after, before) {
  if (after === null) return before === null ? null : IDBKeyRange.upperBound(before, true);
  if (before === null) return IDBKeyRange.lowerBound(after, true);
  return IDBKeyRange.bound(after, before, true, true);
}

// What a request may be: [kind, store, index or null, ...arguments].
const kinds = {
  get: (source, key) => source.get(key),
  all: (source, after, before, limit) => source.getAll(between(after, before), limit ?? undefined),
  keys: (source, after, before, limit) => source.getAllKeys(between(after, before), limit),
  only: (source, key) => source.getAll(key),
  last: (source, after, before) => source.openCursor(between(after, before), "prev"),
  lastKey: (source) => source.openKeyCursor(null, "prev"),
  put: (source, row) => source.put(row),
  add: (source, row) => source.add(row),
  delete: (source, key) => source.delete(key),
  clear: (source, after, before) => source.delete(between(after, before)),
};

// A cursor is not data: its row is, or its key where it has no row.
const resultOf = ({ result }) => (result instanceof IDBCursor ? (result.value ?? result.key) : result);

/**
 * Whether `commit()` may be called while requests are under way. Should one of them fail, Chromium and WebKit still take
 * all back, as the specification has it; Firefox 153 writes the others. Without that call it takes all back, too.
 */
const commitsWholly = () => navigator.userAgent.includes("AppleWebKit");

/**
 * Runs one transaction in rounds. `step` is called with the results of the round before, as JSON text, and gives the
 * next one: `[kind, requests]`, or nothing when there is nothing more to do. It is called while the
 * transaction is alive, and nothing else is waited for, so the transaction cannot end between rounds.
 *
 * Requests are answered in order, so the last one's answer ends a round of kind "read". Nobody waits for the answers of
 * a round of kind "write", and "commit" is the last round: writes count once the transaction is complete, and only then does
 * the promise resolve. An error of any request aborts the transaction as a whole.
 */
export function run(database, mode, durability, step) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(database.stores, mode, { durability });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? fault("AbortError", "the transaction was aborted"));
    const issue = ([kind, store, index, ...rest]) => {
      const table = transaction.objectStore(store);
      return kinds[kind](index === null ? table : table.index(index), ...rest);
    };
    const round = (results) => {
      try {
        const next = step(JSON.stringify(results));
        if (!next) return resolve();
        const [kind, requests] = next;
        const issued = requests.map(issue);
        if (kind === "read") issued.at(-1).onsuccess = () => round(issued.map(resultOf));
        // Then the browser has enough to do while the next round is made, and others had their turn.
        else if (kind === "write") issued[0].onsuccess = () => round([]);
        // Saves the browser a look at whether more will come: a third of the time of a small append.
        else if (commitsWholly()) transaction.commit?.();
      } catch (error) {
        reject(error);
        transaction.abort();
      }
    };
    round([]);
  });
}
