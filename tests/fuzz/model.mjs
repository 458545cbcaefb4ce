/**
 * A small registry of its own, which says what each call must answer. It is shown every call in the order in which they are made,
 * which is the order in which a registry must do them.
 *
 * An answer is `{ code }` where the call must be refused, else `{ value }` or, where only parts of it are known, `{ check }`.
 */
import { canonical, CORE, meaning, POLICY, policyOf, registered, same } from "./meaning.mjs";
import { SCHEMAS } from "./shapes.mjs";

const refuse = (code) => ({ code });
export const sizeOf = (value) => value.size ?? value.byteLength;

/** The sizes of what is listed, by names, in whatever order these were given. */
export const sizesOf = (infos = []) => Object.fromEntries(infos.map(({ name, size }) => [name, size]));
export const attachedTo = ({ attachments }) => Object.fromEntries([...attachments].map(([name, value]) => [name, sizeOf(value)]));
const fits = new Map(SCHEMAS.map(([schema, check]) => [JSON.stringify(schema), check]));

export const scopeId = ({ sessionId, agentFrameId }) => `session:${sessionId}${agentFrameId === undefined ? "" : `/frame:${agentFrameId}`}`;

export class Model {
  processes = new Map();
  /** The highest fencing token of each id ever, as far as it is known. */
  fences = new Map();
  /** Of scope ids: process id → grant. */
  grants = new Map();
  /** The number of the last change of each id. */
  changed = new Map();
  changes = 0;
  everPruned = new Set();
  /** Every process that was ever registered under an id, in order. */
  lives = new Map();
  /** Changes that were made as one: their order is left open. */
  pruned = [];
  /** Rises with everything that a read could see. */
  version = 0;

  touch(id) {
    this.changed.set(id, ++this.changes);
    this.version++;
  }

  ids() {
    return [...this.processes.keys()].sort();
  }

  // ── Processes ─────────────────────────────────────────────────────────────

  register(given) {
    const whole = registered(given);
    const content = canonical(whole);
    const known = this.processes.get(given.id);
    if (known) return known.content === content ? { record: known } : refuse("registration_conflict");
    const policy = policyOf(given);
    if (policy.parentId !== undefined) {
      const parent = this.processes.get(policy.parentId);
      if (!parent) return refuse("unknown_process");
      if (parent.state !== "running") return refuse("process_terminal");
      if (!parent.hasChildren) {
        // The first child changes its parent as it comes.
        parent.hasChildren = true;
        this.touch(parent.id);
        this.pruned.push({ from: this.changes, to: this.changes + 1 });
      }
    }
    const { startAtMs } = policy;
    const process = {
      id: given.id,
      given,
      policy,
      paused: undefined,
      whole,
      content,
      types: new Map(whole.eventTypes.map((type) => [type.name, type])),
      state: "running",
      output: undefined,
      wait: startAtMs > Date.now() ? { kind: "start", untilMs: startAtMs } : undefined,
      externalRef: undefined,
      attachments: new Map(Object.entries(given.attachments ?? {})),
      wakeTarget: given.wakeTarget,
      log: [],
      keys: new Map(),
      acked: new Set(),
      lease: null,
      pruned: false,
      loose: false,
      life: Symbol(given.id),
    };
    this.processes.set(given.id, process);
    this.lives.set(given.id, [...(this.lives.get(given.id) ?? []), process]);
    this.touch(given.id);
    return { record: process };
  }

  /** What a record of a process must show. */
  matches(record, process) {
    const { whole } = process;
    const shown = ["id", "input", "identity", "provenance", "envRef", "recovery"].every((key) => same(record[key], whole[key]));
    const wakes = same(record.wakeTarget, process.wakeTarget);
    const types =
      record.eventTypes.length === whole.eventTypes.length && record.eventTypes.every((type, n) => same(type, whole.eventTypes[n]));
    const status = process.output === undefined ? { state: process.state } : { state: process.state, awaitOutput: process.output };
    const times = Number.isSafeInteger(record.createdAtMs) && record.updatedAtMs >= record.createdAtMs;
    return (
      shown &&
      wakes &&
      types &&
      times &&
      POLICY.every((field) => same(record[field], process.policy[field])) &&
      same(record.status, status) &&
      sinceThen(record.wait, process.wait) &&
      sinceThen(record.paused, process.paused) &&
      same(record.externalRef, process.externalRef) &&
      same(sizesOf(record.attachments), attachedTo(process))
    );
  }

