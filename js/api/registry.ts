/**
 * The registry that callers see: checks each argument, then passes it to the wasm. It decides nothing else.
 */
import { AttachmentWriter } from "./attachments.js";
import { attachmentOf, blobOf, detached } from "../border/attachments.js";
import { awaiter, WAIT } from "./awaiter.js";
import { eventQuery, SHAPES } from "../border/arguments.js";
import { shape } from "../border/shapes.js";
import {
  abortSignal,
  boolean,
  callback,
  count,
  eventType as checkedType,
  eventTypes,
  id,
  ids,
  integer,
  optional,
  options,
  text,
  ttl,
} from "../border/check.js";
import { call, callNow } from "../border/call.js";
import { asyncDispose, dispose } from "./dispose.js";
import { driverOf } from "./driver.js";
import { Durability } from "./durability.js";
import { follow } from "./events.js";
import { exportOf } from "./export.js";
import { importProcesses } from "./import.js";
import { freeze } from "../platform/intrinsics.js";
import { inTurns } from "./listen.js";
import type { RawReceiver, RawRegistry } from "../border/raw.js";
import { sessionOf } from "./session.js";
import { signalArguments } from "./signal.js";
import { starting } from "./starting.js";
import { readStream } from "./streams.js";
import { processRegistered } from "../development/unstarted.js";
import type {
  AttachmentValue,
  ChangeReceiver,
  EventQuery,
  EventsOptions,
  ForkOptions,
  HandleDescriptor,
  Json,
  LeaseOwner,
  Page,
  ProcessAwaiter,
  ProcessChangeHub,
  ProcessLease,
  ProcessRegistry,
  ProcessWorkDriver,
  SessionScope,
  WaitOptions,
  WaitState,
  WokenWait,
} from "../types/public.js";

