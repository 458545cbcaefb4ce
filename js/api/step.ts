/** Steps of a run: calls the function of a step, as often as the WebAssembly asks for an attempt, and says what came of it. */
import { SHAPES } from "../border/arguments.js";
import { callback, id, optional, options, plain, timeout } from "../border/check.js";
import { inside, type Inside } from "../border/inside.js";
import type { RawRun, RunEnd, StepEnd } from "../border/raw.js";
import { json, shape } from "../border/shapes.js";
import { PromiseClass, then } from "../platform/intrinsics.js";
import { invalidArgument, isProcessError } from "../types/errors.js";
import type { Json, StepContext, StepOptions } from "../types/public.js";
import { adviceOf, failure, recorded } from "./outcome.js";
import { troubleIn } from "./trouble.js";

/** What steps need of their run. */
export interface StepsOf {
  readonly identity: Inside & { readonly processId: string };
  readonly signal: AbortSignal;
  readonly timer: RawRun["timer"];
  /** Runs a call of the WebAssembly. */
  through<T>(work: (raw: RawRun) => Promise<T>): Promise<T>;
}

type Step = (key: string, run: (step: StepContext) => unknown, given?: StepOptions) => Promise<Json | undefined>;

/** The steps of one run; and what refuses a call that the function of a step makes before it has returned. */
export function stepsOf(run: StepsOf): { step: Step; notInStep: (name: string) => void } {
  let onStack: string | undefined;
  const notInStep = (name: string) => {
    if (onStack === undefined) return;
    throw invalidArgument(`${name} is called inside of step \`${onStack}\`: call it before or after the step`);
  };

  async function step(key: string, work: (step: StepContext) => unknown, given?: StepOptions) {
    notInStep("a step");
    callback(work, "run");
    const { retry, timeoutMs } = options<StepOptions>(given, "options", { retry: optional(retryPolicy), timeoutMs: timeout } as never);
    const { shouldRetry, ...policy } = retry ?? { shouldRetry: undefined };
    /** What was thrown by the last attempt, and whether that is what the step rejects with, without a record. */
    let thrown: { error: unknown; escapes: boolean } | undefined;
    const once = async (attempt: number, idempotencyKey: string): Promise<StepEnd> => {
      thrown = undefined;
      const called = (signal: AbortSignal) =>
        inside(run.identity, () => {
          const before = onStack;
          onStack = key;
          try {
            return work(Object.freeze({ signal, attempt, idempotencyKey }));
          } finally {
            onStack = before;
          }
        });
      let returned = false;
      try {
        const value = await bounded(run, timeoutMs, called);
        returned = true;
        return value === undefined ? {} : { value: json(value, "what the step returned") };
      } catch (error) {
        const escapes = retry === undefined || returned || run.signal.aborted || troubleIn(error, run.identity.processId) !== undefined;
        thrown = { error, escapes };
        if (escapes) throw error;
        return { output: failure(error), ...advice(error, shouldRetry) };
      }
    };
    let end: StepEnd;
    try {
      end = await run.through((raw) => raw.step(id(key, "key"), retry && shape(policy, "options.retry", SHAPES.retry), once));
    } catch (error) {
      if (thrown?.escapes) throw thrown.error;
      // The wait for the next attempt ended with the run.
      throw run.signal.aborted && isProcessError(error, "closed") ? run.signal.reason : error;
    }
    if (end.output === undefined) return end.value;
    throw recorded(end.output, thrown);
  }

  return { step, notInStep };
}

/** What an error says of another attempt; `shouldRetry` is asked where its type says nothing. */
function advice(error: unknown, shouldRetry: ((error: unknown) => boolean) | undefined): Pick<RunEnd, "advice" | "retryAfterMs"> {
  const given = adviceOf(error);
  return given.advice === "policy" && shouldRetry !== undefined && !shouldRetry(error) ? { advice: "never" } : given;
}

/** The policy of a step: that of the WebAssembly, and a function that stays here. */
function retryPolicy(value: unknown, name: string): NonNullable<StepOptions["retry"]> {
  const given = plain(value, name) as NonNullable<StepOptions["retry"]>;
  const { shouldRetry, ...policy } = { shouldRetry: undefined, ...given };
  if (shouldRetry !== undefined) callback(shouldRetry, `${name}.shouldRetry`);
  return { shouldRetry, ...(shape(policy, name, SHAPES.retry) as object) } as NonNullable<StepOptions["retry"]>;
}

/** The longest span of a browser's timer. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Calls `work` with a signal that is aborted with that of the run, and with a `TimeoutError` when the limit passes. Then it rejects with
 * that, whether or not the work heeds the signal.
 */
async function bounded<T>(
  { signal, timer }: Pick<StepsOf, "signal" | "timer">,
  limitMs: number | undefined,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const stop = () => abort.abort(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop);
  let clear = () => {};
  try {
    if (limitMs === undefined) return await work(abort.signal);
    return await new PromiseClass<T>((resolve, reject) => {
      const passes = () => {
        const late = new DOMException(`the attempt took longer than ${limitMs} ms`, "TimeoutError");
        abort.abort(late);
        reject(late);
      };
      const within = (leftMs: number) => {
        clear = timer(() => (leftMs > LONGEST_MS ? within(leftMs - LONGEST_MS) : passes()), Math.min(leftMs, LONGEST_MS));
      };
      within(limitMs);
      then((async () => work(abort.signal))(), (value) => resolve(value as T), reject);
    });
  } finally {
    clear();
    signal.removeEventListener("abort", stop);
  }
}
