/** Waits for several processes: for all of them, or for the first that ends. */
import { callNow } from "../border/call.js";
import { givenBack } from "../border/inside.js";
import { options } from "../border/check.js";
import { Aborted, untilAborted } from "../border/stop.js";
import { isArray, isOf } from "../platform/intrinsics.js";
import { invalidArgument } from "../types/errors.js";
import type { Handles } from "../types/definitions.js";
import type { Json, ProcessAwaitOutput, WaitOptions } from "../types/public.js";
import { WAIT } from "./awaiter.js";
import { outputOf, valueOf } from "./handle.js";

/** What `waitAll()` does. */
export function all(handles: Handles, given?: WaitOptions): Promise<Json[]> {
  return together(handles, given, (waits) => Promise.all(waits.map(async ({ handle: { id }, ended }) => valueOf(id, await ended))));
}

/** What `waitFirst()` does. */
export function first(handles: Handles, given?: WaitOptions): Promise<{ handle: object; output: ProcessAwaitOutput }> {
  return together(handles, given, (waits) => {
    if (waits.length === 0) throw invalidArgument("handles: must not be empty");
    return Promise.race(waits.map(async ({ handle, ended }) => ({ handle, output: await ended })));
  });
}

interface Wait {
  readonly handle: Handles[number];
  readonly ended: Promise<ProcessAwaitOutput>;
}

/** Begins to wait for each, and ends all waits with what `of` makes of them. */
function together<T>(handles: Handles, given: WaitOptions | undefined, of: (waits: Wait[]) => Promise<T>): Promise<T> {
  return givenBack(
    (async () => {
      const { signal, timeoutMs } = options<WaitOptions>(given, "options", WAIT);
      const outputs = callNow(() => outputsOf(handles));
      const stop = new AbortController();
      try {
        return await untilAborted(signal, async (until) => {
          until?.(() => stop.abort());
          const waiting: WaitOptions = { signal: stop.signal, ...(timeoutMs !== undefined && { timeoutMs }) };
          return of(outputs.map(({ handle, output }) => ({ handle, ended: output(waiting) })));
        });
      } catch (fault) {
        throw isOf(fault, Aborted) ? fault.reason : fault;
      } finally {
        stop.abort();
      }
    })(),
  );
}

function outputsOf(handles: Handles) {
  if (!isArray(handles)) throw invalidArgument("handles: must be an array");
  return Array.from(handles as Handles, (handle, place) => {
    const output = typeof handle === "object" && handle !== null ? outputOf(handle) : undefined;
    if (output === undefined) throw invalidArgument(`handles[${place}]: must be a handle of longwait`);
    return { handle, output };
  });
}
