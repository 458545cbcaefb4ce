/** The calls of a registry that answer at once: what they are given, and what they must answer. */
import { list, optional, tuple } from "../grammar.mjs";
import { same } from "../meaning.mjs";
import { attachedTo, scopeId, sizeOf, sizesOf } from "../model.mjs";
import * as s from "../shapes.mjs";

/** What any call may be refused with. */
export const ANY = ["invalid_argument", "closed"];

// ── Answers ─────────────────────────────────────────────────────────────────

/** A record as it was left by the call, unless another call was made since. */
export const record = (w, answer) => {
  if (answer.record === undefined) return answer;
  const { version } = w.model;
  const { record: process } = answer;
  return { check: (value) => value.id === process.id && (w.model.version !== version || w.model.matches(value, process)) };
};

/** An event as it is stored, apart from what the model cannot know. */
export const isEvent = (value, event) =>
  value.processId === event.processId &&
  value.sequence === event.sequence &&
  value.eventType === event.eventType &&
  same(value.payload, event.payload) &&
  same(value.semantics, event.semantics) &&
  Number.isSafeInteger(value.occurredAtMs) &&
  (event.replayKey === undefined) === (value.replayKey === undefined);

export const areEvents = (values, events) => values.length === events.length && values.every((value, n) => isEvent(value, events[n]));

/** What an append must answer. */
export const appended = (w, answer) => {
  if (answer.event === undefined) return answer;
  const { event, replayed, delivery } = answer;
  return {
    check({ event: value, replayed: again, wakeDelivery: wake }) {
      if (!isEvent(value, event) || again !== replayed || (wake === undefined) !== (delivery === undefined)) return false;
      if (delivery === undefined) return true;
      const parts = ["input", "dedupeKey", "targetScopeId", "targetSessionId"].every((key) => wake[key] === delivery[key]);
      return parts && w.sameWake(delivery, wake.wakeId);
    },
  };
};

/** What a read must answer, as long as nothing is written between it and its answer. */
export const read = (w, answer) => ({ version: w.model.version, read: answer });

const records = (w, choose) =>
  read(w, () => {
    const wanted = choose();
    return {
      check: (values) => {
        const known = values.filter(({ id }) => !w.isDriven(id));
        return known.length === wanted.length && known.every((value, n) => w.model.matches(value, wanted[n]));
      },
    };
  });

const entries = (w, name, keep) =>
  read(w, () => {
    const wanted = w.model.granted(name, keep);
    const known = (values) => values.filter(({ grant }) => !w.isDriven(grant.processId));
    return {
      check: (values) =>
        known(values).length === wanted.length &&
        known(values).every(({ grant, record: value }, n) => same(grant, wanted[n].grant) && w.model.matches(value, wanted[n].process)),
    };
  });

export const fitting =
  ({ status = "running", waiting, definition, kind, labels = {}, parentId, version, paused }) =>
  (process) =>
    (status === "any" || process.state === status) &&
    (waiting === undefined || (process.state === "running" && process.wait !== undefined) === waiting) &&
    (definition === undefined || ("definition" in process.whole.identity && same(definition, process.whole.identity.definition))) &&
    (kind === undefined || process.whole.identity.kind === kind) &&
    Object.entries(labels).every(([name, value]) => process.policy.labels?.[name] === value) &&
    (parentId === undefined || process.policy.parentId === parentId) &&
    (version === undefined || process.policy.version === version) &&
    (paused === undefined || (process.paused !== undefined) === paused);

const paged = (w, keep, { limit = Infinity, cursor }) =>
  w.model
    .ids()
    .map((id) => w.model.processes.get(id))
    .filter((process) => keep(process) && (cursor === undefined || process.id > cursor))
    .slice(0, limit);

/** A page by age: the model does not know when processes were made, so that the answer itself says in which order they belong. */
const byAge = (w, keep, { limit = Infinity, cursor, order }) => ({
  ...read(w, () => {
    const wanted = new Map([...w.model.processes].filter(([, process]) => keep(process)));
    const before = (a, b) => a.createdAtMs < b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.id < b.id);
    return {
      check: (values) =>
        (cursor === undefined ? values.length === Math.min(limit, wanted.size) : values.length <= limit) &&
        values.every((value) => wanted.has(value.id) && w.model.matches(value, wanted.get(value.id))) &&
        values.every((value, n) => n === 0 || (order === "oldest" ? before(values[n - 1], value) : before(value, values[n - 1]))),
    };
  }),
  // One that begins behind a process that never was.
  ...(cursor !== undefined && !w.model.lives.has(cursor) && { judge: ({ code }) => code === "invalid_argument" }),
});

const listed = (w, keep, page) =>
  page.order === "oldest" || page.order === "newest" ? byAge(w, keep, page) : records(w, () => paged(w, keep, page));

