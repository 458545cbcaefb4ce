/**
 * The registry that callers see: checks each argument, then passes it to the wasm. It decides nothing else.
 */
import {
  abortSignal, boolean, callback, id, ids, integer, optional, options, shape, text, timeout,
} from "./check.js";
import { call, callNow } from "./call.js";
import { asyncDispose, dispose } from "./dispose.js";
import { follow } from "./events.js";
import { inTurns } from "./listen.js";
import type { RawReceiver, RawRegistry } from "./raw.js";
import type {
  AppendRequest, ChangeReceiver, EventQuery, EventsOptions, HandleDescriptor, LeaseOwner, ListFilter, Page, ProcessAwaiter,
  ProcessAwaitOutput, ProcessChangeHub, ProcessExternalRef, ProcessLease, ProcessRegistration, ProcessRegistry, SessionScope,
  WaitOptions, WaitState,
} from "./types.js";

export class Registry implements ProcessRegistry {
  readonly #raw: RawRegistry;
  readonly awaiter: ProcessAwaiter;
  readonly hub: ProcessChangeHub;

  constructor(raw: RawRegistry) {
    this.#raw = raw;
    this.awaiter = awaiter(raw, true);
    this.hub = hub(raw);
  }

  get name() {
    return this.#raw.name;
  }
  get durability() {
    return this.#raw.durability;
  }
  get owner() {
    return this.#raw.owner;
  }

  // Processes

