/** One run of a process: what its runner is given, and what becomes of what it returns or throws. */
import { WAIT } from "./awaiter.js";
import { call } from "./call.js";
import { callback, id, isBlank, json, options, shape, SHAPES, text } from "./check.js";
import { ProcessError } from "./errors.js";
import type { Attach, RawRun, RunProcess } from "./raw.js";
import type { DriverOptions, FailureClass, Json, ProcessAwaitOutput, RunContext, WaitOptions } from "./types.js";
import { loadValidator } from "./validator.js";

/** What runs a process, by its kind. */
export type Runners = Map<string, (context: RunContext) => unknown>;

/** Runs processes with these. */
export function runWith(runners: Runners, attach: DriverOptions["attach"]): RunProcess {
  return async (kind, raw) => {
    const { context, outcome, end } = run(raw, attach);
    try {
      // The end of the run is written by the wasm, which cannot wait for the validator.
      if (context.process.eventTypes.some(({ payloadSchema }) => payloadSchema !== undefined)) await loadValidator();
      const value = await runners.get(kind)?.(context);
      return JSON.stringify({ type: "success", value: json(value === undefined ? null : value, "what the runner returned") });
    } catch (error) {
      return JSON.stringify(outcome(error));
    } finally {
      end();
    }
  };
}

/** The context, of functions that may be taken apart; how the run ends with something thrown; and the end of all this. */
function run(wasm: RawRun, attach: DriverOptions["attach"]) {
  const abort = new AbortController();
  const { signal } = abort;
  let raw: RawRun | undefined = wasm;
  let cancelled = false;
  raw.onAbort((code, message) => {
    cancelled = code === undefined;
    abort.abort(cancelled ? new DOMException(message ?? "the process was asked to stop", "AbortError") : new ProcessError(message, { code }));
  });

  /** The wasm's side of the run, as long as it lasts. */
  function live(): RawRun {
    if (raw === undefined) throw new ProcessError("the run is over", { code: "lease_lost", processId: context.process.id });
    return raw;
  }

  /** A wait that ends with the run, and then says why. */
  async function whileOn<T>(own: AbortSignal | undefined, wait: () => Promise<T>): Promise<T> {
    try {
      return await call(wait);
    } catch (error) {
      throw signal.aborted && !own?.aborted ? signal.reason : error;
    }
  }

  const context: RunContext = Object.freeze({
    ...raw.facts(),
    signal,
    append: (request) => call(() => live().append(JSON.stringify(shape(request, "request", SHAPES.append)))),
    step: ((key, work) =>
      carried(
        async () => {
          const value = await work();
          return value === undefined ? undefined : JSON.stringify(json(value, "what the step returned"));
        },
        (record) => call(() => (callback(work, "run"), live().step(id(key, "key"), record))),
      )) as RunContext["step"],
    async waitForSignal(name, given) {
      const { signal: own, timeoutMs } = options<WaitOptions>(given, "options", WAIT);
      return whileOn(own, () => live().wait(own, timeoutMs, undefined, "waitForSignal", text(name, "name")));
    },
    async awaitTerminal(processId, given) {
      const waiting = options<WaitOptions>(given, "options", WAIT);
      const { signal: own, timeoutMs } = waiting;
      return attached(attach, waiting, (owner) =>
        whileOn(own, () => live().wait(own, timeoutMs, owner, "awaitTerminal", id(processId, "processId"))),
      );
    },
  } satisfies RunContext);

  return {
    context,
    outcome: (error: unknown) => (cancelled && isAbort(error, signal) ? stopped(signal) : failed(error)),
    end() {
      raw = undefined;
      wasm.free();
    },
  };
}

/** Passes a callback through the wasm. What it throws comes out as it was thrown. */
async function carried<G extends unknown[], A, T>(callback: (...given: G) => Promise<A>, through: (passed: typeof callback) => Promise<T>): Promise<T> {
  let thrown: { error: unknown } | undefined;
  try {
    return await through(async (...given) => {
      try {
        return await callback(...given);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    });
  } catch (error) {
    throw thrown === undefined ? error : thrown.error;
  }
}

/** Runs a wait for the end of a process: where an engine owns those, with it. */
export function attached<T>(owner: DriverOptions["attach"], waiting: WaitOptions, wait: (attach: Attach) => Promise<T>): Promise<T> {
  if (owner === undefined) return wait(undefined);
  const answer = async (processId: string) => JSON.stringify(shape(await owner.awaitTerminal(processId, waiting), "what attach answered", SHAPES.output));
  return carried(answer, wait);
}

// ── Ends ────────────────────────────────────────────────────────────────────

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || read(error, "name") === "AbortError";
}

function stopped(signal: AbortSignal): ProcessAwaitOutput {
  return { type: "cancelled", message: (signal.reason as Error).message };
}

const CLASSES: FailureClass[] = [
  "invalid_request", "unavailable", "permission_denied", "timeout", "execution", "external", "resource_limit", "internal",
];

function failed(error: unknown): ProcessAwaitOutput {
  const given = read(error, "class");
  const raw = asJson(error);
  return {
    type: "failure",
    class: CLASSES.find((known) => known === given) ?? "execution",
    code: read(error, "code") ?? "process_failed",
    message: read(error, "message") ?? words(error),
    ...(raw !== undefined && { raw }),
  };
}

/** What was thrown may be anything, and answer anything: what cannot be read is not there. */
function read(error: unknown, name: string): string | undefined {
  try {
    const value: unknown = (error as Record<string, unknown> | null | undefined)?.[name];
    return typeof value === "string" && !isBlank(value) ? text(value, name) : undefined;
  } catch {
    return undefined;
  }
}

function words(error: unknown): string {
  try {
    return text(String(error), "error");
  } catch {
    return "the runner threw what cannot be put into words";
  }
}

/** What was thrown, where it is plain data rather than an error. */
function asJson(error: unknown): Json | undefined {
  try {
    return json(error, "error");
  } catch {
    return undefined;
  }
}
