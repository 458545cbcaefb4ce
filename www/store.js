/**
 * The processes of the database, as this page knows them.
 *
 * Reads the change feed: everything once, then only what changed, when a change is announced and once a second
 * for changes without a notification. It never asks who changed what: every tab ends up with the same list.
 */

const BATCH = 500;

/** Follows the registry. `changed` is told after each change, `failed` of an error, and of `undefined` when reading works again. */
export function followProcesses(registry, { changed, failed }) {
  const records = new Map();
  let cursor;
  let reading;
  let again = false;
  let broken = false;

  async function readAll() {
    let news = cursor === undefined;
    for (;;) {
      const batch = await registry.changedSince(cursor, BATCH);
      cursor = batch.cursor;
      if (batch.records.length + batch.removed.length === 0) break;
      news = true;
      for (const id of batch.removed) records.delete(id);
      for (const record of batch.records) records.set(record.id, record);
    }
    if (broken) failed(undefined);
    broken = false;
    if (news) changed();
  }

  /** One read at a time. A call during a read causes another one, as the batch at hand may be older than that call. */
  function refresh() {
    again = true;
    return (reading ??= readWhileAsked().finally(() => (reading = undefined)));
  }

  async function readWhileAsked() {
    try {
      while (again) {
        again = false;
        await readAll();
      }
    } catch (error) {
      if (!broken) failed(error);
      broken = true;
    }
  }

  registry.onChange(refresh);
  return {
    /** Resolves when all that was there at the call has been read, and shown. Never rejects. */
    refresh,
    get: (id) => records.get(id),
    /** Newest first: an order that no change of a process upsets while a person reads it. */
    newestFirst: () => [...records.values()].sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1)),
  };
}
