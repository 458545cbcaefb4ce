/** What the code of a run is doing: waiting for longwait alone, or something else. */
import type { RunProcess, WasmRun } from "../border/raw.js";
import type { InTab, Pump } from "./pump.js";

/** A run whose runner was called and has not returned. */
export interface Running extends InTab {
  readonly tab: string;
  readonly processId: string;
  readonly kind: string;
  readonly attempt: number;
  /** How many calls of its context have no answer yet. */
  calls: number;
  /** The keys of the steps whose functions are under way. */
  readonly steps: string[];
  /** Whether it waits for a step that is not to be run. */
  isParked: boolean;
}

/** Whether it is in user code: in the function of a step, or between two calls of its context. */
export const isInCode = (run: Running): boolean => !run.isParked && (run.steps.length > 0 || run.calls === 0);

/** What of a run is no call that user code waits for. */
const APART: ReadonlySet<unknown> = new Set(["facts", "onAbort", "began", "free"]);

/** Follows what each run does that `run` is called for. */
export function followed(run: (kind: string, run: WasmRun) => ReturnType<RunProcess>, tab: string, inTab: InTab, pump: Pump): typeof run {
  return async (kind, wasm) => {
    await undefined; // No frame of the WebAssembly is on the stack now.
    const { process, attempt } = wasm.facts();
    const running: Running = { ...inTab, tab, processId: process.id, kind, attempt, calls: 0, steps: [], isParked: false };
    pump.runs.add(running);
    try {
      return await run(kind, counted(wasm, running, pump));
    } finally {
      pump.runs.delete(running);
      pump.call();
    }
  };
}

/** The run, whose calls are counted. */
function counted(wasm: WasmRun, running: Running, pump: Pump): WasmRun {
  const answered = <T>(promise: Promise<T>): Promise<T> => {
    running.calls += 1;
    const over = () => void (running.calls -= 1);
    promise.then(over, over);
    return promise;
  };
  const step: WasmRun["step"] = (key, retry, work) =>
    wasm.step(key, retry, async (attempt, idempotencyKey) => {
      running.steps.push(key);
      try {
        return await work(attempt, idempotencyKey);
      } finally {
        running.steps.splice(running.steps.indexOf(key), 1);
        pump.call();
      }
    });
  return new Proxy(wasm, {
    get(target, name) {
      const method: unknown = name === "step" ? step : Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...given: unknown[]) => {
        const answer: unknown = Reflect.apply(method, target, given);
        return APART.has(name) ? answer : answered(answer as Promise<unknown>);
      };
    },
  });
}
