/**
 * Follows a log as an async iterator.
 *
 * Written out rather than as an async generator: a generator that is waiting answers `return()` only when its
 * wait is over, and breaking out of a loop from outside must end the wait at once.
 */
import { freeze, isOf } from "../platform/intrinsics.js";
import { Aborted, refuseAborted, untilAborted } from "../border/stop.js";
import type { ProcessEvent } from "../types/public.js";

/** Reads what comes after a sequence, waiting for it if need be; rejects when `signal` aborts. */
type Read = (after: number, signal: AbortSignal) => Promise<{ events: ProcessEvent[]; done: boolean }>;

/** Iterates over what `read` gives, beginning after `after`, until it is done, fails, is left, or `outer` aborts. */
export function follow(read: Read, after: number, outer?: AbortSignal): AsyncIterableIterator<ProcessEvent> {
  const stop = new AbortController();
  let ready: ProcessEvent[] = []; // Read and not yet given out, the next one last.
  let complete = false; // Nothing comes after `ready`.
  let over = false;
  let turn: Promise<unknown> = Promise.resolve(); // The last call of next(): they take turns.

  async function step(): Promise<IteratorResult<ProcessEvent>> {
    while (!over) {
      refuseAborted(outer);
      const event = ready.pop();
      if (event !== undefined) {
        after = event.sequence;
        return { done: false, value: event };
      }
      if (complete) break;
      const batch = await readUnlessAborted();
      ready = batch.events.reverse();
      complete = batch.done;
    }
    return end();
  }

  /** Listens to `outer` only while it waits, so that an iterator that is merely dropped leaves nothing behind. */
  function readUnlessAborted(): ReturnType<Read> {
    return untilAborted(outer, (until) => {
      until?.(() => stop.abort());
      return read(after, stop.signal);
    });
  }

  function end(): IteratorReturnResult<undefined> {
    over = true;
    ready = [];
    return { done: true, value: undefined };
  }

  function leave(): Promise<unknown> {
    end();
    stop.abort(); // A pending next() now finds it over; see below.
    return turn;
  }

  return freeze<AsyncIterableIterator<ProcessEvent>>({
    next() {
      const result = turn.then(step).catch((fault: unknown) => {
        if (over) return end(); // The loop was left: the fault is only the end of the wait.
        end();
        throw isOf(fault, Aborted) ? fault.reason : fault;
      });
      turn = result.catch(() => {});
      return result;
    },
    async return(value?: unknown) {
      await leave();
      return { done: true, value: await value };
    },
    async throw(fault?: unknown) {
      await leave();
      throw fault;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  });
}