const ran = ({ state }) => state === "running";

const eventsOf = (w, id, choose, scope) =>
  read(w, () => {
    const { code, events } = w.model.events(id, choose, scope);
    return code ? { code } : { check: (values) => areEvents(values, events) };
  });

export const after =
  (sequence, { limit = Infinity, types } = {}) =>
  (log) =>
    log.filter((event) => event.sequence > sequence && (types === undefined || types.includes(event.eventType))).slice(0, limit);

// ── Leases ──────────────────────────────────────────────────────────────────

const isLease = ({ processId, owner, leaseToken, fencingToken, claimedAtMs, expiresAtMs }, id) =>
  processId === id && typeof owner.ownerId === "string" && leaseToken !== "" && fencingToken >= 1 && expiresAtMs > claimedAtMs;

const claimed = (w, id, answer) => {
  if (answer.code) return answer;
  return {
    check({ outcome, lease, holder }) {
      const shown = outcome === "acquired" ? lease : holder;
      if (!isLease(shown, id) || !w.keepLease(shown, answer.process, outcome === "acquired")) return false;
      if (answer.unsure) return true;
      if (answer.busy) return outcome === "busy" && holder.fencingToken === answer.busy.fence;
      return outcome === "acquired" && (!answer.sure || lease.fencingToken === answer.mine.fence);
    },
  };
};

/** Ends a process: the outcome is known once it is known whether the lease was in force. */
const completed = (w, id, output, lease) => {
  const answer = w.model.complete(id, output, lease);
  if (!answer.unsure) return record(w, answer);
  return { code: "lease_lost", orElse: () => record(w, w.model.complete(id, output)) };
};

const append = (w, id, request) => {
  const answer = w.model.append(id, request);
  if (!answer.unsure) return appended(w, answer);
  const { lease: _, ...free } = request;
  return { code: "lease_lost", orElse: () => appended(w, w.model.append(id, free)) };
};

const REGISTER = ["registration_conflict", "invalid_schema", "unknown_process", "process_terminal"];
const APPEND = [
  "unknown_process",
  "undeclared_event_type",
  "missing_replay_key",
  "replay_conflict",
  "invalid_payload",
  "already_terminal",
  "lease_lost",
];

/** The answer to a batch of one. */
const only = ({ check, orElse, ...answer }) => ({
  ...answer,
  ...(check && { check: (values) => values.length === 1 && check(values[0]) }),
  ...(orElse && { orElse: () => only(orElse()) }),
});

const putAttachment = (w, [id, name, value, { lease } = {}]) => {
  const attached = (answer) => (answer.value ? { check: (info) => info.name === name && info.size === sizeOf(value) } : answer);
  const answer = w.model.putAttachment(id, name, value, lease);
  if (!answer.unsure) return attached(answer);
  return { code: "lease_lost", orElse: () => attached(w.model.putAttachment(id, name, value)) };
};

// ── The table ───────────────────────────────────────────────────────────────

/** A registration that is new, or there already, or almost. */
const anyRegistration = {
  ...s.registration,
  make(w) {
    const made = s.registration.make(w);
    const known = w.model.processes.get(made.id);
    if (known === undefined || w.r.chance(0.3)) return made;
    return w.r.chance(0.6) ? known.given : { ...known.given, envRef: `${known.given.envRef}!` };
  },
};

/** One request, or none. One that is spoilt behind another may be refused for that: they are decided in their order. */
const requests = {
  ...list(s.request, 0, 1),
  spoil(w, value) {
    const spoilt = list(s.request, 0, 1).spoil(w, value);
    return spoilt?.why.startsWith("[1]") ? { ...spoilt, codes: [...(spoilt.codes ?? []), ...APPEND] } : spoilt;
  },
};

/** A lease of the process that is named before it. */
const observed = {
  make: (w) => ({ ...s.lease.make(w), ...(w.aimed !== undefined && { processId: w.aimed }) }),
  spoil: s.lease.spoil,
};

const call = (name, weight, codes, types, expect, more) => ({
  name: `registry.${name}`,
  weight,
  codes: [...ANY, ...codes],
  args: tuple(types),
  expect,
  run: (w, given) => w.method(w.registry, name)(...given),
  ...more,
});

