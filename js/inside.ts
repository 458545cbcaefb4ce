/**
 * Which run the code that is running now belongs to, where that can be known: while its runner or the work of a step is on
 * the stack, and right behind the promises that its context gave. Behind other promises it is not known.
 *
 * With it a call is refused, or helped, that would wait for the very run that waits for it.
 */
import { afterwards, PromiseClass, then } from "./intrinsics.js";

/** What is to be known of a run. */
export interface Inside {
  readonly processId: string;
  /** The registry that its process lies in. */
  readonly registry: object;
  /** The driver that runs it. */
  readonly driver: object;
  /** Runs `work`, while another process may run in this one's place. */
  rest<T>(work: () => Promise<T>): Promise<T>;
}

let current: Inside | undefined;

/** The run of the code that calls, if it is known. */
export function insideRun(): Inside | undefined {
  return current;
}

/** Runs `work` as code of the run. */
export function inside<T>(run: Inside, work: () => T): T {
  const before = current;
  current = run;
  try {
    return work();
  } finally {
    current = before;
  }
}

/** The same promise, whose continuation is known to be code of the run. */
export function givenTo<T>(run: Inside, promise: Promise<T>): Promise<T> {
  return new PromiseClass((resolve, reject) => {
    // What waits for the promise runs in the next microtask, and what is said here behind it in the one after.
    const followed = () => {
      current = run;
      afterwards(() => (current = undefined));
    };
    then(
      promise,
      (value) => (resolve(value), followed()),
      (fault) => (reject(fault), followed()),
    );
  });
}