/** The registry of `raw`. Its methods use no `this`, so that they also work on a proxy of it and when they are taken apart. */
export function registryOf(raw: RawRegistry): ProcessRegistry {
  const { name, owner, durability: level } = raw.facts;
  const durability = new Durability(level);
  const waiting = waits(raw, true);
  const attaching = new AttachmentWriter();

  async function register(registration: Json) {
    const [checked, attached] = detached(registration);
    const registered = await attaching.write(attached, (ready) => raw.call("registerProcess", checked, ready));
    if (__DEV__) processRegistered(raw, registered.record);
    return registered;
  }

  const registry: ProcessRegistry = {
    name,
    get owner() {
      return copyOfOwner(owner);
    },
    get durability() {
      return durability.level;
    },
    awaiter: waiting,
    awaitTerminal: waiting.awaitTerminal,
    awaitEvent: waiting.awaitEvent,
    hub: hub(raw),
    onDurabilityChange(listener: (durability: ProcessRegistry["durability"]) => void) {
      return callNow(() => {
        const checked = callback(listener, "listener") as typeof listener;
        raw.refuseUnlessOpen();
        return durability.onChange(checked);
      });
    },
    requestPersistence() {
      return call(async () => {
        raw.refuseUnlessOpen();
        return durability.persist();
      });
    },

    // Processes

    registerProcess(registration) {
      return call(async () => {
        const { record } = await register(shape(registration, "registration", SHAPES.registration));
        return record;
      });
    },
    ...starting(
      () => registry,
      register,
      () => raw.refuseUnlessOpen(),
    ),
    registerProcesses(registrations) {
      return call(async () => {
        const checked = (shape(registrations, "registrations", SHAPES.registrations) as Json[]).map(detached);
        const attached = checked.flatMap(([, own]) => own);
        const records = await attaching.write(attached, (ready) => {
          const rest = [...ready];
          return raw.call(
            "registerProcesses",
            checked.map(([registration, own]) => [registration, rest.splice(0, own.length)]),
          );
        });
        if (__DEV__) for (const record of records) processRegistered(raw, record);
        return records;
      });
    },
    getProcess(processId: string) {
      return call(() => raw.call("getProcess", id(processId, "processId")));
    },
    listProcesses(filter = {}, page = {}) {
      return call(() => raw.call("listProcesses", shape(filter, "filter", SHAPES.filter), shape(page, "page", SHAPES.page)));
    },
    async countProcesses(filter = {}) {
      return call(() => raw.call("countProcesses", shape(filter, "filter", SHAPES.filter)));
    },
    listNonTerminal(page: Page = {}) {
      return call(() => raw.call("listNonTerminal", shape(page, "page", SHAPES.page)));
    },
    changedSince(cursor?: string, limit?: number) {
      return call(() => raw.call("changedSince", optional(text)(cursor, "cursor"), optional(count)(limit, "limit")));
    },
    setExternalRef(processId, ref) {
      return call(() => raw.call("setExternalRef", id(processId, "processId"), shape(ref, "ref", SHAPES.externalRef)));
    },
    setProcessWait(processId: string, wait: WaitState) {
      return call(() => raw.call("setProcessWait", id(processId, "processId"), shape(wait, "wait", SHAPES.wait)));
    },
    clearProcessWait(processId: string) {
      return call(() => raw.call("clearProcessWait", id(processId, "processId")));
    },
    completeProcess(processId, output) {
      return call(() => raw.call("completeProcess", id(processId, "processId"), shape(output, "output", SHAPES.output)));
    },
    completeProcessWithLease(lease, output) {
      return call(() => raw.call("completeProcessWithLease", shape(lease, "lease", SHAPES.lease), shape(output, "output", SHAPES.output)));
    },
    requestCancel(processId: string, reason?: string) {
      return call(() => raw.call("requestCancel", id(processId, "processId"), optional(text)(reason, "reason")));
    },
    pauseProcess(processId: string, reason?: string) {
      return call(() => raw.call("pauseProcess", id(processId, "processId"), optional(text)(reason, "reason")));
    },
    resumeProcess(processId: string) {
      return call(() => raw.call("resumeProcess", id(processId, "processId")));
    },
    forkProcess(processId: string, given: ForkOptions) {
      return call(() => raw.call("forkProcess", id(processId, "processId"), shape(given, "options", SHAPES.fork)));
    },
    async deleteProcess(processId: string, given?: { force?: boolean }) {
      return call(() => {
        const { force = false } = options<{ force?: boolean }>(given, "options", { force: optional(boolean) });
        return raw.call("deleteProcess", id(processId, "processId"), force);
      });
    },
    pruneTerminalProcesses(cutoffMs: number) {
      return call(() => raw.call("pruneTerminalProcesses", count(cutoffMs, "cutoffMs")));
    },

    // Attachments

    async putAttachment(processId: string, name: string, value: AttachmentValue, given?: { lease?: ProcessLease }) {
      return call(() => {
        const { lease } = options<{ lease?: ProcessLease }>(given, "options", { lease: optional(leaseOption) });
        const [checkedId, attachment] = [id(processId, "processId"), attachmentOf(name, value)];
        return attaching.write([attachment], ([ready = attachment]) =>
          raw.call("putAttachment", checkedId, ready, lease as unknown as Json | undefined),
        );
      });
    },
    getAttachment(processId: string, name: string) {
      return call(async () => {
        const found = await raw.call("getAttachment", id(processId, "processId"), id(name, "name"));
        return found && blobOf(found);
      });
    },
    listAttachments(processId: string) {
      return call(() => raw.call("listAttachments", id(processId, "processId")));
    },
    deleteAttachment(processId: string, name: string) {
      return call(() => raw.call("deleteAttachment", id(processId, "processId"), id(name, "name")));
    },

    // Streams

    listStreams(processId: string) {
      return call(() => raw.call("listStreams", id(processId, "processId")));
    },

    // Exports and imports

    exportProcesses: (given) => exportOf(raw, given),
    importProcesses(source, given) {
      return call(() => importProcesses(raw, attaching, source, given));
    },

    // Events

    appendEvent(processId, request) {
      return call(() => raw.call("appendEvent", id(processId, "processId"), shape(request, "request", SHAPES.append)));
    },
    appendEvents(processId, requests) {
      return call(() => raw.call("appendEvents", id(processId, "processId"), shape(requests, "requests", SHAPES.appends)));
    },
    eventsAfter(processId: string, afterSequence: number, query: EventQuery = {}) {
      return call(() =>
        raw.call("eventsAfter", id(processId, "processId"), count(afterSequence, "afterSequence"), eventQuery(query, "query")),
      );
    },
    recentEvents(processId: string, limit: number) {
      return call(() => raw.call("recentEvents", id(processId, "processId"), count(limit, "limit")));
    },
    countEventsThrough(processId: string, eventType: string, upToSequence: number) {
      return call(() =>
        raw.call(
          "countEventsThrough",
          id(processId, "processId"),
          checkedType(eventType, "eventType"),
          count(upToSequence, "upToSequence"),
        ),
      );
    },
    wakeEventsAfter(processId: string, afterSequence: number) {
      return call(() => raw.call("wakeEventsAfter", id(processId, "processId"), count(afterSequence, "afterSequence")));
    },
    ackWake(processId: string, sequence: number) {
      return call(() => raw.call("ackWake", id(processId, "processId"), integer(sequence, "sequence", 1)));
    },

    async signal(processId: string, name: string, payload: unknown = null, given?: { signalId?: string }) {
      return call(() => raw.call("signal", ...signalArguments(processId, name, payload, given)));
    },

    // Handles

    grantHandle(scope: SessionScope, processId: string, descriptor: HandleDescriptor = {}) {
      return call(() =>
        raw.call(
          "grantHandle",
          shape(scope, "scope", SHAPES.scope),
          id(processId, "processId"),
          shape(descriptor, "descriptor", SHAPES.descriptor),
        ),
      );
    },
    revokeHandle(scope: SessionScope, processId: string) {
      return call(() => raw.call("revokeHandle", shape(scope, "scope", SHAPES.scope), id(processId, "processId")));
    },
    transferHandleGrants(from: SessionScope, to: SessionScope, processIds: string[]) {
      return call(() =>
        raw.call("transferHandleGrants", shape(from, "from", SHAPES.scope), shape(to, "to", SHAPES.scope), ids(processIds, "processIds")),
      );
    },
    listHandleGrants(scope: SessionScope) {
      return call(() => raw.call("listHandleGrants", shape(scope, "scope", SHAPES.scope)));
    },
    listLiveHandleGrants(scope: SessionScope) {
      return call(() => raw.call("listLiveHandleGrants", shape(scope, "scope", SHAPES.scope)));
    },
    hasHandleGrant(scope: SessionScope, processId: string) {
      return call(() => raw.call("hasHandleGrant", shape(scope, "scope", SHAPES.scope), id(processId, "processId")));
    },
    handleGrantsForProcess(processId: string) {
      return call(() => raw.call("handleGrantsForProcess", id(processId, "processId")));
    },
    deleteSessionProcessState(sessionId: string) {
      return call(() => raw.call("deleteSessionProcessState", shape(sessionId, "sessionId", SHAPES.sessionId) as string));
    },

    // Leases

    claimProcessLease(processId: string, owner: LeaseOwner, ttlMs: number) {
      return call(() =>
        raw.call("claimProcessLease", id(processId, "processId"), shape(owner, "owner", SHAPES.owner), ttl(ttlMs, "ttlMs", raw.minLeaseMs)),
      );
    },
    reclaimProcessLease(processId: string, owner: LeaseOwner, observed: ProcessLease, ttlMs: number) {
      return call(() =>
        raw.call(
          "reclaimProcessLease",
          id(processId, "processId"),
          shape(owner, "owner", SHAPES.owner),
          shape(observed, "observed", SHAPES.lease),
          ttl(ttlMs, "ttlMs", raw.minLeaseMs),
        ),
      );
    },
    renewProcessLease(lease: ProcessLease, ttlMs: number) {
      return call(() => raw.call("renewProcessLease", shape(lease, "lease", SHAPES.lease), ttl(ttlMs, "ttlMs", raw.minLeaseMs)));
    },
    completeProcessLease(lease: Pick<ProcessLease, "processId" | "leaseToken">) {
      return call(() => {
        const { processId, leaseToken } = shape(lease, "lease", SHAPES.released) as { processId: string; leaseToken: string };
        return raw.call("completeProcessLease", processId, leaseToken);
      });
    },
    getProcessLease(processId: string) {
      return call(() => raw.call("getProcessLease", id(processId, "processId")));
    },

    async ownerGone(owner: LeaseOwner, given?: WaitOptions) {
      const { signal, timeoutMs } = options<WaitOptions>(given, "options", WAIT);
      return call(() => raw.wait(true, signal, timeoutMs, "ownerGone", shape(owner, "owner", SHAPES.holder)));
    },

    // Watching

    pollingAwaiter() {
      return waits(raw, false);
    },
    events(processId: string, given?: EventsOptions) {
      return callNow(() => {
        const checkedId = id(processId, "processId");
        const { after = 0, types, untilTerminal = false, signal } = options<EventsOptions>(given, "options", EVENTS);
        raw.refuseUnlessOpen();
        return follow({
          read: (from, stop) => call(() => raw.wait(true, stop, undefined, "awaitEvents", checkedId, from, types, untilTerminal)),
          itemsOf: (batch) => batch.events,
          placeOf: (event) => event.sequence,
          after,
          outer: signal,
        });
      });
    },
    readStream: ((processId, name, given) => readStream(raw, processId, name, given)) as ProcessRegistry["readStream"],
    session(scope: SessionScope) {
      return callNow(() => {
        const view = sessionOf(raw, scope);
        raw.refuseUnlessOpen();
        return view;
      });
    },
    onChange(listener: (processId: string) => void) {
      return callNow(() => listening(listener, raw.onChange));
    },
    onWake(listener: (woken: WokenWait) => void) {
      return callNow(() => listening(listener, raw.onWake));
    },
    driver(given): ProcessWorkDriver {
      return callNow(() => driverOf(registry, raw, attaching, given));
    },
    close() {
      return call(() => raw.close());
    },
    [asyncDispose]() {
      return registry.close();
    },
  };
  return freeze(registry);
}