  /** A function that gives the processes that an id has stood for since now, `undefined` where it stood for none. */
  since(id) {
    const before = this.lives.get(id)?.length ?? 0;
    const first = this.processes.get(id);
    return () => {
      const lives = (this.lives.get(id) ?? []).slice(before);
      return [first, ...lives, ...(this.processes.has(id) ? [] : [undefined])];
    };
  }

  changeOf(id, change) {
    const process = this.processes.get(id);
    if (!process) return refuse("unknown_process");
    return change(process) ?? { record: process };
  }

  setExternalRef(id, ref) {
    return this.changeOf(id, (process) => {
      if (process.externalRef !== undefined) return same(process.externalRef, ref) ? undefined : refuse("external_ref_conflict");
      process.externalRef = ref;
      this.touch(id);
    });
  }

  pause(id, reason) {
    return this.changeOf(id, (process) => {
      if (process.state !== "running") return refuse("already_terminal");
      if (process.paused !== undefined) return;
      process.paused = reason === undefined ? {} : { reason };
      this.logged(process, "process.paused", process.paused);
      // Its lease is taken away.
      this.unsure(process);
    });
  }

  resume(id) {
    return this.changeOf(id, (process) => {
      if (process.state !== "running") return refuse("already_terminal");
      if (process.paused === undefined) return;
      process.paused = undefined;
      this.logged(process, "process.unpaused", {});
    });
  }

  /** An event of the registry's own. */
  logged(process, eventType, payload) {
    process.log.push({ processId: process.id, sequence: process.log.length + 1, eventType, payload, semantics: {} });
    this.touch(process.id);
  }

  fork(id, { newId, from, input }) {
    return this.changeOf(id, ({ whole, policy, attachments }) => {
      if (input !== undefined && !isAlike(whole.input, input)) return refuse("invalid_argument");
      const { startAtMs, deadlineAtMs, onConflict, debounce, parentId, onParentEnd, ...kept } = policy;
      const provenance = { originator: whole.provenance.originator, causedBy: { forkOf: id } };
      const given = { ...whole, ...kept, id: newId, provenance, input: input ?? whole.input };
      // No process that the model knows has steps.
      if (from !== "start" && !this.processes.has(newId)) return refuse("invalid_argument");
      const isNew = !this.processes.has(newId);
      const answer = this.register(given);
      if (isNew && answer.record) answer.record.attachments = new Map(attachments);
      return answer;
    });
  }

  putAttachment(id, name, value, lease) {
    const process = this.processes.get(id);
    if (!process) return refuse("unknown_process");
    if (process.state !== "running") return refuse("process_terminal");
    if (lease !== undefined) {
      const held = this.holds(id, lease);
      if (held === undefined) return { unsure: true };
      if (!held) return refuse("lease_lost");
    }
    process.attachments.set(name, value);
    this.touch(id);
    return { value };
  }

  deleteAttachment(id, name) {
    return this.changeOf(id, (process) => {
      if (process.attachments.delete(name)) this.touch(id);
      return { value: undefined };
    });
  }

  setWait(id, wait) {
    return this.changeOf(id, (process) => {
      if (process.state !== "running") return refuse("already_terminal");
      process.wait = wait;
      this.touch(id);
    });
  }

  clearWait(id) {
    return this.changeOf(id, (process) => {
      if (process.wait === undefined) return;
      process.wait = undefined;
      this.touch(id);
    });
  }

  prune(everything) {
    const ended = everything ? [...this.processes.values()].filter(({ state }) => state !== "running") : [];
    if (ended.length > 1) this.pruned.push({ from: this.changes + 1, to: this.changes + ended.length });
    const prunedEvents = ended.reduce((sum, { log }) => sum + log.length, 0);
    for (const process of ended) this.remove(process);
    return { value: { prunedProcesses: ended.length, prunedEvents } };
  }

  delete(id, force = false) {
    return this.changeOf(id, (process) => {
      if (process.state === "running" && !force) return refuse("not_terminal");
      this.remove(process);
      return { value: undefined };
    });
  }

  remove(process) {
    process.pruned = true;
    this.everPruned.add(process.id);
    this.processes.delete(process.id);
    for (const grants of this.grants.values()) grants.delete(process.id);
    this.touch(process.id);
  }

  // ── Events ────────────────────────────────────────────────────────────────

