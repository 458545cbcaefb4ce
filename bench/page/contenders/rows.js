/**
 * The rows of a process log as an app would keep them by hand. All that are not longwait write the same: an event is a plain
 * object of the shape that longwait hands out, under [process, sequence]; a process is a small row with its status and the number of
 * its last event.
 */

export const registered = (id) => ({ id, status: { state: "running" }, lastSequence: 0, updatedAtMs: Date.now() });

/** The key paths of the indexes that longwait has over events: by type, to wait for one, and by replay key, which finds repeats. */
export const ourIndexes = { byType: ["processId", "eventType", "sequence"], byReplayKey: ["processId", "replayKey"] };

/** The event to put after those of a process, and the process with it and with what else it changes. */
export function logged(process, eventType, payload, change) {
  const sequence = process.lastSequence + 1;
  const occurredAtMs = Date.now();
  return {
    event: { processId: process.id, sequence, eventType, payload, semantics: {}, occurredAtMs },
    process: { ...process, ...change, lastSequence: sequence, updatedAtMs: occurredAtMs },
  };
}

/** All events of a process, as a range of keys. */
export const eventsOf = (id) => IDBKeyRange.bound([id], [id, []]);

/**
 * The calls of a contender that come down to two: `log(id, eventType, payload, change)`, which writes that in a transaction, and
 * `read(id)`, which gives a process.
 */
export const processLog = (log, read) => ({
  append: (id, payload) => log(id, "progress", payload, {}),
  end(id, value) {
    const awaitOutput = { type: "success", value };
    return log(id, "process.completed", { awaitOutput }, { status: { state: "completed", awaitOutput } });
  },
  read,
  result: async (id) => (await read(id)).status.awaitOutput,
});