export const registryCalls = [
  call("registerProcess", 8, REGISTER, [anyRegistration], (w, [given]) => record(w, w.model.register(given))),
  call("registerProcesses", 2, REGISTER, [list(anyRegistration, 0, 1)], (w, [[given]]) =>
    given === undefined ? { value: [] } : only(record(w, w.model.register(given))),
  ),
  call(
    "putAttachment",
    2,
    ["unknown_process", "process_terminal", "lease_lost"],
    [s.processId, s.attachmentName, s.attachmentValue, optional(s.leased)],
    putAttachment,
  ),
  call("getAttachment", 2, ["unknown_process"], [s.processId, s.attachmentName], (w, [id, name]) =>
    read(w, () => {
      const process = w.model.processes.get(id);
      if (process === undefined) return { code: "unknown_process" };
      const wanted = process.attachments.get(name);
      return wanted === undefined ? { value: undefined } : { check: ({ size }) => size === sizeOf(wanted) };
    }),
  ),
  call("listAttachments", 1, ["unknown_process"], [s.processId], (w, [id]) =>
    read(w, () => {
      const process = w.model.processes.get(id);
      return process === undefined ? { code: "unknown_process" } : { check: (values) => same(sizesOf(values), attachedTo(process)) };
    }),
  ),
  call("listStreams", 1, ["unknown_process"], [s.processId], (w, [id]) =>
    read(w, () => (w.model.processes.has(id) ? { value: [] } : { code: "unknown_process" })),
  ),
  call("deleteAttachment", 1, ["unknown_process"], [s.processId, s.attachmentName], (w, [id, name]) => w.model.deleteAttachment(id, name)),
  call("getProcess", 3, [], [s.processId], (w, [id]) =>
    read(w, () => {
      const process = w.model.processes.get(id);
      return process === undefined ? { value: undefined } : { check: (value) => w.model.matches(value, process) };
    }),
  ),
  call("listProcesses", 3, [], [optional(s.filter), optional(s.page)], (w, [filter = {}, page = {}]) => listed(w, fitting(filter), page), {
    many: true,
  }),
  call("listNonTerminal", 2, [], [optional(s.page)], (w, [page = {}]) => listed(w, ran, page), { many: true }),
  call(
    "countProcesses",
    2,
    [],
    [optional(s.filter)],
    (w, [filter = {}]) => read(w, () => ({ value: [...w.model.processes.values()].filter(fitting(filter)).length })),
    { many: true },
  ),
  call("pauseProcess", 1, ["unknown_process", "already_terminal"], [s.processId, s.reason], (w, [id, reason]) =>
    record(w, w.model.pause(id, reason)),
  ),
  call("resumeProcess", 1, ["unknown_process", "already_terminal"], [s.processId], (w, [id]) => record(w, w.model.resume(id))),
  call("forkProcess", 1, ["unknown_process", "registration_conflict"], [s.processId, s.forking], (w, [id, options]) =>
    record(w, w.model.fork(id, options)),
  ),
  call("changedSince", 3, [], [optional(s.cursor), optional(s.limitOf)], (w, [cursor, limit]) => w.changesSince(cursor, limit), {
    many: true,
  }),
  call("setExternalRef", 2, ["unknown_process", "external_ref_conflict"], [s.processId, s.externalRef], (w, [id, ref]) =>
    record(w, w.model.setExternalRef(id, ref)),
  ),
  call("setProcessWait", 2, ["unknown_process", "already_terminal"], [s.processId, s.waitState], (w, [id, wait]) =>
    record(w, w.model.setWait(id, wait)),
  ),
  call("clearProcessWait", 1, ["unknown_process"], [s.processId], (w, [id]) => record(w, w.model.clearWait(id))),
  call(
    "completeProcess",
    2,
    ["unknown_process", "already_terminal", "replay_conflict", "invalid_payload"],
    [s.processId, s.output],
    (w, [id, output]) => completed(w, id, output),
  ),
  call(
    "completeProcessWithLease",
    2,
    ["unknown_process", "already_terminal", "replay_conflict", "invalid_payload", "lease_lost"],
    [s.lease, s.output],
    (w, [lease, output]) => completed(w, lease.processId, output, lease),
  ),
  call("requestCancel", 2, ["unknown_process"], [s.processId, s.reason], (w, [id, reason]) =>
    appended(w, w.model.requestCancel(id, reason)),
  ),
  call("pruneTerminalProcesses", 0.7, [], [s.cutoff], (w, [cutoff]) => w.pruned(w.model.prune(cutoff > 0))),
  call("deleteProcess", 1, ["unknown_process", "not_terminal"], [s.processId, optional(s.forcing)], (w, [id, { force } = {}]) =>
    w.model.delete(id, force),
  ),

  call("appendEvent", 14, APPEND, [s.processId, s.request], (w, [id, request]) => append(w, id, request)),
  call("appendEvents", 2, APPEND, [s.processId, requests], (w, [id, [request]]) =>
    request === undefined ? { value: [] } : only(append(w, id, request)),
  ),
  call("eventsAfter", 3, ["unknown_process"], [s.processId, s.count, optional(s.query)], (w, [id, sequence, query]) =>
    eventsOf(w, id, after(sequence, query)),
  ),
  call("recentEvents", 2, ["unknown_process"], [s.processId, s.count], (w, [id, limit]) =>
    eventsOf(w, id, (log) => (limit === 0 ? [] : log.slice(-limit))),
  ),
  call("countEventsThrough", 2, ["unknown_process"], [s.processId, s.declaredType, s.count], (w, [id, type, upTo]) =>
    read(w, () => {
      const { code, events } = w.model.events(id, (log) => log.filter(({ sequence, eventType }) => eventType === type && sequence <= upTo));
      return code ? { code } : { value: events.length };
    }),
  ),
  call("wakeEventsAfter", 2, ["unknown_process"], [s.processId, s.count], (w, [id, sequence]) =>
    eventsOf(w, id, (log, { acked }) =>
      log.filter((event) => event.semantics.wake && event.sequence > sequence && !acked.has(event.sequence)),
    ),
  ),
  call("ackWake", 2, ["unknown_process"], [s.processId, s.ordinal], (w, [id, sequence]) => w.model.ack(id, sequence)),

  call("grantHandle", 4, ["unknown_process"], [s.scope, s.processId, optional(s.descriptor)], (w, [scope, id, descriptor]) =>
    w.model.grant(scope, id, descriptor),
  ),
  call("revokeHandle", 1, [], [s.scope, s.processId], (w, [scope, id]) => w.model.revoke(scope, id)),
  call("transferHandleGrants", 1.5, ["not_granted"], [s.scope, s.scope, list(s.processId, 0, 2)], (w, [from, to, ids]) =>
    w.model.transfer(from, to, ids),
  ),
  call("listHandleGrants", 1.5, [], [s.scope], (w, [scope]) => entries(w, scopeId(scope), () => true)),
  call("listLiveHandleGrants", 1.5, [], [s.scope], (w, [scope]) => entries(w, scopeId(scope), ran)),
  call("hasHandleGrant", 1, [], [s.scope, s.processId], (w, [scope, id]) =>
    read(w, () => ({ value: w.model.grants.get(scopeId(scope))?.has(id) ?? false })),
  ),
  call("handleGrantsForProcess", 1, ["unknown_process"], [s.processId], (w, [id]) =>
    read(w, () => {
      if (!w.model.processes.has(id)) return { code: "unknown_process" };
      const wanted = [...w.model.grants.values()].map((grants) => grants.get(id)).filter(Boolean);
      return {
        check: (values) =>
          same(values.map(({ scopeId }) => scopeId).sort(), wanted.map(({ scopeId }) => scopeId).sort()) &&
          isSorted(values.map(({ sessionId }) => sessionId)),
      };
    }),
  ),
  call("deleteSessionProcessState", 0.7, [], [s.sessionId], (w, [session]) => w.deleted(w.model.deleteSession(session))),

  call("claimProcessLease", 4, ["unknown_process", "already_terminal"], [s.processId, s.owner, s.ttl], (w, [id, owner, ttl]) =>
    claimed(w, id, w.model.claim(id, owner, ttl)),
  ),
  call(
    "reclaimProcessLease",
    1.5,
    ["unknown_process", "already_terminal"],
    [s.processId, s.owner, observed, s.ttl],
    (w, [id, owner, , ttl]) => {
      const process = w.model.processes.get(id);
      // Whether the holder is dead is asked first, so that it is done later than it is called.
      if (process) w.model.unsure(process);
      return process
        ? { ...claimed(w, id, { unsure: true, process }), codes: ["already_terminal", "unknown_process"] }
        : { code: "unknown_process" };
    },
  ),
  call("renewProcessLease", 2, ["lease_lost"], [s.lease, s.ttl], (w, [lease, ttl]) => {
    const { code, unsure, process } = w.model.renew(lease, ttl);
    if (code) return { code };
    return {
      check: (value) => isLease(value, lease.processId) && value.fencingToken === lease.fencingToken && w.keepLease(value, process, true),
      codes: unsure ? ["lease_lost"] : [],
    };
  }),
  call("completeProcessLease", 1.5, [], [s.leaseToRelease], (w, [{ processId, leaseToken }]) => w.model.release(processId, leaseToken)),
  call("getProcessLease", 2, [], [s.processId], (w, [id]) =>
    read(w, () => {
      const held = w.model.processes.get(id)?.lease ?? null;
      if (typeof held === "symbol") return { check: (value) => value === undefined || isLease(value, id) };
      return held === null
        ? { value: undefined }
        : { check: (value) => value.fencingToken === held.fence && value.owner.ownerId === held.owner.ownerId };
    }),
  ),

  call("requestPersistence", 0.1, [], [], () => ({ check: (level) => ["memory", "evictable", "persistent", "remote"].includes(level) })),
];

const isSorted = (names) => names.every((name, n) => n === 0 || names[n - 1] <= name);