  /** `key` names the replay key where the registry makes one of its own. */
  append(id, request, key = request.replayKey, scope = undefined) {
    const process = this.processes.get(id);
    if (!process || (scope !== undefined && !this.grants.get(scope)?.has(id))) return refuse("unknown_process");
    const { eventType, payload = null, lease } = request;
    const stored = key && process.keys.get(key);
    if (stored) {
      const alike = stored.eventType === eventType && same(stored.payload, payload);
      return alike
        ? { event: stored, replayed: true, process, delivery: this.delivery(process, request, stored) }
        : refuse("replay_conflict");
    }
    if (lease !== undefined) {
      const held = this.holds(process.id, lease);
      if (held === undefined) return { unsure: true, process };
      if (!held) return refuse("lease_lost");
    }
    const declared = process.types.get(eventType) ?? (/^signal\.[A-Za-z0-9_-]+$/.test(eventType) ? { name: eventType } : undefined);
    if (!declared) return refuse("undeclared_event_type");
    if (!key && (declared.semantics?.terminal || eventType === "process.cancel_requested")) return refuse("missing_replay_key");
    if (key === "") return refuse("invalid_argument");
    if (declared.payloadSchema !== undefined && !fits.get(JSON.stringify(declared.payloadSchema))(payload))
      return refuse("invalid_payload");
    const sequence = process.log.length + 1;
    const life = this.lives.get(id).length;
    const semantics = meaning(declared, life > 1 ? `${id}@${life}:${sequence}` : `${id}:${sequence}`, payload);
    if (semantics === undefined) return refuse("invalid_payload");
    if (semantics.terminal && process.state !== "running") return refuse("already_terminal");
    const event = { processId: id, sequence, eventType, payload, ...(key && { replayKey: key }), semantics };
    process.log.push(event);
    if (key) process.keys.set(key, event);
    if (semantics.terminal)
      Object.assign(process, { state: semantics.terminal.state, output: semantics.terminal.awaitOutput, wait: undefined });
    this.touch(id);
    return { event, replayed: false, process, delivery: this.delivery(process, request, event) };
  }

  delivery(process, request, event) {
    const target = request.wakeTargetScope ?? process.wakeTarget;
    return event.semantics.wake && target && { ...event.semantics.wake, targetScopeId: scopeId(target), targetSessionId: target.sessionId };
  }

  complete(id, output, lease) {
    const state = { success: "completed", failure: "failed", cancelled: "cancelled" }[output.type];
    const request = { eventType: `process.${state}`, payload: { awaitOutput: output }, lease };
    const done = this.append(id, request, `process:${id}:terminal:process.${state}`);
    if (lease !== undefined && done.event && done.process.lease?.token?.() === lease.leaseToken) done.process.lease = null;
    return done.code || done.unsure ? done : { record: done.process };
  }

  requestCancel(id, reason, scope) {
    const payload = { reason: reason ?? null };
    return this.append(id, { eventType: "process.cancel_requested", payload }, `cancel ${canonical(payload)}`, scope);
  }

  signal(id, name, payload, signalId, scope) {
    return this.append(
      id,
      { eventType: `signal.${name}`, payload },
      signalId === undefined ? undefined : `signal:${name}:${signalId}`,
      scope,
    );
  }

  /** Events of a log, or the refusal; `scope` is whose view it is. */
  events(id, choose, scope) {
    const process = this.processes.get(id);
    if (!process || (scope !== undefined && !this.grants.get(scope)?.has(id))) return refuse("unknown_process");
    return { events: choose(process.log, process), process };
  }

  ack(id, sequence) {
    return this.changeOf(id, (process) => {
      if (sequence <= process.log.length) process.acked.add(sequence);
      this.version++;
      return { value: undefined };
    });
  }

  // ── Handles ───────────────────────────────────────────────────────────────

  grant(scope, id, descriptor = {}) {
    if (!this.processes.has(id)) return refuse("unknown_process");
    const name = scopeId(scope);
    const grant = { scopeId: name, sessionId: scope.sessionId, processId: id, descriptor };
    if (!this.grants.has(name)) this.grants.set(name, new Map());
    this.grants.get(name).set(id, grant);
    this.version++;
    return { value: grant };
  }

  revoke(scope, id) {
    if (this.grants.get(scopeId(scope))?.delete(id)) this.version++;
    return { value: undefined };
  }

  transfer(from, to, ids) {
    const source = this.grants.get(scopeId(from)) ?? new Map();
    if (!ids.every((id) => source.has(id))) return refuse("not_granted");
    for (const id of new Set(ids)) {
      const { descriptor } = source.get(id);
      source.delete(id);
      this.grant(to, id, descriptor);
    }
    return { value: undefined };
  }

