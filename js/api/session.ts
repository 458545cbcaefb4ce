/** What a session's scope may do with the processes that are granted to it. */
import { awaiter } from "./awaiter.js";
import { eventQuery, SHAPES } from "../border/arguments.js";
import { shape } from "../border/shapes.js";
import { call } from "../border/call.js";
import { count, id, optional, options, text } from "../border/check.js";
import { freeze } from "../platform/intrinsics.js";
import { invalidArgument } from "../types/errors.js";
import type { RawRegistry } from "../border/raw.js";
import { signalArguments } from "./signal.js";
import type { EventQuery, SessionScope, SessionView } from "../types/public.js";

/** The view of `given` on the registry of `raw`. Code that holds it reaches nothing beyond: what leads to the registry is in closures alone. */
export function sessionOf(raw: RawRegistry, given: SessionScope): SessionView {
  const { sessionId, agentFrameId } = options<SessionScope>(given, "scope", { sessionId: id, agentFrameId: optional(id) });
  // Two scopes must never share an id, or one would see what is granted to the other; the rules say so, too.
  if (sessionId.includes("/frame:")) throw invalidArgument("scope.sessionId: must not contain `/frame:`");
  const scope = freeze({ sessionId, ...(agentFrameId !== undefined && { agentFrameId }) });
  const checked = shape(scope, "scope", SHAPES.scope);
  const { awaitTerminal, awaitEvent } = awaiter(raw, (signal, timeoutMs, method, ...given) =>
    raw.viewedWait(checked, signal, timeoutMs, method, ...given),
  );
  return freeze<SessionView>({
    scope,
    awaitTerminal,
    awaitEvent,
    list(filter = {}) {
      return call(() => raw.viewedCall(checked, "listProcesses", shape(filter, "filter", SHAPES.filter)));
    },
    get(processId: string) {
      return call(() => raw.viewedCall(checked, "getProcess", id(processId, "processId")));
    },
    eventsAfter(processId: string, afterSequence: number, query: EventQuery = {}) {
      return call(() =>
        raw.viewedCall(
          checked,
          "eventsAfter",
          id(processId, "processId"),
          count(afterSequence, "afterSequence"),
          eventQuery(query, "query"),
        ),
      );
    },
    async signal(processId: string, name: string, payload: unknown = null, given?: { signalId?: string }) {
      return call(() => raw.viewedCall(checked, "signal", ...signalArguments(processId, name, payload, given)));
    },
    requestCancel(processId: string, reason?: string) {
      return call(() => raw.viewedCall(checked, "requestCancel", id(processId, "processId"), optional(text)(reason, "reason")));
    },
  });
}
