import { patiently, randomName, within } from "../../host/browser/tab.js";

// IndexedDB, driven by requests that are data. Rust decides what to read and write; this file knows
// how a database is laid out and opened, and how a transaction is kept alive and seen to its end.

// ── Layout ───────────────────────────────────────────────────────────────────────────────────────
// Each step takes the layout one version further; a database of any age runs those it lacks.
//
// store          key                       what
// processes      id                        the half of a process that changes; tombstones of pruned ones
// registrations  registration.id           the half that never changes
// events         [processId, sequence]     the logs
// attachments    [processId, name]         the bodies of attachments, a Blob each; the process's row lists them
// streams        [processId, name]         how far each output stream is
// chunks         [processId, name, first]  the chunks of streams, several to a row, by the index of the row's first
// counts         [processId, eventType]    how many events of a type there are, where the process's row does not have it
// wakes          [processId, sequence]     wakes that are not acknowledged
// grants         [scopeId, processId]      handle grants; a session's scopes are a range of keys
// leases         processId                 lease slots; they outlive pruning, so fencing tokens rise on
// commits        writer                    marks of each connection's last commits, to tell whether they landed; events carry theirs
// about          name                      facts of the database: its identity, which no other database has had
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
  (database) => {
    const about = database.createObjectStore("about", { keyPath: "name" });
    about.add({ name: "identity", value: randomName() });
  },
  (database) => void database.createObjectStore("counts", { keyPath: ["processId", "eventType"] }),
  (database, transaction) => {
    const index = (store, name, path) => transaction.objectStore(store).createIndex(name, path);
    index("processes", "byTurn", ["turn.kind", "turn.rank", "createdAtMs", "id"]);
    index("processes", "byQueue", ["queue.key", "queue.stage", "queue.rank", "createdAtMs", "id"]);
    index("processes", "byDue", "dueAtMs");
    index("processes", "byParent", ["parentId", "lane", "id"]);
    index("processes", "byCreated", ["lane", "createdAtMs", "id"]);
    transaction.objectStore("processes").deleteIndex("byRetention");
    index("processes", "byRetention", ["lane", "retainedSinceMs"]);
    transaction.objectStore("processes").createIndex("byLabel", "labels", { multiEntry: true });
    index("leases", "byHeld", "slot.held.processId");
    giveTurns(transaction);
  },
  (database) => {
    const store = (name, keyPath) => database.createObjectStore(name, { keyPath });
    store("attachments", ["processId", "name"]);
    store("streams", ["processId", "name"]);
    store("chunks", ["processId", "name", "first"]);
  },
];

/** Without a priority: that of `Policy::rank` in crates/core. */
const PLAIN_RANK = 1_000_000;

/** Gives a turn to each process that a driver may have to begin. Versions before had no policy, so each may be begun at any time. */
function giveTurns(transaction) {
  const [processes, registrations] = ["processes", "registrations"].map((store) => transaction.objectStore(store));
  for (const lane of ["active", "waiting"]) {
    const pending = processes.index("byLane").openCursor(IDBKeyRange.bound([lane], [lane, []]));
    pending.onsuccess = () => {
      const cursor = pending.result;
      if (cursor === null) return;
      const row = cursor.value;
      registrations.get(row.id).onsuccess = ({ target }) => {
        // What cannot be read is left as it is: it is reported where it is met.
        const type = target.result?.registration?.input?.type;
        if (type !== undefined && type !== "external") processes.put({ ...row, turn: { kind: row.kind, rank: PLAIN_RANK } });
      };
      cursor.continue();
    };
  }
}

const version = steps.length;

/** The stores that each step made. A database that lacks those of its version was not made by longwait. */
const storesOfStep = [
  ["processes", "registrations", "events", "wakes", "grants", "leases", "commits"],
  ["about"],
  ["counts"],
  [],
  ["attachments", "streams", "chunks"],
];

const isOurs = (database, atVersion) =>
  storesOfStep
    .slice(0, atVersion)
    .flat()
    .every((store) => database.objectStoreNames.contains(store));

