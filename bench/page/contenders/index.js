/**
 * Who runs in the benchmarks that compare stores: the subject first, then those it is measured against.
 *
 * A contender is a file with a `name` and `open(database)`, which resolves with one process log in IndexedDB:
 * `register(id)`, `append(id, payload)` (one transaction: get the process, put the event and the process),
 * `end(id, value)`, `read(id)`, `result(id)` of an ended process, and `close()`; some have `events(id)`, a whole log, and
 * `appendAll`, many appends in one transaction. Each is used as its own
 * documentation says is fastest, with relaxed durability. To add one, add its file and its line here.
 */
import * as bare from "./bare.js";
import * as dexie from "./dexie.js";
import * as idb from "./idb.js";
import * as longwait from "./longwait.js";

export const contenders = [longwait, bare, dexie, idb];

/** Runs `work` with them opened, each on a database of its own: `[{ name, log }]`. */
export async function withContenders(work, chosen = contenders) {
  const logs = await Promise.all(chosen.map(async ({ name, open }) => ({ name, log: await open(name) })));
  try {
    return await work(logs);
  } finally {
    await Promise.all(logs.map(({ log }) => log.close()));
  }
}
