/**
 * Follows a log, or a stream, as an async iterator.
 *
 * Written out rather than as an async generator: a generator that is waiting answers `return()` only when its
 * wait is over, and breaking out of a loop from outside must end the wait at once.
 */
import { freeze, isOf } from "../platform/intrinsics.js";
import { Aborted, refuseAborted, untilAborted } from "../border/stop.js";

/** What is followed, and from where on. */
export interface Followed<T, B extends { done: boolean }> {
  /** Reads what comes after a place, waiting for it if need be; rejects when `signal` aborts. */
  read(after: number, signal: AbortSignal): Promise<B>;
  itemsOf(batch: B): T[];
  placeOf(item: T): number;
  /** It begins after this place. */
  after: number;
  /** Aborts it. */
  outer: AbortSignal | undefined;
  /** Is called when it is over, perhaps twice. */
  over?(): void;
}

/** Iterates over what is read until that is done, fails, is left, or `outer` aborts. */
export function follow<T, B extends { done: boolean }>(followed: Followed<T, B>): AsyncIterableIterator<T> {
  const { outer } = followed;
  const stop = new AbortController();
  let { after } = followed;
  let ready: T[] = []; // Read and not yet given out, the next one last.
  let complete = false; // Nothing comes after `ready`.
  let over = false;
  let turn: Promise<unknown> = Promise.resolve(); // The last call of next(): they take turns.

  async function step(): Promise<IteratorResult<T>> {
    while (!over) {
      refuseAborted(outer);
      const item = ready.pop();
      if (item !== undefined) {
        after = followed.placeOf(item);
        return { done: false, value: item };
      }
      if (complete) break;
      const batch = await readUnlessAborted();
      ready = followed.itemsOf(batch).reverse();
      complete = batch.done;
    }
    return end();
  }

  /** Listens to `outer` only while it waits, so that an iterator that is merely dropped leaves nothing behind. */
  function readUnlessAborted(): Promise<B> {
    return untilAborted(outer, (until) => {
      until?.(() => stop.abort());
      return followed.read(after, stop.signal);
    });
  }

  function end(): IteratorReturnResult<undefined> {
    over = true;
    ready = [];
    followed.over?.();
    return { done: true, value: undefined };
  }

  function leave(): Promise<unknown> {
    end();
    stop.abort(); // A pending next() now finds it over; see below.
    return turn;
  }

  return freeze<AsyncIterableIterator<T>>({
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