const fault = (name, message) => new DOMException(message, name);

// ── Opening ──────────────────────────────────────────────────────────────────────────────────────

/**
 * How long an upgrade or deletion that is known to be held up may take. Long enough for the other tab's `versionchange`
 * handler to run, even a throttled one; short enough to tell a person.
 */
const PATIENCE_MS = 5_000;

/** How long a request or transaction may be silent until another one looks whether it is over. Large ones may take longer. */
const SILENCE_MS = 5_000;

/** Databases that are opened ahead, by their names. */
const ahead = new Map();

/** Names of databases that this page made way for. Until one opens again, the upgrade or deletion may be held up by another page. */
const madeWay = new Set();

/** What the browser said of databases that it found damaged, and has deleted, by their names. */
const damages = new Map();

/** What it said of this one, once. */
export function takeDamage(name) {
  const words = damages.get(name);
  damages.delete(name);
  return words;
}

/**
 * Opens a database for the next `open()` of that name, which may come once the WebAssembly is compiled: the two take about as
 * long, and need not wait for each other. Gives the function that closes it again if it was not taken.
 */
export function openAhead(name) {
  if (ahead.has(name)) return () => {};
  const opening = connect(name);
  ahead.set(name, opening);
  // The caller that takes it meets a failure; where none does, it does not matter.
  opening.catch(() => {});
  return () => {
    if (ahead.get(name) !== opening) return;
    ahead.delete(name);
    opening.then(
      (database) => database.close(),
      () => {},
    );
  };
}

/**
 * Opens a database, upgrading an older one. Rejects with "BlockedError" where another connection is seen to keep it from
 * that for too long, and with "ForeignError" where another program made the database. Calls `lost` when the connection is of
 * no use any more, with whether the database is being deleted: then it must not be made anew on behalf of those who had it open.
 */
export async function open(name, lost) {
  const early = ahead.get(name);
  ahead.delete(name);
  let database = await (early ?? connect(name)).catch((error) => {
    // The storage may just have been cleared, or its process restarted.
    if (meansLost(error)) return connect(name);
    throw error;
  });
  if (database.isLost) database = await connect(name);
  database.lost = lost;
  return database;
}

function connect(name) {
  return new Promise((resolve, reject) => {
    // Firefox with storage switched off throws on the property itself.
    const factory = globalThis.indexedDB;
    if (!factory) throw fault("NotFoundError", "there is no IndexedDB here");
    let over = false;
    let stopWaiting = () => {};
    let stopAsking = () => {};
    const end = (settle, outcome) => {
      over = true;
      stopWaiting();
      stopAsking();
      settle(outcome);
    };
    const isHeldUp = () => {
      stopWaiting();
      stopWaiting = patiently(PATIENCE_MS, () => {
        end(reject, fault("BlockedError", "another tab holds the database open against an upgrade or deletion"));
      });
    };

    function ask(span) {
      const request = factory.open(name, version);
      // A request that was lost with the storage process gets no event. Requests are answered in their order, so a later one that
      // is answered does as well.
      stopAsking = patiently(span, () => {
        try {
          ask(2 * span);
        } catch (error) {
          end(reject, error);
        }
      });
      let foreign = false;
      request.onblocked = () => {
        stopAsking();
        isHeldUp();
      };
      // The last two are Chromium's own.
      request.onupgradeneeded = ({ oldVersion, dataLoss, dataLossMessage }) => {
        stopAsking();
        stopWaiting();
        if (dataLoss === "total") damages.set(name, dataLossMessage);
        foreign = oldVersion > 0 && !isOurs(request.result, oldVersion);
        if (foreign) return request.transaction.abort();
        for (const step of steps.slice(oldVersion)) step(request.result, request.transaction);
      };
      request.onerror = async (event) => {
        event.preventDefault();
        stopAsking();
        stopWaiting();
        foreign ||= request.error.name === "VersionError" && (await within(PATIENCE_MS, isForeign(name), false));
        end(reject, foreign ? foreignFault(name) : request.error);
      };
      request.onsuccess = () => {
        const database = request.result;
        // An open request cannot be taken back: what comes too late must not stand in others' way.
        if (over) return database.close();
        madeWay.delete(name);
        if (isOurs(database, version)) return end(resolve, opened(name, database));
        database.close();
        end(reject, foreignFault(name));
      };
    }

    // The request is queued behind the one that this page made way for, and gets no event of its own while that is blocked.
    if (madeWay.has(name)) isHeldUp();
    ask(SILENCE_MS);
  });
}

