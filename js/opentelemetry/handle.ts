/** Handles whose waits have spans. */
import { OUTPUT } from "../types/output.js";
import type { ProcessAwaitOutput, ProcessHandle, WaitOptions } from "../types/public.js";

/** A handle, with how `waitAll` and `waitFirst` wait for it. */
export interface Handle extends ProcessHandle<never> {
  readonly [OUTPUT]: (options?: WaitOptions) => Promise<ProcessAwaitOutput>;
}

/** The handle, whose waits `wait` makes. */
export function withWaits<H>(handle: H, wait: <T>(options: WaitOptions | undefined, call: () => Promise<T>) => Promise<T>): H {
  const given = handle as Handle;
  const own = Object.getOwnPropertyDescriptors(given);
  const traced = {
    result: { ...own.result, value: (options?: WaitOptions) => wait(options, () => given.result(options)) },
    [OUTPUT]: { ...own[OUTPUT], value: (options?: WaitOptions) => wait(options, () => given[OUTPUT](options)) },
  };
  return Object.freeze(Object.defineProperties({}, { ...own, ...traced })) as H;
}
