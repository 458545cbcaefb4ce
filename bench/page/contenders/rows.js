/** The rows of a process log, for whoever keeps one by hand: all of them write the same. */

export const registered = (id) => ({ id, status: { state: "running" }, lastSequence: 0, updatedAtMs: Date.now() });

/** The event to put after those of a process, and the process with it and with what else it changes. */
export function logged(process, eventType, payload, change) {
  const sequence = process.lastSequence + 1;
  return {
    event: { processId: process.id, sequence, eventType, payload, occurredAtMs: Date.now() },
    process: { ...process, ...change, lastSequence: sequence },
  };
}

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