/** A database that was opened, with what this file notes of it. */
function opened(name, database) {
  database.lost = () => (database.isLost = true);
  // The transactions under way, each as the function that gives it up.
  database.running = new Set();
  const close = database.close.bind(database);
  database.close = () => {
    // Its owner lets go of it, and cannot be called any more.
    database.lost = () => {};
    close();
  };
  // Another tab upgrades or deletes: make way at once, or that tab would hang. Transactions under way still end.
  database.onversionchange = ({ newVersion }) => {
    madeWay.add(name);
    close();
    database.lost(newVersion === null);
  };
  // The browser closed it: storage cleared, disk gone, storage process dead. Transactions may get no other event than this one.
  database.onclose = () => {
    database.lost(false);
    for (const giveUp of database.running) giveUp(fault("AbortError", "the browser closed the connection"));
  };
  // Each of these costs as much as a part of a read.
  database.stores = [...database.objectStoreNames];
  database.commitsWholly = commitsWholly();
  return database;
}

/**
 * Deletes a database, once every connection has made way for that: those of longwait do at once. Rejects with "BlockedError" where one
 * does not for too long; the deletion is then done once it does. Rejects with "ForeignError" where another program made it.
 */
export async function remove(name) {
  // Firefox with storage switched off throws on the property itself.
  const factory = globalThis.indexedDB;
  if (!factory) throw fault("NotFoundError", "there is no IndexedDB here");
  if (await within(PATIENCE_MS, isForeign(name), false)) throw foreignFault(name);
  await new Promise((resolve, reject) => {
    const request = factory.deleteDatabase(name);
    let stopWaiting = () => {};
    request.onblocked = () => {
      stopWaiting = patiently(PATIENCE_MS, () => reject(fault("BlockedError", "another tab holds the database open against its deletion")));
    };
    request.onsuccess = () => {
      stopWaiting();
      madeWay.delete(name);
      resolve();
    };
    request.onerror = (event) => {
      event.preventDefault();
      stopWaiting();
      reject(request.error);
    };
  });
}

const foreignFault = (name) => fault("ForeignError", `a database named ${JSON.stringify(name)} is there, and another program made it`);

/** Whether the database of that name, whose version is above ours, was made by another program. */
function isForeign(name) {
  return new Promise((resolve) => {
    const request = globalThis.indexedDB.open(name);
    // It is gone by now: nothing is made in its place.
    request.onupgradeneeded = () => request.transaction.abort();
    request.onerror = (event) => {
      event.preventDefault();
      resolve(false);
    };
    request.onsuccess = () => {
      const database = request.result;
      resolve(!isOurs(database, 1));
      database.close();
    };
  });
}

