/** What must hold of a registry whenever it is at rest, whatever was called before. */
import { same } from "./meaning.mjs";
import { areEvents, isEvent } from "./calls/registry.mjs";
import { shown } from "./oracle.mjs";

/** Compares all, or a few processes, with the model; what is wrong becomes a fault of the world. */
export async function verify(w, wholly) {
  try {
    await compare(w, wholly);
  } catch (error) {
    // A listener may have pruned in between.
    if (!w.api.isProcessError(error, "unknown_process")) throw error;
  }
}

async function compare(w, wholly) {
  const { registry, model, r } = w;
  const ids = model.ids();
  const chosen = wholly || ids.length < 3 ? ids : [r.pick(ids), r.pick(ids)];
  await Promise.all(chosen.map((id) => processHolds(w, id)));
  if (w.driven && wholly) await Promise.all([0, 1, 2, 3, 4, 5].map((n) => drivenHolds(w, `d${n}`)));
  await feedHolds(w);
  if (wholly) await exportHolds(w);
  await replayHolds(w, chosen);
}

async function processHolds(w, id) {
  const { registry, model } = w;
  const process = model.processes.get(id);
  const { version } = model;
  const [record, events, recent, wakes, lease] = await Promise.all([
    registry.getProcess(id),
    registry.eventsAfter(id, 0),
    registry.recentEvents(id, 3),
    registry.wakeEventsAfter(id, 0),
    registry.getProcessLease(id),
  ]);
  const counted = await Promise.all(
    [...new Set(events.map(({ eventType }) => eventType))].map(async (type) => [
      type,
      await registry.countEventsThrough(id, type, events.length),
    ]),
  );
  if (model.version !== version) return; // A listener wrote in between.
  const wrong = (what, value) => w.fail(undefined, `process ${shown(id)}: ${what}: ${shown(value)}`);
  if (record === undefined || !model.matches(record, process)) wrong("the record is not what the calls made of it", record);
  if (!events.every(({ sequence }, n) => sequence === n + 1))
    wrong(
      "its sequences are not dense",
      events.map(({ sequence }) => sequence),
    );
  if (!areEvents(events, process.log)) wrong("the log is not what was appended", events);
  if (!same(recent, events.slice(-3))) wrong("recentEvents is not the end of the log", recent);
  for (const [type, n] of counted)
    if (n !== events.filter(({ eventType }) => eventType === type).length) wrong(`countEventsThrough(${type})`, n);
  const unacked = process.log.filter(({ sequence, semantics }) => semantics.wake && !process.acked.has(sequence));
  if (!areEvents(wakes, unacked)) wrong("wakeEventsAfter", wakes);
  const end = events.find(({ semantics }) => semantics.terminal);
  if ((end === undefined) !== (record?.status.state === "running") || (end && !same(record.status, end.semantics.terminal)))
    wrong("status and log differ", record?.status);
  if (lease && lease.fencingToken < Math.max(0, ...(process.tokens?.keys() ?? []))) wrong("a fencing token fell", lease);
}

/** What holds of a process while drivers work on it. */
async function drivenHolds(w, id) {
  const { registry } = w;
  const wrong = (what, value) => w.fail(undefined, `process ${shown(id)}: ${what}: ${shown(value)}`);
  const [record, events] = await Promise.all([registry.getProcess(id), registry.eventsAfter(id, 0).catch(() => undefined)]);
  if (record === undefined || events === undefined) return;
  const now = await registry.getProcess(id);
  if (!same(record, now)) return; // A run went on in between.
  if (!events.every(({ sequence }, n) => sequence === n + 1))
    wrong(
      "its sequences are not dense",
      events.map(({ sequence }) => sequence),
    );
  const ends = events.filter(({ semantics }) => semantics.terminal);
  if (ends.length > 1) wrong("it ended twice", ends);
  if ((ends.length === 0) !== (record.status.state === "running") || (ends.length > 0 && !same(record.status, ends[0].semantics.terminal)))
    wrong("status and log differ", record.status);
  const { code } = record.status.awaitOutput ?? {};
  if (code === "internal" || ["closed", "storage_failed"].includes(code))
    wrong("the driver's own trouble became its outcome", record.status);
  const keys = events.map(({ replayKey }) => replayKey).filter((key) => key !== undefined);
  if (new Set(keys).size !== keys.length) wrong("a replay key stands there twice", keys);
}

/** The change feed, from its beginning in pieces of three, comes to what the lists say. */
async function feedHolds(w) {
  const { registry, model } = w;
  const { version } = model;
  const seen = new Map();
  let cursor;
  for (let more = true; more;) {
    const { records, removed, cursor: next } = await registry.changedSince(cursor, 3);
    for (const record of records) seen.set(record.id, record);
    for (const id of removed) seen.delete(id);
    more = records.length + removed.length > 0;
    cursor = next;
  }
  const listed = await registry.listProcesses({ status: "any" });
  if (model.version !== version || w.driven) return;
  const fed = [...seen.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (!same(fed, listed))
    w.fail(undefined, `changedSince comes to ${shown(fed.map(({ id }) => id))}, and listProcesses to ${shown(listed.map(({ id }) => id))}`);
}

/** What is exported, and imported elsewhere, is exported there alike. */
async function exportHolds(w) {
  const { registry, model } = w;
  const [ids, { version }] = [model.ids(), model];
  const text = await textOf(registry.exportProcesses({ ids }));
  if (model.version !== version) return; // A listener wrote in between.
  const other = await w.api.openRegistry({ storage: "memory" });
  try {
    const report = await other.importProcesses(new Blob([text]));
    if (!same(report, { imported: ids, existing: [] })) w.fail(undefined, `an import says ${shown(report)}`);
    const again = await textOf(other.exportProcesses({ ids }));
    if (again !== text && !same(butForParents(again), butForParents(text)))
      w.fail(undefined, `an export becomes another one elsewhere: ${shown(text)}, then ${shown(again)}`);
  } finally {
    await other.close();
  }
}

/**
 * The lines of an export without what the import of a child changes of its parent: one that was removed and registered again since, and so knows of no
 * children, learns of those that name it.
 */
function butForParents(text) {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const parents = new Set(lines.map(({ process }) => process?.policy?.parentId));
  for (const { process } of lines) {
    if (process === undefined || !parents.has(process.registration.id)) continue;
    delete process.hasChildren;
    delete process.updatedAtMs;
  }
  return lines;
}

async function textOf(exported) {
  let text = "";
  for await (const line of exported) text += line;
  return text;
}

/** An append that was kept answers the stored event again. */
async function replayHolds(w, chosen) {
  const { registry, model, r } = w;
  const keyed = chosen.flatMap(
    (id) => model.processes.get(id)?.log.filter(({ replayKey }) => replayKey !== undefined && /^[kéw_]/.test(replayKey)) ?? [],
  );
  if (keyed.length === 0) return;
  const event = r.pick(keyed);
  const { processId, eventType, payload, replayKey } = event;
  const process = model.processes.get(processId);
  const { event: again, replayed } = await registry.appendEvent(processId, { eventType, payload, replayKey });
  if (process.pruned) return;
  if (!replayed || !isEvent(again, event)) w.fail(undefined, `a replay answered something else: ${shown(again)}`);
}