  granted(name, keep) {
    const grants = [...(this.grants.get(name)?.values() ?? [])].sort((a, b) => (a.processId < b.processId ? -1 : 1));
    return grants.map((grant) => ({ grant, process: this.processes.get(grant.processId) })).filter(({ process }) => keep(process));
  }

  deleteSession(sessionId) {
    const own = [...this.grants].filter(([name]) => name === `session:${sessionId}` || name.startsWith(`session:${sessionId}/frame:`));
    const ids = new Set(own.flatMap(([, grants]) => [...grants.keys()]));
    const revokedHandleCount = own.reduce((sum, [, grants]) => sum + grants.size, 0);
    for (const [name] of own) this.grants.delete(name);
    for (const process of this.ids().map((id) => this.processes.get(id))) {
      if (process.wakeTarget?.sessionId !== sessionId) continue;
      process.wakeTarget = undefined;
      this.touch(process.id);
    }
    this.version++;
    const live = [...ids].filter((id) => this.processes.get(id)?.state === "running").sort();
    const held = (id) => [...this.grants.values()].some((grants) => grants.has(id));
    const orphanedProcessIds = live.filter((id) => !held(id));
    return { value: { sessionId, revokedHandleCount, deletedWakeCount: 0, orphanedProcessIds, preservedProcessIds: live.filter(held) } };
  }

  // ── Leases ────────────────────────────────────────────────────────────────

  /** Whether a lease is in force; `undefined` where that depends on the clock. */
  holds(id, lease) {
    const held = this.processes.get(id)?.lease;
    if (!this.processes.has(id) || lease.processId !== id) return false;
    if (held === UNSURE) return undefined;
    if (held === null) return false;
    return held.fence === lease.fencingToken && held.token() === lease.leaseToken && sameOwner(held.owner, lease.owner);
  }

  /** Gives who must hold it afterwards: `mine`, `busy` and the holder, or unsure. */
  claim(id, owner, ttlMs) {
    const process = this.processes.get(id);
    if (!process) return refuse("unknown_process");
    if (process.state !== "running") return refuse("already_terminal");
    const held = process.lease;
    this.version++;
    if (held === UNSURE) return { unsure: true, process };
    if (held !== null && !sameOwner(held.owner, owner)) return { busy: held, process };
    const last = this.fences.get(id) ?? { fence: 0, sure: true };
    const fence = held?.fence ?? last.fence + 1;
    const answer = {
      mine: { owner: held?.owner ?? owner, fence, token: held?.token ?? (() => process.tokens?.get(fence)) },
      sure: held !== null || last.sure,
      process,
    };
    if (held === null) this.fences.set(id, { fence, sure: last.sure });
    process.lease = isLong(ttlMs) && answer.sure ? answer.mine : UNSURE;
    if (process.lease === UNSURE) this.fences.set(id, { ...this.fences.get(id), sure: false });
    return answer;
  }

  renew(lease, ttlMs) {
    const held = this.holds(lease.processId, lease);
    if (held === false) return refuse("lease_lost");
    const process = this.processes.get(lease.processId);
    if (held && !isLong(ttlMs)) this.unsure(process);
    this.version++;
    return held === undefined ? { unsure: true, process } : { renewed: process.lease, process };
  }

  release(id, leaseToken) {
    const process = this.processes.get(id);
    if (process && process.lease === UNSURE) return { value: undefined };
    if (process?.lease && process.lease.token() === leaseToken) process.lease = null;
    this.version++;
    return { value: undefined };
  }

  unsure(process) {
    process.lease = UNSURE;
    this.fences.set(process.id, { fence: this.fences.get(process.id)?.fence ?? 0, sure: false });
  }
}

/** Whether they are alike, but for the time since when, which only the registry knows. */
function sinceThen(shown, known) {
  if (known === undefined || shown === undefined || "sinceMs" in known) return same(shown, known);
  const { sinceMs, ...rest } = shown;
  return Number.isSafeInteger(sinceMs) && same(rest, known);
}

/** Whether an input is for the runner of another one. */
const isAlike = (a, b) => a.type === b.type && a.kind === b.kind && a.call?.toolName === b.call?.toolName;

/** Of a lease that the clock may have ended. */
export const UNSURE = Symbol("unsure");
const isLong = (ttlMs) => ttlMs > 100_000;
const sameOwner = (a, b) => a.ownerId === b.ownerId && a.incarnationId === b.incarnationId;
export { CORE };