/** Whether the browser has promised to keep this origin's data; `false` where it cannot be asked, or does not answer. */
export async function persisted() {
  try {
    return await within(PATIENCE_MS, navigator.storage.persisted(), false);
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
  all: (source, after, before, limit) => source.getAll(between(after, before), limit),
  keys: (source, after, before, limit) => source.getAllKeys(between(after, before), limit),
  only: (source, key) => source.getAll(key),
  count: (source, after, before) => source.count(between(after, before)),
  last: (source, after, before) => source.openCursor(between(after, before), "prev"),
  lastKey: (source, before) => source.openKeyCursor(between(null, before), "prev"),
  put: (source, row) => source.put(row),
  add: (source, row) => source.add(row),
  delete: (source, key) => source.delete(key),
  clear: (source, after, before) => source.delete(between(after, before)),
};

/** What a request found, as a list. A cursor is not data: its row is, or its key where it has no row. A row of ours has no such method. */
function found({ result }) {
  if (result === undefined || result === null) return [];
  if (Array.isArray(result)) return result;
  return [typeof result.continue === "function" ? (result.value ?? result.key) : result];
}

/** Of a row that is not JSON, which others have written, the plain fields: it is found to be unreadable. */
function plainFields(row) {
  const isPlain = (value) => typeof value === "string" || typeof value === "number";
  return Object.fromEntries(Object.entries(row).filter(([, value]) => isPlain(value)));
}

/** Deeper than any row of ours: a payload has at most 100 levels. */
const DEEPEST = 128;

/** About how many bytes a row takes; `NaN` where it is not JSON. */
function weigh(value, depth = 0) {
  switch (typeof value) {
    case "string":
      return value.length + 8;
    case "boolean":
      return 8;
    case "number":
      return Number.isFinite(value) ? 8 : NaN;
    case "object": {
      if (value === null) return 8;
      if (depth === DEEPEST) return NaN;
      let sum = 8;
      if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index++) sum += weigh(value[index], depth + 1);
        return sum;
      }
      if (Object.getPrototypeOf(value) !== Object.prototype) return NaN;
      for (const key of Object.keys(value)) sum += key.length + weigh(value[key], depth + 1);
      return sum;
    }
    default:
      return NaN;
  }
}

const ATTACHMENTS = "attachments";

/** About how many bytes a row of a source takes. The body of an attachment is not JSON: a Blob, which is a reference, or its bytes. */
function weightOf({ name }, row) {
  return name === ATTACHMENTS ? 8 + (row.body?.byteLength ?? 0) : weigh(row);
}

/** How many rows a round asks for before it has seen any. */
const FIRST_ROWS = 16;

/** How many times as many as the last time it asks for at most. */
const GROWTH = 8;

/** About how many bytes of rows it asks for at once, as far as the size of the last ones tells. */
const MOST_BYTES = 8_388_608;

/**
 * Reads in pages, so that what is asked for at once is bounded by bytes, whatever a round asks for. Calls `answer` with a list of rows for
 * each request, within the transaction. `guarded` makes handlers of events.
 */
function readInPages(requests, sourceOf, guarded, answer) {
  const results = requests.map(() => []);
  const reads = requests.map(([kind, store, index, ...given], place) => ({ kind, source: sourceOf(store, index), given, place }));
  const back = reads.filter(({ kind }) => kind === "back");
  let rest = reads.filter(({ kind }) => kind !== "back");
  let rows = FIRST_ROWS;
  // No request answers with the last rows of a range, so a cursor goes through them, one read after another.
  const readBack = () => {
    if (back.length === 0) return rest.length === 0 ? answer(results) : page();
    const { source, given, place } = back.shift();
    const [after, before, limit] = given;
    const request = source.openCursor(between(after, before), "prev");
    request.onsuccess = guarded(() => {
      const cursor = request.result;
      if (cursor) results[place].push(kept(cursor.value, weigh(cursor.value)));
      if (!cursor || results[place].length === limit) return readBack();
      cursor.continue();
    });
  };
  const page = () => {
    const asked = rest.slice(0, rows);
    const share = Math.floor(rows / asked.length);
    const issued = asked.map((read) => issuePart(read, share));
    issued.at(-1).onsuccess = guarded(() => {
      let [bytes, count] = [0, 0];
      const keep = (read, row) => {
        const weight = weightOf(read.source, row);
        count++;
        bytes += weight || 0;
        results[read.place].push(kept(row, weight));
      };
      const unfinished = asked.filter((read, n) => {
        const part = found(issued[n]);
        for (const row of part) keep(read, row);
        return read.kind === "all" && isCut(read, part, share);
      });
      rest = [...unfinished, ...rest.slice(asked.length)];
      if (rest.length === 0) return answer(results);
      const fitting = Math.floor((MOST_BYTES * count) / bytes) || Infinity;
      rows = Math.max(1, Math.min(rows * GROWTH, fitting));
      page();
    });
  };
  readBack();
}

