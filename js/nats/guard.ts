/**
 * Guards of ranges of rows that several processes share.
 *
 * A commit is conditional on the processes that it writes. A rule may decide by a range as well, to which another client can add a
 * process: those of a concurrency key, and those of a session. Such a range has a guard, a subject of its own, whose version every
 * commit raises that changes the range, and on which every commit is conditional that was decided by it.
 */
import type { Doc } from "./doc.js";
import type { Key } from "./key.js";
import type { Row } from "./table.js";

const ofKey = (key: string) => `key:${key}`;
const ofSession = (session: string) => `session:${session}`;

/** The guard of a range of an index or table, where it has one. */
export function guardOfRange(table: string, index: string | null, first: Key): string | undefined {
  const [name] = first;
  if (typeof name !== "string") return undefined;
  if (table === "processes" && index === "byQueue") return ofKey(name);
  if (table === "processes" && index === "byWakeSession") return ofSession(name);
  // A scope is `session:<id>`, perhaps with a frame behind it.
  if (table === "grants" && index === null) return ofSession(name.slice("session:".length).split("/frame:")[0]!);
  return undefined;
}

/** The guards of the ranges that a change of rows changes. */
export function guardsOfChange(before: Doc, after: Doc): Set<string> {
  const guards = new Set<string>();
  const [was, is] = [before.process, after.process].map((row) => row && inQueue(row));
  if (JSON.stringify(was) !== JSON.stringify(is)) for (const place of [was, is]) if (place) guards.add(ofKey(place.key));
  const [woke, wakes] = [before.process, after.process].map((row) => (row?.wakeTarget as { sessionId: string } | undefined)?.sessionId);
  if (woke !== wakes) for (const session of [woke, wakes]) if (session !== undefined) guards.add(ofSession(session));
  const scopes = ({ grants }: Doc) => new Map(grants.map(({ scopeId, sessionId }) => [scopeId as string, sessionId as string]));
  const [had, has] = [scopes(before), scopes(after)];
  for (const [scope, session] of [...had, ...has]) if (had.has(scope) !== has.has(scope)) guards.add(ofSession(session));
  return guards;
}

/** What of a process decides which one of its concurrency key goes first; nothing where it has no key, or has ended. */
function inQueue({ queue, wait, paused }: Row): { key: string } | undefined {
  return queue ? { ...(queue as { key: string }), ...{ wait, isPaused: paused !== undefined } } : undefined;
}
