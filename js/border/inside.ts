/**
 * Which run the code that is running now belongs to, where that can be known: while its runner or the work of a step is on
 * the stack, and right behind the promises that it was given by calls of longwait. Behind other promises it is not known.
 *
 * With it a call is refused, or helped, that would wait for the very run that waits for it.
 */
import { afterwards, PromiseClass, then } from "../platform/intrinsics.js";

/** What is to be known of a run, or of a call that a host was asked for instead. */
export interface Inside {
  /** For a refusal: what would wait for itself. */
  readonly name: string;
  /** The process of the run. */
  readonly processId?: string;
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

/** A promise that settles as `promise` does, and whose continuation is marked as code of the run. */
export function givenTo<T>(run: Inside, promise: Promise<T>): Promise<T> {
  return new PromiseClass((resolve, reject) => {
    // Three microtasks in a row: this one, what waits for the promise, and the last one. None of another run comes between.
    const followed = (settle: () => void) => {
      afterwards(() => (current = run));
      settle();
      afterwards(() => (current = undefined));
    };
    then(
      promise,
      (value) => followed(() => resolve(value)),
      (fault) => followed(() => reject(fault)),
    );
  });
}

/** Like `givenTo`, for the run whose code is on the stack; outside of a run, `promise` itself. */
export function givenBack<T>(promise: Promise<T>): Promise<T> {
  return current === undefined ? promise : givenTo(current, promise);
}