  registerProcess(registration: ProcessRegistration) {
    return call(() => this.#raw.registerProcess(shape(registration, "registration")));
  }
  getProcess(processId: string) {
    return call(() => this.#raw.getProcess(id(processId, "processId")));
  }
  listProcesses(filter: ListFilter = {}, page: Page = {}) {
    return call(() => this.#raw.listProcesses(shape(filter, "filter"), shape(page, "page")));
  }
  listNonTerminal(page: Page = {}) {
    return call(() => this.#raw.listNonTerminal(shape(page, "page")));
  }
  changedSince(cursor?: string, limit?: number) {
    return call(() => this.#raw.changedSince(optional(text)(cursor, "cursor"), optional(count)(limit, "limit")));
  }
  setExternalRef(processId: string, ref: ProcessExternalRef) {
    return call(() => this.#raw.setExternalRef(id(processId, "processId"), shape(ref, "ref")));
  }
  setProcessWait(processId: string, wait: WaitState) {
    return call(() => this.#raw.setProcessWait(id(processId, "processId"), shape(wait, "wait")));
  }
  clearProcessWait(processId: string) {
    return call(() => this.#raw.clearProcessWait(id(processId, "processId")));
  }
  completeProcess(processId: string, output: ProcessAwaitOutput) {
    return call(() => this.#raw.completeProcess(id(processId, "processId"), shape(output, "output")));
  }
  completeProcessWithLease(lease: ProcessLease, output: ProcessAwaitOutput) {
    return call(() => this.#raw.completeProcessWithLease(shape(lease, "lease"), shape(output, "output")));
  }
  requestCancel(processId: string, reason?: string) {
    return call(() => this.#raw.requestCancel(id(processId, "processId"), optional(text)(reason, "reason")));
  }
  pruneTerminalProcesses(cutoffMs: number) {
    return call(() => this.#raw.pruneTerminalProcesses(count(cutoffMs, "cutoffMs")));
  }

  // Events

  appendEvent(processId: string, request: AppendRequest) {
    return call(() => this.#raw.appendEvent(id(processId, "processId"), shape(request, "request")));
  }
  eventsAfter(processId: string, afterSequence: number, query: EventQuery = {}) {
    return call(() =>
      this.#raw.eventsAfter(id(processId, "processId"), count(afterSequence, "afterSequence"), shape(query, "query")),
    );
  }
  recentEvents(processId: string, limit: number) {
    return call(() => this.#raw.recentEvents(id(processId, "processId"), count(limit, "limit")));
  }
  countEventsThrough(processId: string, eventType: string, upToSequence: number) {
    return call(() =>
      this.#raw.countEventsThrough(id(processId, "processId"), id(eventType, "eventType"), count(upToSequence, "upToSequence")),
    );
  }
  wakeEventsAfter(processId: string, afterSequence: number) {
    return call(() => this.#raw.wakeEventsAfter(id(processId, "processId"), count(afterSequence, "afterSequence")));
  }
  ackWake(processId: string, sequence: number) {
    return call(() => this.#raw.ackWake(id(processId, "processId"), integer(sequence, "sequence", 1)));
  }

  // Handles

  grantHandle(scope: SessionScope, processId: string, descriptor: HandleDescriptor = {}) {
    return call(() =>
      this.#raw.grantHandle(shape(scope, "scope"), id(processId, "processId"), shape(descriptor, "descriptor")),
    );
  }
  revokeHandle(scope: SessionScope, processId: string) {
    return call(() => this.#raw.revokeHandle(shape(scope, "scope"), id(processId, "processId")));
  }
  transferHandleGrants(from: SessionScope, to: SessionScope, processIds: string[]) {
    return call(() => this.#raw.transferHandleGrants(shape(from, "from"), shape(to, "to"), ids(processIds, "processIds")));
  }
  listHandleGrants(scope: SessionScope) {
    return call(() => this.#raw.listHandleGrants(shape(scope, "scope")));
  }
  listLiveHandleGrants(scope: SessionScope) {
    return call(() => this.#raw.listLiveHandleGrants(shape(scope, "scope")));
  }
  hasHandleGrant(scope: SessionScope, processId: string) {
    return call(() => this.#raw.hasHandleGrant(shape(scope, "scope"), id(processId, "processId")));
  }
  handleGrantsForProcess(processId: string) {
    return call(() => this.#raw.handleGrantsForProcess(id(processId, "processId")));
  }
  deleteSessionProcessState(sessionId: string) {
    return call(() => this.#raw.deleteSessionProcessState(id(sessionId, "sessionId")));
  }

  // Leases

  claimProcessLease(processId: string, owner: LeaseOwner, ttlMs: number) {
    return call(() =>
      this.#raw.claimProcessLease(id(processId, "processId"), shape(owner, "owner"), integer(ttlMs, "ttlMs", 1)),
    );
  }
  reclaimProcessLease(processId: string, owner: LeaseOwner, observed: ProcessLease, ttlMs: number) {
    return call(() =>
      this.#raw.reclaimProcessLease(
        id(processId, "processId"), shape(owner, "owner"), shape(observed, "observed"), integer(ttlMs, "ttlMs", 1),
      ),
    );
  }
  renewProcessLease(lease: ProcessLease, ttlMs: number) {
    return call(() => this.#raw.renewProcessLease(shape(lease, "lease"), integer(ttlMs, "ttlMs", 1)));
  }
  completeProcessLease(lease: Pick<ProcessLease, "processId" | "leaseToken">) {
    return call(() => {
      const { processId, leaseToken } = shape(lease, "lease") as { [key: string]: unknown };
      return this.#raw.completeProcessLease(id(processId, "lease.processId"), text(leaseToken, "lease.leaseToken"));
    });
  }
  getProcessLease(processId: string) {
    return call(() => this.#raw.getProcessLease(id(processId, "processId")));
  }

  // Watching

  pollingAwaiter(): ProcessAwaiter {
    return awaiter(this.#raw, false);
  }
  events(processId: string, given?: EventsOptions) {
    return callNow(() => {
      const checkedId = id(processId, "processId");
      const { after = 0, types, untilTerminal = false, signal } = options<EventsOptions>(given, "options", EVENTS);
      return follow(
        (from, stop) => call(() => this.#raw.awaitEvents(checkedId, from, types, untilTerminal, stop), stop),
        after,
        signal,
      );
    });
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
  close() {
    return call(() => this.#raw.close());
  }
  [asyncDispose]() {
    return this.close();
  }
}

const count = (value: unknown, name: string) => integer(value, name, 0);
const WAIT = { signal: optional(abortSignal), timeoutMs: timeout };
const WAIT_EVENT = { ...WAIT, untilTerminal: optional(boolean) };
const EVENTS = {
  after: optional(count),
  types: optional(ids),
  untilTerminal: optional(boolean),
  signal: optional(abortSignal),
};

function awaiter(raw: RawRegistry, hubBacked: boolean): ProcessAwaiter {
  return {
    async awaitTerminal(processId, given) {
      const { signal, timeoutMs } = options<WaitOptions>(given, "options", WAIT);
      return call(() => raw.awaitTerminal(id(processId, "processId"), hubBacked, signal, timeoutMs), signal);
    },
    async awaitEvent(processId, eventType, afterSequence = 0, given) {
      const { signal, timeoutMs, untilTerminal = false } = options<WaitOptions & { untilTerminal?: boolean }>(
        given, "options", WAIT_EVENT,
      );
      return call(
        () =>
          raw.awaitEvent(
            id(processId, "processId"), id(eventType, "eventType"), count(afterSequence, "afterSequence"), untilTerminal,
            hubBacked, signal, timeoutMs,
          ),
        signal,
      );
    },
  };
}

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