/** A row as it is shown to Rust. */
const kept = (row, weight) => (Number.isNaN(weight) ? plainFields(row) : row);

/** Asks for what is left of a read, at most so many rows. */
function issuePart({ kind, source, given }, share) {
  if (kind !== "all") return kinds[kind](source, ...given);
  const [after, before, limit] = given;
  return kinds.all(source, after, before, Math.min(share, limit ?? share));
}

/** Whether there may be more rows than those found; then the read is set to what is left. The key of a source that is read so is its rows' own. */
function isCut(read, found, share) {
  const [, before, limit] = read.given;
  if (found.length < share || found.length === limit) return false;
  read.given = [keyOf(found.at(-1), read.source, read.given), before, limit === null ? null : limit - found.length];
  return true;
}

/** The key of a row in a source: of several, the one between two others. */
function keyOf(row, { keyPath, multiEntry }, [after, before]) {
  if (multiEntry) return valueAt(row, keyPath).find((key) => between(after, before).includes(key));
  return Array.isArray(keyPath) ? keyPath.map((part) => valueAt(row, part)) : valueAt(row, keyPath);
}

/** The value under a key path, whose parts are joined by dots. */
const valueAt = (row, path) => path.split(".").reduce((value, name) => value?.[name], row);

/**
 * Whether `commit()` may be called while requests are under way. Should one of them fail, Chromium and WebKit still take
 * all back, as the specification has it; Firefox 153 writes the others. Without that call it takes all back, too.
 */
const commitsWholly = () => globalThis.navigator?.userAgent?.includes("AppleWebKit") ?? false;

/** What {@link run} rejects with where it is not known whether the transaction was committed. */
export class Lost {
  constructor(fault) {
    this.fault = fault;
  }
}

/**
 * Whether a fault means that the connection is gone, so that a new one may do: Safari kills its storage process under a
 * page ("Connection to Indexed Database server lost", `UnknownError`); a closed handle answers `InvalidStateError`; an engine
 * that goes down aborts what it was doing.
 */
const meansLost = ({ name }) => ["UnknownError", "InvalidStateError", "AbortError", "TransactionInactiveError"].includes(name);

/** The fault of a row with a Blob that was not stored: WebKit stores none in private windows, and has no name of its own for that. */
const refusalOfBlob = (error) =>
  error?.name === "UnknownError" ? fault("DataCloneError", `this browser stores no Blobs here: ${error.message}`) : error;

/**
 * Requests with those of attachments in front. Where a Blob that it does not store comes behind another row, WebKitGTK 2.50.6 ends
 * the transaction in no way, and none that comes after it.
 */
function attachmentsFirst(requests) {
  const isOfAttachments = ([, store]) => store === ATTACHMENTS;
  if (!requests.some(isOfAttachments)) return requests;
  return [...requests.filter(isOfAttachments), ...requests.filter((request) => !isOfAttachments(request))];
}

/**
 * Runs one transaction in rounds. `step` is called with the results of the round before, a list of rows for each request, and gives the
 * next one: `[kind, requests]`, or nothing when there is nothing more to do. It is called while the
 * transaction is alive, and nothing else is waited for, so the transaction cannot end between rounds.
 *
 * Requests are answered in order, so the last one's answer ends a round of kind "read". The answers of a round of
 * kind "write" are not waited for, and "commit" is the last round: writes count once the transaction is complete, and only then does
 * the promise resolve. An error of any request aborts the transaction as a whole.
 *
 * No single event is relied on. Where a forced close swallows `complete` and `abort`, the connection's `close` ends it, and
 * where that is missing, too, a look past the transaction by another connection. Then it is {@link Lost}.
 */
