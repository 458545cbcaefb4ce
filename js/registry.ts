/**
 * The registry that callers see: checks each argument, then passes it to the wasm. It decides nothing else.
 */
import { awaiter, WAIT } from "./awaiter.js";
import { abortSignal, boolean, callback, count, id, ids, integer, optional, options, shape, text } from "./check.js";
import { call, callNow } from "./call.js";
import { asyncDispose, dispose } from "./dispose.js";
import { Driver } from "./driver.js";
import { Durability } from "./durability.js";
import { follow } from "./events.js";
import { inTurns } from "./listen.js";
import { asGiven, type RawReceiver, type RawRegistry, type WasmRegistry } from "./raw.js";
import { Session } from "./session.js";
import type {
  AppendRequest, ChangeReceiver, DriverOptions, EventQuery, EventsOptions, HandleDescriptor, LeaseOwner, ListFilter, Page, ProcessAwaiter,
  ProcessAwaitOutput, ProcessChangeHub, ProcessExternalRef, ProcessLease, ProcessRegistration, ProcessRegistry,
  ProcessWorkDriver, SessionScope, WaitOptions, WaitState,
} from "./types.js";

export class Registry implements ProcessRegistry {
  readonly #wasm: WasmRegistry;
  readonly #raw: RawRegistry;
  readonly #durability: Durability;
  readonly awaiter: ProcessAwaiter;
  readonly hub: ProcessChangeHub;

  constructor(wasm: WasmRegistry) {
    const raw = asGiven(wasm);
    this.#wasm = wasm;
    this.#raw = raw;
    this.#durability = new Durability(raw.facts().durability);
    this.awaiter = awaiter((signal, timeoutMs, method, ...given) => raw.wait(true, signal, timeoutMs, method, ...given));
    this.hub = hub(raw);
  }

