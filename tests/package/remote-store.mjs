/**
 * A remote store for tests, beside the ones that they import: rows in an IndexedDB that is no browser's, with what a store over a network has of its
 * own: changes are numbered with gaps, others hear of each commit, and a commit may lose a race or go unanswered.
 */
import "fake-indexeddb/auto";
import { open, remove, run } from "../../src/store/indexed_db/engine.js";

const REMOTE = Symbol.for("longwait.remote");
let stores = 0;

/** A store of the test's own. */
export async function remoteStore(t) {
  const name = `remote-${++stores}`;
  const database = await open(name, () => {});
  t.after(async () => {
    database.close();
    await remove(name);
  });
  const store = new Store(database);
  return store;
}

export const fault = (how, code, message = `it is ${how}`, cause) => ({ how, code, message, cause });

class Store {
  kind = "test";
  name = "rows of a test";
  minLeaseMs = 0;
  nowMs = 1_000_000;
  change = 0;
  engines = new Set();
  /** What becomes of the next commits: each is called with what commits, and throws what the call is rejected with. */
  courses = [];
  /** Why it cannot be reached. */
  away = undefined;

  constructor(database) {
    this.database = database;
  }

  async [REMOTE]() {
    if (this.away) throw this.away;
    const engine = new Engine(this);
    this.engines.add(engine);
    return engine;
  }
}

class Engine {
  hear = () => {};
  hearChunks = () => {};
  runs = 0;
  /** The modes of its transactions, in their order. */
  modes = [];

  constructor(store) {
    this.store = store;
    this.minLeaseMs = store.minLeaseMs;
  }

  async run(mode, step) {
    const { store } = this;
    this.runs++;
    this.modes.push(mode);
    const course = { ids: new Set(), isTakenBack: false };
    const transact = () =>
      run(store.database, mode === "heard" ? "readonly" : mode, "relaxed", (results) => {
        const round = step(results);
        if (course.isTakenBack && round?.[0] === "commit") throw TAKEN_BACK;
        for (const [kind, name, , row] of Array.isArray(round) ? round[1] : []) {
          if (kind !== "put" || name !== "processes") continue;
          row.change = store.change += 10;
          course.ids.add(row.id);
        }
        return round;
      });
    const isCommit = mode === "readwrite" && store.courses.length > 0;
    if (isCommit) await store.courses.shift()(course, transact);
    else await transact();
    if (this.isClosed) throw fault("unsettled", "closed");
    for (const other of store.engines) if (other !== this && course.ids.size > 0) other.hear([...course.ids]);
  }

  now() {
    return this.store.nowMs;
  }

  listen(hear, hearChunks) {
    Object.assign(this, { hear, hearChunks });
    return () => Object.assign(this, { hear: () => {}, hearChunks: () => {} });
  }

  sendChunks(stream, values) {
    for (const other of this.store.engines) if (other !== this) other.hearChunks(stream, values);
  }

  close() {
    this.isClosed = true;
    this.store.engines.delete(this);
  }
}

const TAKEN_BACK = new Error("taken back");

/** The rules run; then another commit comes first, and nothing is written. */
export const raced = (first) => async (course, transact) => {
  course.isTakenBack = true;
  await transact().catch((error) => {
    if (error !== TAKEN_BACK) throw error;
  });
  await first();
  throw fault("raced", "conflict");
};

/** It is sent, and `isCommitted` or not; the answer never comes. */
export const unsettled = (isCommitted, cause) => async (course, transact) => {
  if (isCommitted) await transact();
  throw fault("unsettled", "disconnected", "the connection is gone", cause);
};
