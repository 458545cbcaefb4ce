/** Says in words what the registry says in codes and states. */

import { isProcessError } from "longwait";

const faults = {
  invalid_argument: "Something in this is not as it must be.",
  unknown_process: "There is no such process here: it was never started, or it was deleted.",
  registration_conflict: "This id is taken by a process that was started differently. Choose another id.",
  undeclared_event_type: "This process did not declare that event type when it was started.",
  invalid_schema: "This JSON Schema cannot be used.",
  invalid_payload: "The payload does not fit this event type.",
  missing_replay_key: "This event type needs a replay key, so that it cannot be recorded twice.",
  replay_conflict: "This replay key already stands for another event.",
  already_terminal: "The process has ended already; it cannot end twice.",
  process_terminal: "The process ended before such an event came.",
  timeout: "The time limit passed. The process goes on.",
  quota_exceeded: "The browser's storage is full. What was stored before is intact.",
  storage_unavailable: "This browser offers no storage here. A private window or a setting may be the cause.",
  storage_blocked: "Another tab holds the database open in another version. Close it and try again.",
  storage_version: "The database was written by a newer version of longwait. It was left as it is.",
  storage_failed: "The browser's storage failed.",
  internal: "longwait itself failed, or could not be loaded.",
  disconnected: "The servers cannot be reached now.",
  closed: "The registry is closed. Reload the page.",
};

/** `{ code, words, detail, help }` of anything thrown: what it means, what exactly was wrong, and the page about it. */
export function explain(error) {
  if (!isProcessError(error))
    return { code: error?.name ?? "error", words: "Something unexpected happened.", detail: String(error?.message ?? error) };
  // The message ends with the address of that page on the web; it is here as well.
  const detail = error.message.replace(/ \(https?:\S+\)$/, "");
  return { code: error.code, words: faults[error.code] ?? "The registry refused.", detail, help: `/docs/errors/${error.code}` };
}

export const durability = {
  persistent: "kept until you delete it",
  evictable: "kept, unless the browser runs out of space",
  remote: "kept by the servers until you delete it",
  memory: "in memory only: gone with this page",
};

/** A running process that has set a wait is shown as waiting. */
export const stateOf = (record) => (record.status.state === "running" && record.wait ? "waiting" : record.status.state);

export const hasEnded = (record) => record.status.state !== "running";

/** What a person calls it: its label, else its id. */
export const nameOf = (record) => record.identity.label ?? record.id;

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