export function run(database, mode, durability, step) {
  return new Promise((resolve, reject) => {
    let over = false;
    let stopWatching = () => {};
    const end = (settle, outcome) => {
      if (over) return;
      over = true;
      stopWatching();
      database.running.delete(giveUp);
      settle(outcome);
    };
    const giveUp = (error) => end(reject, new Lost(error));
    const fail = (error) => (meansLost(error) ? giveUp(error) : end(reject, error));

    // Such a row is refused before the request gets to the storage process, so that after `commit()` the others would be written.
    let putsBlobs = false;
    let refusal;
    let transaction;
    try {
      transaction = database.transaction(database.stores, mode, { durability });
    } catch (error) {
      return fail(error);
    }
    database.running.add(giveUp);
    stopWatching = lookPast(database, () => giveUp(fault("AbortError", "the transaction was not answered")));
    transaction.oncomplete = () => end(resolve);
    transaction.onabort = () => fail(refusal ?? transaction.error ?? fault("AbortError", "the transaction was aborted"));
    const sourceOf = (store, index) => {
      const table = transaction.objectStore(store);
      return index === null ? table : table.index(index);
    };
    const issue = ([kind, store, index, ...rest]) => {
      const request = kinds[kind](sourceOf(store, index), ...rest);
      if (kind === "put" && store === ATTACHMENTS) {
        putsBlobs = true;
        // Those behind it, and those before a request that fails otherwise, end with an `AbortError`, which says nothing of the cause.
        request.onerror = () => {
          if (request.error?.name !== "AbortError") refusal ??= refusalOfBlob(request.error);
        };
      }
      return request;
    };
    const guarded = (work) => () => {
      // What was given up may still be answered: it must not write any more.
      if (over) return abort(transaction);
      try {
        work();
      } catch (error) {
        // A row that is too large for the browser is an `UnknownError`, too: thrown here, it is the row's.
        if (error.name === "UnknownError") end(reject, error);
        else fail(error);
        abort(transaction);
      }
    };
    const round = (results) => {
      let next;
      try {
        next = step(results);
      } catch (error) {
        end(reject, error);
        return abort(transaction);
      }
      if (!next) return end(resolve);
      const [kind, requests] = next;
      if (kind === "read") return readInPages(requests, sourceOf, guarded, round);
      const [first] = attachmentsFirst(requests).map(issue);
      // Then the browser has enough to do while the next round is made, and others had their turn.
      if (kind === "write") first.onsuccess = guarded(() => round([]));
      // Saves the browser a look at whether more will come: a third of the time of a small append.
      else if (database.commitsWholly && !putsBlobs) transaction.commit?.();
    };
    guarded(() => round([]))();
  });
}

function abort(transaction) {
  try {
    transaction.abort();
  } catch {
    // It is over already.
  }
}

/**
 * Calls `isPast` once it is certain that a transaction begun over `database` before is over, though none of its events came.
 * Gives the function that ends it.
 *
 * The browser runs transactions over the same stores in the order in which they were begun: a later one, of a connection
 * that is certainly alive, is answered behind those that write. Of those that only read, none is the worse for being repeated.
 */
function lookPast(database, isPast) {
  let stop;
  let ended = false;
  const after = (span) => {
    stop = patiently(span, async () => {
      if (await isAnswered(database)) ended || isPast();
      else if (!ended) after(2 * span);
    });
  };
  after(SILENCE_MS);
  return () => {
    ended = true;
    stop();
  };
}

/** Whether a transaction over another connection is answered, or no other can be opened. */
async function isAnswered({ name, stores }) {
  let probe;
  try {
    probe = await connect(name);
  } catch {
    return true;
  }
  const answered = await new Promise((resolve) => {
    probe.onclose = () => resolve(false);
    try {
      const transaction = probe.transaction(stores, "readonly");
      transaction.oncomplete = () => resolve(true);
      transaction.onabort = () => resolve(false);
      transaction.objectStore(stores[0]).count();
    } catch {
      resolve(false);
    }
  });
  probe.close();
  return answered;
}
