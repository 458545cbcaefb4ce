/** A world: tabs over the same rows, the time that they share, and what a test asks of them. */
import { ProcessError } from "../entries/index.js";
import type { KitGlue } from "longwait:kit-glue";
import type { Instance, instantiate } from "../border/instance.js";
import { asyncDispose } from "../api/dispose.js";
import type { DriverOptions, Implementation, JsonLike, ProcessRecord } from "../types/public.js";
import type { ReplayOptions, TestTab, TestWorld, UntilOptions, WorldOptions } from "../types/testing.js";
import { kit } from "./kit.js";
import { Mocks } from "./mocks.js";
import { late, Pump } from "./pump.js";
import type { RawWorld } from "./raw.js";
import { replay } from "./replay.js";
import { described, isFor } from "./report.js";
import { invalid, spanMs, timeMs } from "./span.js";
import { type Around, openTab } from "./tab.js";

/** How long something may take in real time until it is given up: less than the 5 s after which Vitest and Jest end a test without a reason. */
const PATIENCE_MS = 4_000;

/** What `createTestWorld()` does; with what moves the world. */
export async function createWorld(given: WorldOptions): Promise<{ world: TestWorld; pump: Pump }> {
  const { processes, runners, seed = 1, start = Date.now(), driver = {}, autoAdvance = true, sink, retention } = checked(given);
  const startMs = timeMs(start, "options.start");
  const driving: DriverOptions<JsonLike> = { ...driver, ...(processes && { processes }), ...(runners && { runners }) };
  const ofTab = { ...(sink && { sink }), ...(retention && { retention }) };
  const mocks = new Mocks();
  const tabs: TestTab[] = [];
  let made: { instance: Instance<KitGlue>; raw: RawWorld; pump: Pump } | undefined;
  let closing: Promise<void> | undefined;

  async function begun(make: typeof instantiate) {
    if (made !== undefined) return made;
    const instance = await kit(make);
    const pump: Pump = new Pump(instance, () => raw, autoAdvance);
    const raw = instance.now(() => new instance.glue.TestWorld(seed, startMs, pump.call));
    return (made = { instance, raw, pump });
  }

  const around: Around = {
    mocks,
    async place(make) {
      const { instance, raw, pump } = await begun(make);
      return { instance, pump, raw: instance.now(() => raw.openTab()) };
    },
  };

  /** The world of the WebAssembly, while there is one. */
  function live() {
    if (closing !== undefined || made === undefined) throw new ProcessError("this world is closed", { code: "closed" });
    return made;
  }

  const where = () => {
    const { instance, raw, pump } = made!;
    return described(
      instance.now(() => raw.running()),
      pump,
      tabs,
    );
  };
  const withSeed = (message: string) => `${message}\n(seed ${seed})`;

  function until<T>(
    find: (process: (id: string) => ProcessRecord | undefined) => T | undefined,
    stuck: () => T,
    what: string,
    limitMs: number,
  ) {
    const { instance, raw, pump } = live();
    const process = (id: string) => instance.now(() => raw.process(id));
    const notYet = () => late(withSeed(`${what}: not within ${limitMs} ms. In the world stand\n${where()}`));
    return pump.until(() => find(process), stuck, limitMs, notYet);
  }

  async function close(): Promise<void> {
    const { instance, raw, pump } = made!;
    for (const tab of tabs) if (tab.state === "frozen") tab.crash();
    await Promise.all([...tabs, own].map((tab) => tab.close()));
    const left = [...pump.runs].filter((run) => tabs.find(({ name }) => name === run.tab)?.state === "closed");
    pump.close();
    if (!instance.isDead()) raw.free();
    const leaks = left.map(
      ({ processId, tab, steps: [step] }) =>
        `the code of the run of "${processId}" in ${tab} has not returned, ${step === undefined ? "outside of a step" : `in its step "${step}"`}: it should heed the run's signal`,
    );
    const unused = mocks.unused().map((step) => `world.mockStep: no run asked for the step ${step}`);
    if (leaks.length + unused.length === 0) return;
    const code = leaks.length > 0 ? "timeout" : "invalid_argument";
    throw new ProcessError(withSeed([...leaks, ...unused].join("\n")), { code });
  }

  const own = await openTab("test", around, {});
  const world: TestWorld = {
    seed,
    get registry() {
      return own.registry;
    },
    async tab() {
      live();
      const tab = await openTab(`tab-${tabs.length + 1}`, around, ofTab, driving);
      tabs.push(tab);
      return tab;
    },
    clock: Object.freeze({
      now: () => live().pump.now(),
      async advance(span: number | string) {
        await live().pump.advance(spanMs(span, "span"));
      },
    }),
    partition: () => isolate(true),
    heal: () => isolate(false),
    mockStep: (step, given) => (live(), mocks.add(step, given)),
    async untilWaiting(id, name, { timeoutMs = PATIENCE_MS }: UntilOptions = {}) {
      const what = `"${id}" ${name === undefined ? "waits" : `waits for "${name}"`}`;
      const find = (process: (id: string) => ProcessRecord | undefined) => {
        const record = process(id);
        if (record === undefined)
          throw new ProcessError(`world.untilWaiting: there is no process "${id}"`, { code: "unknown_process", processId: id });
        const { state } = record.status;
        if (state !== "running")
          throw new ProcessError(`world.untilWaiting: "${id}" is ${state} and waits for nothing`, {
            code: "already_terminal",
            processId: id,
          });
        return record.wait && isFor(record.wait, name) ? record : undefined;
      };
      const stuck = () => {
        throw late(withSeed(`world.untilWaiting: that ${what} will not come by itself. In the world stand\n${where()}`));
      };
      return until(find, stuck, `world.untilWaiting: that ${what}`, timeoutMs);
    },
    async untilIdle({ timeoutMs = PATIENCE_MS }: UntilOptions = {}) {
      await until(
        () => undefined,
        () => true,
        "world.untilIdle",
        timeoutMs,
      );
    },
    async replay(log, implementation, { input, timeoutMs = PATIENCE_MS }: ReplayOptions = {}) {
      live();
      const scratch = (processes: Implementation[], start: number) =>
        createWorld({ processes, start, seed, driver: { concurrency: 1, onRunError() {} } });
      return replay(scratch, mocks, log, implementation, { timeoutMs, ...(input !== undefined && { input }) });
    },
    close: () => (closing ??= close()),
    [asyncDispose]: () => world.close(),
  };

  function isolate(isPartitioned: boolean): void {
    const { instance, raw } = live();
    instance.now(() => raw.partition(isPartitioned));
  }

  return { world: Object.freeze(world), pump: live().pump };
}

/** That of the environment, or 1: a world does the same in every run, unless a test wants another one. */
function seedOfProgram(): number {
  const given = globalThis.process?.env.LONGWAIT_SEED;
  return given === undefined ? 1 : Number(given);
}

const KNOWN: ReadonlySet<string> = new Set(["processes", "runners", "seed", "start", "driver", "autoAdvance", "sink", "retention"]);

function checked(given: WorldOptions): WorldOptions {
  if (typeof given !== "object" || given === null) throw invalid("options: must be an object");
  const unknown = Object.keys(given).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw invalid(`options.${unknown}: is unknown`);
  const { processes, runners, seed = seedOfProgram(), autoAdvance = true } = given;
  if (processes === undefined && runners === undefined) throw invalid("options: need processes or runners, which tabs run");
  if (!Number.isSafeInteger(seed) || seed < 0) throw invalid("options.seed: must be a whole number from 0");
  if (typeof autoAdvance !== "boolean") throw invalid("options.autoAdvance: must be a boolean");
  return { ...given, seed };
}
