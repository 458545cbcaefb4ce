/** Waits: checks their arguments, and passes them on. */
import { call } from "../border/call.js";
import { abortSignal, boolean, count, eventType as checkedType, id, optional, options, timeout } from "../border/check.js";
import { freeze } from "../platform/intrinsics.js";
import { invalidArgument } from "../types/errors.js";
import { insideRun } from "../border/inside.js";
import type { RawWaits } from "../border/raw.js";
import type { ProcessAwaiter, WaitOptions } from "../types/public.js";

/** Runs a wait of the wasm. */
export type RunWait = <M extends "awaitTerminal" | "awaitEvent">(
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  method: M,
  ...given: Parameters<RawWaits[M]>
) => ReturnType<RawWaits[M]>;

/** What every wait takes. */
export const WAIT = { signal: optional(abortSignal), timeoutMs: timeout };
const WAIT_EVENT = { ...WAIT, untilTerminal: optional(boolean) };

/** Refuses to have a run wait for its own process, where it is known whose code calls. */
export function notByItself(registry: object, processId: string): void {
  const run = insideRun();
  if (run !== undefined && run.processId === processId && run.registry === registry) {
    throw invalidArgument(`processId: \`${processId}\` cannot await itself: it ends only when its runner does`);
  }
}

export function awaiter(registry: object, run: RunWait): ProcessAwaiter {
  return freeze<ProcessAwaiter>({
    async awaitTerminal(processId, given) {
      const { signal, timeoutMs } = options<WaitOptions>(given, "options", WAIT);
      notByItself(registry, processId);
      return call(() => run(signal, timeoutMs, "awaitTerminal", id(processId, "processId")));
    },
    async awaitEvent(processId, eventType, afterSequence = 0, given) {
      const { signal, timeoutMs, untilTerminal = false } = options<WaitOptions & { untilTerminal?: boolean }>(given, "options", WAIT_EVENT);
      return call(() =>
        run(
          signal,
          timeoutMs,
          "awaitEvent",
          id(processId, "processId"),
          checkedType(eventType, "eventType"),
          count(afterSequence, "afterSequence"),
          untilTerminal,
        ),
      );
    },
  });
}
