/**
 * Replays: whether a runner still fits a log that was recorded with another version of its code.
 *
 * The process is imported into a world of its own, without what ended it, and run there: what the runner asks for is answered from the log, by the very
 * code that does so in an app. The function of a step is never called, and no time passes. So the run comes to rest where the log ends, or where the two differ.
 */
import { isDeepStrictEqual } from "node:util";
import type { Implementation, Json, ProcessAwaitOutput, RunContext } from "../types/public.js";
import type { RecordedLog, ReplayedProcess, ReplayOptions, ReplayReport, TestWorld } from "../types/testing.js";
import type { Mocks } from "./mocks.js";
import type { Pump } from "./pump.js";
import { type Recorded, recordedIn, waitKey } from "./recorded.js";
import { invalid } from "./span.js";

/** Makes a world for a replay. */
export type Scratch = (processes: Implementation[], startMs: number) => Promise<{ world: TestWorld; pump: Pump }>;

/** What `world.replay()` does. `patienceMs`: how long the code of a run may take in real time. */
export async function replay(
  scratch: Scratch,
  mocks: Mocks,
  log: RecordedLog,
  implementation: Implementation,
  { input = null, timeoutMs }: Required<Pick<ReplayOptions, "timeoutMs">> & ReplayOptions,
): Promise<ReplayReport> {
  const { kind, run } = Object(implementation) as Implementation;
  if (typeof run !== "function") throw invalid("world.replay: the implementation must be what definition.implement() gives");
  const { world } = await scratch([], 0);
  const all = await recordedIn(log, world.registry, kind, input as Json).finally(() => world.close());
  const processes: ReplayedProcess[] = [];
  for (const one of all) if (one.kind === kind) processes.push(await replayed(scratch, mocks, one, all, run, timeoutMs));
  if (processes.length === 0) throw invalid(`world.replay: the log has no process of kind "${kind}"`);
  return { fits: processes.every(({ fits }) => fits), lines: processes.flatMap(({ lines }) => lines), processes };
}

async function replayed(
  scratch: Scratch,
  mocks: Mocks,
  process: Recorded,
  all: readonly Recorded[],
  run: Implementation["run"],
  timeoutMs: number,
): Promise<ReplayedProcess> {
  const asked = new Asked(process, mocks);
  const { kind, version, id } = process;
  const work: Implementation = {
    kind,
    ...(version !== undefined && { version }),
    run: (context) => (context.process.id === id ? asked.follow(run, context, () => pump.park(id)) : new Promise(() => {})),
  };
  const { world, pump } = await scratch([work], process.updatedAtMs + 1);
  try {
    // What it waits for may be among what was exported.
    const others = all.filter((other) => other !== process && (other.parentId === id || process.processes.has(other.id)));
    for (const text of [...others.map(({ whole }) => whole), process.begun]) await world.registry.importProcesses(lines(text));
    const tab = await world.tab();
    const isAtRest = await pump.rested(timeoutMs);
    const record = await world.registry.getProcess(id);
    tab.crash();
    const found = asked.misfits();
    if (!isAtRest) found.push(`its code has not come to rest within ${timeoutMs} ms, outside of a step`);
    return {
      processId: id,
      fits: found.length === 0,
      lines: found.map((line) => `"${id}": ${line}`),
      ...asked.standsAt(record?.wait !== undefined),
    };
  } finally {
    await world.close().catch(() => {});
  }
}

async function* lines(text: string): AsyncGenerator<string> {
  yield text;
}

/** What a run asked for, and how it ended if it did. */
class Asked {
  readonly #steps = new Set<string>();
  readonly #timers = new Set<string>();
  readonly #signals = new Set<string>();
  readonly #processes = new Set<string>();
  readonly #ordinals = new Map<string, number>();
  /** The steps whose functions would have been called. */
  readonly #parked: string[] = [];
  #began = false;
  #end: { returned: unknown } | { threw: unknown } | undefined;

  constructor(
    private readonly log: Recorded,
    private readonly mocks: Mocks,
  ) {}

