/** What a session's scope may do with the processes that are granted to it. */
import { awaiter } from "./awaiter.js";
import { call } from "./call.js";
import { count, id, optional, options, shape, text } from "./check.js";
import type { RawRegistry } from "./raw.js";
import { signalArguments } from "./signal.js";
import type { EventQuery, Json, ListFilter, ProcessAwaiter, SessionScope, SessionView } from "./types.js";

/** Code that holds it reaches nothing beyond: everything that leads to the registry is private. */
export class Session implements SessionView {
  readonly #raw: RawRegistry;
  readonly #scope: Json;
  readonly scope: SessionScope;
  readonly awaitTerminal: ProcessAwaiter["awaitTerminal"];
  readonly awaitEvent: ProcessAwaiter["awaitEvent"];

  constructor(raw: RawRegistry, given: SessionScope) {
    const { sessionId, agentFrameId } = options<SessionScope>(given, "scope", { sessionId: id, agentFrameId: optional(id) });
    const scope = { sessionId, ...(agentFrameId !== undefined && { agentFrameId }) };
    this.#raw = raw;
    this.#scope = scope;
    this.scope = Object.freeze(scope);
    ({ awaitTerminal: this.awaitTerminal, awaitEvent: this.awaitEvent } = awaiter((signal, timeoutMs, method, ...given) =>
      raw.wait(true, signal, timeoutMs, "session", scope, method, ...given),
    ));
    Object.freeze(this);
  }

  list(filter: ListFilter = {}) {
    return call(() => this.#raw.call("session", this.#scope, "listProcesses", shape(filter, "filter")));
  }
  get(processId: string) {
    return call(() => this.#raw.call("session", this.#scope, "getProcess", id(processId, "processId")));
  }
  eventsAfter(processId: string, afterSequence: number, query: EventQuery = {}) {
    return call(() =>
      this.#raw.call(
        "session", this.#scope, "eventsAfter",
        id(processId, "processId"), count(afterSequence, "afterSequence"), shape(query, "query"),
      ),
    );
  }
  async signal(processId: string, name: string, payload: Json = null, given?: { signalId?: string }) {
    return call(() => this.#raw.call("session", this.#scope, "signal", ...signalArguments(processId, name, payload, given)));
  }
  requestCancel(processId: string, reason?: string) {
    return call(() =>
      this.#raw.call("session", this.#scope, "requestCancel", id(processId, "processId"), optional(text)(reason, "reason")),
    );
  }
}