  get name() {
    return this.#raw.facts().name;
  }
  get owner() {
    return this.#raw.facts().owner;
  }
  get durability() {
    return this.#durability.level;
  }
  onDurabilityChange(listener: (durability: ProcessRegistry["durability"]) => void) {
    return callNow(() => this.#durability.onChange(callback(listener, "listener") as typeof listener));
  }
  requestPersistence() {
    return call(() => this.#durability.persist());
  }

  // Processes

  registerProcess(registration: ProcessRegistration) {
    return call(() => this.#raw.call("registerProcess", shape(registration, "registration")));
  }
  getProcess(processId: string) {
    return call(() => this.#raw.call("getProcess", id(processId, "processId")));
  }
  listProcesses(filter: ListFilter = {}, page: Page = {}) {
    return call(() => this.#raw.call("listProcesses", shape(filter, "filter"), shape(page, "page")));
  }
  listNonTerminal(page: Page = {}) {
    return call(() => this.#raw.call("listNonTerminal", shape(page, "page")));
  }
  changedSince(cursor?: string, limit?: number) {
    return call(() => this.#raw.call("changedSince", optional(text)(cursor, "cursor"), optional(count)(limit, "limit")));
  }
  setExternalRef(processId: string, ref: ProcessExternalRef) {
    return call(() => this.#raw.call("setExternalRef", id(processId, "processId"), shape(ref, "ref")));
  }
  setProcessWait(processId: string, wait: WaitState) {
    return call(() => this.#raw.call("setProcessWait", id(processId, "processId"), shape(wait, "wait")));
  }
  clearProcessWait(processId: string) {
    return call(() => this.#raw.call("clearProcessWait", id(processId, "processId")));
  }
  completeProcess(processId: string, output: ProcessAwaitOutput) {
    return call(() => this.#raw.call("completeProcess", id(processId, "processId"), shape(output, "output")));
  }
  completeProcessWithLease(lease: ProcessLease, output: ProcessAwaitOutput) {
    return call(() => this.#raw.call("completeProcessWithLease", shape(lease, "lease"), shape(output, "output")));
  }
  requestCancel(processId: string, reason?: string) {
    return call(() => this.#raw.call("requestCancel", id(processId, "processId"), optional(text)(reason, "reason")));
  }
  pruneTerminalProcesses(cutoffMs: number) {
    return call(() => this.#raw.call("pruneTerminalProcesses", count(cutoffMs, "cutoffMs")));
  }

  // Events

  appendEvent(processId: string, request: AppendRequest) {
    return call(() => this.#raw.call("appendEvent", id(processId, "processId"), shape(request, "request")));
  }
  eventsAfter(processId: string, afterSequence: number, query: EventQuery = {}) {
    return call(() =>
      this.#raw.call("eventsAfter", id(processId, "processId"), count(afterSequence, "afterSequence"), shape(query, "query")),
    );
  }
  recentEvents(processId: string, limit: number) {
    return call(() => this.#raw.call("recentEvents", id(processId, "processId"), count(limit, "limit")));
  }
  countEventsThrough(processId: string, eventType: string, upToSequence: number) {
    return call(() =>
      this.#raw.call("countEventsThrough", id(processId, "processId"), id(eventType, "eventType"), count(upToSequence, "upToSequence")),
    );
  }
  wakeEventsAfter(processId: string, afterSequence: number) {
    return call(() => this.#raw.call("wakeEventsAfter", id(processId, "processId"), count(afterSequence, "afterSequence")));
  }
  ackWake(processId: string, sequence: number) {
    return call(() => this.#raw.call("ackWake", id(processId, "processId"), integer(sequence, "sequence", 1)));
  }

  // Handles

  grantHandle(scope: SessionScope, processId: string, descriptor: HandleDescriptor = {}) {
    return call(() =>
      this.#raw.call("grantHandle", shape(scope, "scope"), id(processId, "processId"), shape(descriptor, "descriptor")),
    );
  }
  revokeHandle(scope: SessionScope, processId: string) {
    return call(() => this.#raw.call("revokeHandle", shape(scope, "scope"), id(processId, "processId")));
  }
  transferHandleGrants(from: SessionScope, to: SessionScope, processIds: string[]) {
    return call(() => this.#raw.call("transferHandleGrants", shape(from, "from"), shape(to, "to"), ids(processIds, "processIds")));
  }
  listHandleGrants(scope: SessionScope) {
    return call(() => this.#raw.call("listHandleGrants", shape(scope, "scope")));
  }
  listLiveHandleGrants(scope: SessionScope) {
    return call(() => this.#raw.call("listLiveHandleGrants", shape(scope, "scope")));
  }
  hasHandleGrant(scope: SessionScope, processId: string) {
    return call(() => this.#raw.call("hasHandleGrant", shape(scope, "scope"), id(processId, "processId")));
  }
  handleGrantsForProcess(processId: string) {
    return call(() => this.#raw.call("handleGrantsForProcess", id(processId, "processId")));
  }
  deleteSessionProcessState(sessionId: string) {
    return call(() => this.#raw.call("deleteSessionProcessState", id(sessionId, "sessionId")));
  }

  // Leases

  claimProcessLease(processId: string, owner: LeaseOwner, ttlMs: number) {
    return call(() =>
      this.#raw.call("claimProcessLease", id(processId, "processId"), shape(owner, "owner"), integer(ttlMs, "ttlMs", 1)),
    );
  }
  reclaimProcessLease(processId: string, owner: LeaseOwner, observed: ProcessLease, ttlMs: number) {
    return call(() =>
      this.#raw.call("reclaimProcessLease", id(processId, "processId"), shape(owner, "owner"), shape(observed, "observed"), integer(ttlMs, "ttlMs", 1),
      ),
    );
  }
  renewProcessLease(lease: ProcessLease, ttlMs: number) {
    return call(() => this.#raw.call("renewProcessLease", shape(lease, "lease"), integer(ttlMs, "ttlMs", 1)));
  }
  completeProcessLease(lease: Pick<ProcessLease, "processId" | "leaseToken">) {
    return call(() => {
      const { processId, leaseToken } = shape(lease, "lease") as { [key: string]: unknown };
      return this.#raw.call("completeProcessLease", id(processId, "lease.processId"), text(leaseToken, "lease.leaseToken"));
    });
  }
  getProcessLease(processId: string) {
    return call(() => this.#raw.call("getProcessLease", id(processId, "processId")));
  }

  async ownerGone(owner: LeaseOwner, given?: WaitOptions) {
    const { signal, timeoutMs } = options<WaitOptions>(given, "options", WAIT);
    return call(() => this.#raw.wait(true, signal, timeoutMs, "ownerGone", shape(owner, "owner")), signal);
  }

  // Watching

  pollingAwaiter(): ProcessAwaiter {
    const raw = this.#raw;
    return awaiter((signal, timeoutMs, method, ...given) => raw.wait(false, signal, timeoutMs, method, ...given));
  }
  events(processId: string, given?: EventsOptions) {
    return callNow(() => {
      const checkedId = id(processId, "processId");
      const { after = 0, types, untilTerminal = false, signal } = options<EventsOptions>(given, "options", EVENTS);
      return follow(
        (from, stop) => call(() => this.#raw.wait(true, stop, undefined, "awaitEvents", checkedId, from, types, untilTerminal), stop),
        after,
        signal,
      );
    });
  }
  session(scope: SessionScope) {
    return callNow(() => new Session(this.#raw, scope));
  }
  onChange(listener: (processId: string) => void) {
    return callNow(() => {
      const turns = inTurns(callback(listener, "listener") as typeof listener);
      const handle = this.#raw.onChange(turns.hear);
      let on = true;
      return () => {
        turns.stop();
        if (on) this.#raw.offChange(handle);
        on = false;
      };
    });
  }
  driver(given: DriverOptions): ProcessWorkDriver {
    return callNow(() => new Driver(this, this.#wasm, given));
  }
  close() {
    return call(() => this.#raw.close());
  }
  [asyncDispose]() {
    return this.close();
  }
}

const EVENTS = {
  after: optional(count),
  types: optional(ids),
  untilTerminal: optional(boolean),
  signal: optional(abortSignal),
};

function hub(raw: RawRegistry): ProcessChangeHub {
  return {
    subscribe: (processId) => callNow(() => receiver(raw.subscribe(id(processId, "processId")))),
    notify: (processId) => callNow(() => raw.notify(id(processId, "processId"))),
    get trackedProcesses() {
      return raw.trackedProcesses;
    },
  };
}

function receiver(raw: RawReceiver): ChangeReceiver {
  const close = () => callNow(() => raw.close());
  return { changed: () => call(() => raw.changed()), close, [dispose]: close };
}
