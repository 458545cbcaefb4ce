/**
 * One instance of the WebAssembly: the one door into it, and the one register of what it owes.
 *
 * A trap leaves an instance in pieces: memory used up, or an exception that crossed its frames. Each way in passes through
 * `inward`: calls, and what the instance was called back by: microtasks, timers, events, transactions. So a trap is noticed
 * wherever it comes up. From then on nothing enters the instance any more; all that it owes rejects with `internal`; what it
 * held of the browser is let go of; and the next `openRegistry` loads another one.
 */
/// <reference path="../platform/glue.d.ts" />
import glue, { type Glue, type MakeGlue } from "longwait:glue";
import { reportError, warn } from "../platform/report.js";
import { type ProcessError, type ProcessErrorCode, raise } from "../types/errors.js";
import { globals } from "../platform/globals.js";
import { afterwards, apply, isArray, keys, PromiseClass, then, uncurried } from "../platform/intrinsics.js";
import { platform } from "../platform/imports.js";
import { compileSchema, loadValidator } from "../schema/validator.js";
import { timer } from "../platform/timer.js";

export interface Instance<G extends Glue = Glue> {
  /** What it exports. */
  readonly glue: G;
  /** Calls `work` once after a span, unless what is given back was called before. */
  timer(work: () => void, spanMs: number): () => void;
  /** Whether it trapped. */
  isDead(): boolean;
  /** The error of a call once it did. */
  fault(): ProcessError;
  /**
   * The promise of a call. Rejects with a ProcessError and with nothing else; when the instance traps, as {@link isTrap} knows.
   * `kept` is kept from the collector until it settles.
   */
  owed<T>(work: () => Promise<T>, kept?: unknown): Promise<T>;
  /** The answer of a call that needs no promise. */
  now<T>(work: () => T): T;
  /**
   * Calls `end` when the instance traps, and keeps `kept` from the collector, until the function that is given back is called.
   */
  enter(end: (fault: ProcessError) => void, kept?: unknown): () => void;
  /** A fault as the WebAssembly hands it over, as what callers see. */
  errorOf(fault: unknown): unknown;
}

/** What is owed or held, or only kept, until it is taken off the register. */
interface Entry {
  readonly end: (fault: ProcessError) => void;
  readonly kept: unknown;
}

const prototype: Set<Entry> = Set.prototype;
const [add, remove, each] = [uncurried(prototype.add), uncurried(prototype.delete), uncurried(prototype.forEach)];

const traps = new WeakSet<object>();

/** Whether an error says that an instance trapped. */
export function isTrap(error: unknown): error is ProcessError {
  return typeof error === "object" && error !== null && traps.has(error);
}

/** What an export answers once its instance is dead: no field of it, and 0 as a number. */
const NOTHING: never[] = [];

/** Makes an instance of a compiled module, by its glue; rejects where it is not that of this package. */
export async function instantiate<G extends Glue = Glue>(module: WebAssembly.Module, make = glue as MakeGlue<G>): Promise<Instance<G>> {
  const { WebAssembly } = globalThis;
  const register = new Set<Entry>();
  let death: string | undefined;

  function die(thrown: unknown): void {
    if (death !== undefined) return;
    death = words(thrown);
    // Not now: frames of the instance may still be on the stack, and an error made above them leads to its memory.
    afterwards(() => {
      const error = fault();
      each(register, (entry) => {
        remove(register, entry);
        entry.end(error);
      });
      reportError(error);
    });
  }

  // What was thrown is named by words alone: the error itself leads to the memory of the instance.
  function fault(): ProcessError {
    const error = raise(`the WebAssembly of longwait stopped (${death}), most likely because its memory is used up`, { code: "internal" });
    traps.add(error);
    return error;
  }

  type Function = (this: unknown, ...given: unknown[]) => unknown;

  /** An export. Whatever is thrown out of it is a trap: it answers errors by values. */
  const inward =
    (work: Function): Function =>
    (...given) => {
      if (death !== undefined) return NOTHING;
      try {
        return apply(work, undefined, given);
      } catch (thrown) {
        die(thrown);
        return NOTHING;
      }
    };

  /** An import. Where the instance trapped in a call from within it, the frames below must not go on. */
  const outward =
    (work: Function): Function =>
    (...given) => {
      const answer = apply(work, undefined, given);
      if (death !== undefined) throw death;
      return answer;
    };

  function wrapped(functions: object, wrap: (work: Function) => Function): Record<string, unknown> {
    const all: Record<string, unknown> = { __proto__: null };
    const names = keys(functions);
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      const value: unknown = (functions as Record<string, unknown>)[name];
      all[name] = typeof value === "function" ? wrap(value as Function) : value;
    }
    return all;
  }

  async function instantiated(module: WebAssembly.Module, imports: Record<string, object>) {
    const guarded: WebAssembly.Imports = {};
    for (const name of keys(imports)) guarded[name] = wrapped(imports[name] as object, outward) as WebAssembly.ModuleImports;
    const { exports } = await WebAssembly.instantiate(module, guarded);
    return { module, instance: { exports: wrapped(exports, inward) } };
  }

  function errorOf(given: unknown): unknown {
    if (!isArray(given)) return given;
    const code = given[0] as ProcessErrorCode;
    return raise(given[1] as string, { code, processId: given[2] as string | undefined, cause: given[3] });
  }

  function enter(end: Entry["end"], kept?: unknown): () => void {
    const entry = { end, kept };
    add(register, entry);
    return () => void remove(register, entry);
  }

  const bound = make({
    ...globals(enter),
    WebAssembly: { Instance: class {}, Module: WebAssembly.Module, instantiate: instantiated },
    require: platform(enter),
  });
  await bound.default({ module_or_path: module });
  bound.install({
    compileSchema,
    loadValidator,
    reportError: (given: unknown) => afterwards(() => reportError(errorOf(given))),
    warn: (message: string) => afterwards(() => warn(message)),
  });
  if (death !== undefined) throw new Error(death);

  return {
    glue: bound,
    timer,
    isDead: () => death !== undefined,
    fault,
    errorOf,
    enter,
    owed(work, kept) {
      return new PromiseClass((resolve, reject) => {
        if (death !== undefined) return reject(fault());
        const paid = enter(reject, kept);
        try {
          const promise = work();
          // If it trapped just now, what it answered is no promise, and this one rejects with all the others.
          if (death !== undefined) return;
          then(
            promise,
            (value) => (paid(), resolve(value)),
            (given: unknown) => (paid(), reject(errorOf(given))),
          );
        } catch (given) {
          paid();
          reject(errorOf(given));
        }
      });
    },
    now(work) {
      if (death !== undefined) throw fault();
      try {
        const answer = work();
        if (death === undefined) return answer;
      } catch (given) {
        throw errorOf(given);
      }
      throw fault();
    },
  };
}

/** Name and message of what was thrown. Its stack is left alone: reading it would show the page the frames of the instance. */
function words(thrown: unknown): string {
  try {
    const { name, message } = thrown as Error;
    return `${name}: ${message}`;
  } catch {
    return "an exception";
  }
}
