/** Results that a tool gives one after the other. */

/** Takes a result that is not the last one, and may have the tool wait. */
export type Show = (result: unknown) => void | Promise<void>;

/** Whether a function gives several results, as far as that can be said without calling it. */
export const isGenerator = (execute: object): boolean =>
  (execute as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] === "AsyncGeneratorFunction";

/** The last of several results, which are shown until the signal is aborted; or the one that is given. */
export async function lastOf(given: unknown, show: Show, signal: AbortSignal): Promise<unknown> {
  const results = await given;
  if (typeof results !== "object" || results === null || !(Symbol.asyncIterator in results)) return results;
  let last: unknown;
  for await (last of results as AsyncIterable<unknown>) {
    signal.throwIfAborted();
    await show(last);
  }
  return last;
}

/**
 * The results that `work` shows, of which each waits until the next one is asked for. Where it shows none, as for a call on record, the one that it gives. A reader that
 * leaves does not end the work.
 */
export async function* each(work: (show: Show) => Promise<unknown>): AsyncGenerator<unknown, void> {
  let hasShown = false;
  let isLeft = false;
  let asked = (): void => {};
  const results = new ReadableStream<unknown>(
    {
      start(controller) {
        const show = (result: unknown) =>
          new Promise<void>((next) => {
            hasShown = true;
            if (isLeft) return next();
            asked = next;
            controller.enqueue(result);
          });
        const end = (result: unknown): void => {
          if (!hasShown && result !== undefined) controller.enqueue(result);
          controller.close();
        };
        work(show)
          .then(end)
          .catch((error: unknown) => controller.error(error));
      },
      pull: () => asked(),
      cancel() {
        isLeft = true;
        asked();
      },
    },
    { highWaterMark: 0 },
  );
  const reader = results.getReader();
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) yield value;
  } finally {
    await reader.cancel();
  }
}

/** Shows results one by one, and passes over those that another one has followed by then. */
export function latest(show: (result: unknown) => Promise<void>): Show {
  let next: { readonly result: unknown } | undefined;
  let isShowing = false;
  async function work(): Promise<void> {
    isShowing = true;
    for (let one = next; one !== undefined; one = next) {
      next = undefined;
      await show(one.result);
    }
    isShowing = false;
  }
  return (result) => {
    next = { result };
    if (!isShowing) work().catch(() => {}); // The stream's next chunk fails, too.
  };
}