  /** Runs the runner, and notes what it asks for. `park()`: the function of a step would be called. */
  async follow(run: Implementation["run"], context: RunContext, park: () => void): Promise<Json> {
    // Another attempt: how the first one ended is known.
    if (this.#began) return new Promise(() => (park(), undefined));
    this.#began = true;
    const noting =
      <G extends unknown[], A>(note: (...given: G) => void, call: (...given: G) => A) =>
      (...given: G): A => (note(...given), call(...given));
    const step = (key: string, _: unknown, ...options: []) => {
      this.#steps.add(key);
      const hang = () => {
        this.#parked.push(key);
        park();
        return new Promise<never>(() => {});
      };
      if (this.log.steps.has(key)) return context.step(key, hang, ...options);
      const mock = this.mocks.mockOf(this.log.kind, key);
      return mock === undefined ? hang() : context.step(key, (step) => mock(step, hang), ...options);
    };
    const startChild = async (...given: [never, never]) => {
      const handle = await context.startChild(...given);
      this.#processes.add(handle.id);
      return handle;
    };
    const waits = (names: string | readonly string[]) => {
      const list = typeof names === "string" ? [names] : names;
      const before = this.#ordinals.get(waitKey(list, 0)) ?? 0;
      this.#ordinals.set(waitKey(list, 0), before + 1);
      this.#signals.add(waitKey(list, before + 1));
    };
    const watched = {
      ...context,
      step,
      startChild,
      sleep: noting((key) => this.#timers.add(key), context.sleep),
      sleepUntil: noting((key) => this.#timers.add(key), context.sleepUntil),
      waitForSignal: noting(waits, context.waitForSignal as (names: string | readonly string[], ...more: unknown[]) => unknown),
      awaitTerminal: noting((id) => this.#processes.add(id), context.awaitTerminal),
    };
    try {
      const returned = await run(Object.freeze(watched) as unknown as RunContext & { readonly input: never });
      this.#end = { returned };
      return returned as Json;
    } catch (threw) {
      this.#end = { threw };
      throw threw;
    }
  }

  /** In what the run and the log differ, in words. */
  misfits(): string[] {
    const { log } = this;
    const [steps, timers] = [missing(log.steps, this.#steps), missing(log.timers, this.#timers)];
    const [signals, processes] = [missing(log.signals, this.#signals), missing(log.processes, this.#processes)];
    const unasked = [
      ...steps.map((key) => `the step "${key}"`),
      ...timers.map((key) => `the timer "${key}"`),
      ...signals.map((key) => `the ${words(key)}`),
      ...processes.map((id) => `the end of "${id}"`),
    ];
    const isBeyond = log.end === undefined && unasked.length === 0;
    // Where the log has not ended, and all that it has was asked for, what is new comes behind it.
    const asked = isBeyond
      ? []
      : [
          ...missing(this.#steps, log.steps).map(
            (key) => `the step "${key}", which the log has ${insteadOf(log.timers.has(key), "as a timer")}`,
          ),
          ...missing(this.#timers, log.timers).map(
            (key) => `the timer "${key}", which the log has ${insteadOf(log.steps.has(key), "as a step")}`,
          ),
          ...missing(this.#signals, log.signals).map((key) => `the ${words(key)}, which the log has not`),
        ];
    return [
      ...(this.#began ? [] : ["was not begun"]),
      ...asked.map((what) => `asks for ${what}`),
      ...unasked.map((what) => `does not ask for ${what}, which the log has`),
      ...this.#endMisfit(),
    ];
  }

  #endMisfit(): string[] {
    const { end } = this.log;
    if (this.#end === undefined || end === undefined)
      return this.#end !== undefined && "threw" in this.#end ? [`throws ${message(this.#end.threw)}`] : [];
    if ("threw" in this.#end) {
      const isSame = end.type === "failure" && end.message === Object(this.#end.threw).message;
      return isSame || end.type === "cancelled" ? [] : [`throws ${message(this.#end.threw)}, and the log ends with ${ending(end)}`];
    }
    const returned: unknown = this.#end.returned === undefined ? null : JSON.parse(JSON.stringify(this.#end.returned));
    const isSame = end.type === "success" && isDeepStrictEqual(returned, end.value);
    return isSame || end.type === "cancelled" ? [] : [`returns ${shown(returned)}, and the log ends with ${ending(end)}`];
  }

  /** Where the run came to rest. */
  standsAt(waits: boolean): Pick<ReplayedProcess, "standsAt"> {
    if (this.#end !== undefined) return { standsAt: "threw" in this.#end ? "threw" : "returned" };
    const [step] = this.#parked;
    return { standsAt: step !== undefined ? `step ${step}` : waits ? "waits" : "runs" };
  }
}

const missing = (of: ReadonlySet<string>, there: ReadonlySet<string>) => [...of].filter((key) => !there.has(key));

const insteadOf = (is: boolean, words: string) => (is ? words : "not");

/** The key of a wait, in words. */
function words(key: string): string {
  const place = key.lastIndexOf("#");
  const ordinal = Number(key.slice(place + 1));
  return `${ordinal === 1 ? "" : `${ordinal}. `}wait for the signal "${key.slice(0, place)}"`;
}

const message = (error: unknown) => (error instanceof Error || Object(error).message ? `"${Object(error).message}"` : String(error));

const shown = (value: unknown) => {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

const ending = (end: ProcessAwaitOutput) => (end.type === "success" ? shown(end.value) : `${end.type}: "${end.message}"`);