/** Has a listener of the user's called with what the WebAssembly is heard to say. Gives what takes it off. */
function listening<T>(listener: (heard: T) => void, listen: (hear: (heard: T) => void) => () => void): () => void {
  const turns = inTurns(callback(listener, "listener") as typeof listener);
  const off = listen(turns.hear);
  return () => {
    turns.stop();
    off();
  };
}

const leaseOption = (given: unknown, name: string) => shape(given, name, SHAPES.lease) as unknown as ProcessLease;

const EVENTS = {
  after: optional(count),
  types: optional(eventTypes),
  untilTerminal: optional(boolean),
  signal: optional(abortSignal),
};

/** A holder may change what it is given. */
function copyOfOwner({ liveness, ...owner }: LeaseOwner): LeaseOwner {
  return { ...owner, ...(liveness && { liveness: { ...liveness } }) };
}

function waits(raw: RawRegistry, hubBacked: boolean): ProcessAwaiter {
  return awaiter(raw, (signal, timeoutMs, method, ...given) => raw.wait(hubBacked, signal, timeoutMs, method, ...given));
}

function hub(raw: RawRegistry): ProcessChangeHub {
  return freeze<ProcessChangeHub>({
    subscribe: (processId) => callNow(() => receiver(raw.subscribe(id(processId, "processId")))),
    notify: (processId) => callNow(() => raw.notify(id(processId, "processId"))),
    get trackedProcesses() {
      return raw.trackedProcesses;
    },
  });
}

function receiver(raw: RawReceiver): ChangeReceiver {
  const close = () => callNow(() => raw.close());
  return freeze({ changed: () => call(() => raw.changed()), close, [dispose]: close });
}
