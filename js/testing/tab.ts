/** One tab of a world: a registry of its own on an instance that all tabs share, and what a test does to it. */
import { openRegistry, ProcessError } from "../entries/index.js";
import { ELSEWHERE, type Elsewhere, type Opening } from "../border/elsewhere.js";
import type { Instance, instantiate } from "../border/instance.js";
import type { Opened, WasmChunks, WasmRegistry } from "../border/raw.js";
import { asyncDispose } from "../api/dispose.js";
import type { DriverOptions, JsonLike, OpenOptions, ProcessRegistry, ProcessWorkDriver } from "../types/public.js";
import type { TestTab } from "../types/testing.js";
import type { Mocks } from "./mocks.js";
import type { InTab, Pump } from "./pump.js";
import type { RawTab } from "./raw.js";
import { followed } from "./running.js";

/** What a tab needs of its world. */
export interface Around {
  readonly mocks: Mocks;
  /** Opens a tab, on an instance that is made so. */
  place(make: typeof instantiate): Promise<{ instance: Instance; raw: RawTab; pump: Pump }>;
}

/** How many turns the code of runs has for its end once their driver was stopped. */
const LAST_TURNS = 20;

type State = TestTab["state"];

type Options = Pick<OpenOptions, "sink" | "retention">;

/** Opens a tab; with a driver where that is given something to run. */
export async function openTab(name: string, around: Around, options: Options, driving?: DriverOptions<JsonLike>): Promise<TestTab> {
  let state: State = "running";
  let [tab, pump]: [RawTab?, Pump?] = [];
  let isOnline = true;
  const listeners = new Set<() => void>();
  const inTab: InTab = { isAwake: () => state === "running" };
  const place: Elsewhere = {
    async [ELSEWHERE](opening, make) {
      const placed = await around.place(make);
      ({ raw: tab, pump } = placed);
      return opened(placed, opening, name, inTab, () => state);
    },
  };
  const storage = place as unknown as "memory";
  const inner = await openRegistry({ ...options, storage, name: "test", owner: { ownerId: name } });
  const registry = around.mocks.of(inner);
  const onlineDetector = {
    isOnline: () => isOnline,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const driver = driving && registry.driver({ onlineDetector, ...driving });
  driver?.start();

  function setOnline(online: boolean): void {
    isOnline = online;
    listeners.forEach((listener) => listener());
    pump?.call();
  }

  function to(next: State, from: readonly State[]): void {
    if (!from.includes(state))
      throw new ProcessError(`${name} is ${state}`, { code: state === "closed" || state === "crashed" ? "closed" : "conflict" });
    state = next;
  }

  const has = <T>(thing: T): T => {
    if (state === "crashed" || state === "closed")
      throw new ProcessError(`${name} has ${state === "crashed" ? "crashed" : "been closed"}: use another tab, or world.registry`, {
        code: "closed",
      });
    return thing;
  };

  const made: TestTab = {
    name,
    get state() {
      return state;
    },
    get registry(): ProcessRegistry {
      return has(registry);
    },
    get driver(): ProcessWorkDriver {
      if (driver === undefined) throw new ProcessError(`${name} has no driver`, { code: "invalid_argument" });
      return has(driver);
    },
    crash() {
      to("crashed", ["running", "frozen"]);
      tab?.crash();
      pump?.call();
    },
    freeze() {
      to("frozen", ["running"]);
      tab?.freeze(true);
      pump?.call();
    },
    thaw() {
      to("running", ["frozen"]);
      tab?.freeze(false);
      pump?.thawed();
    },
    goOffline: () => setOnline(false),
    goOnline: () => setOnline(true),
    async close() {
      if (state === "closed" || state === "crashed") return;
      if (state === "frozen") made.thaw();
      await inner.close();
      for (let turn = 0; turn < LAST_TURNS && pump?.isRunning(name); turn++) await pump.turns(1);
      state = "closed";
      tab?.closed();
    },
    [asyncDispose]: () => made.close(),
  };
  return made;
}

type Placed = Awaited<ReturnType<Around["place"]>>;

/** The registry of a tab, as code that knows nothing of tabs has it. */
function opened({ instance, raw, pump }: Placed, opening: Opening, name: string, inTab: InTab, state: () => State): Opened {
  const { ownerId = name, sink, retention } = opening;
  const own = inside(instance, raw, pump, inTab, state);
  const wasm = own.now(() => raw.open(opening.name, ownerId, sink, retention));
  return { instance: own, wasm: watched(wasm, name, inTab, pump), drivers: [] };
}

/** The instance, as seen from a tab: calls are made in that tab, and those of a crashed one are never answered. */
function inside(instance: Instance, raw: RawTab, pump: Pump, inTab: InTab, state: () => State): Instance {
  const within = <T>(work: () => T): T => {
    raw.enter();
    try {
      return work();
    } finally {
      raw.leave();
    }
  };
  const isGone = () => state() === "crashed";
  return {
    ...instance,
    owed: (work, kept) => (isGone() ? new Promise(() => {}) : instance.owed(() => within(work), kept)),
    now: (work) => (isGone() ? (undefined as never) : instance.now(() => within(work))),
    timer: (work, spanMs) => pump.timer(work, spanMs, inTab),
  };
}

/** The registry, whose waits are counted, and whose runs are followed. */
function watched(registry: WasmRegistry, name: string, inTab: InTab, pump: Pump): WasmRegistry {
  const until = (limitMs: number | undefined) => ({ ...inTab, untilMs: limitMs === undefined ? undefined : pump.now() + limitMs });
  const wait = <T>(promise: Promise<T>, limitMs?: number) => pump.waited(promise, until(limitMs));
  const instead: Partial<WasmRegistry> = {
    awaitTerminal: (...given) => wait(registry.awaitTerminal(...given), given[2]),
    awaitEvent: (...given) => wait(registry.awaitEvent(...given), given[2]),
    // Without an end it is a view of the log, which an app may leave open.
    awaitEvents: (...given) => (given[4] ? wait(registry.awaitEvents(...given)) : registry.awaitEvents(...given)),
    ownerGone: (...given) => wait(registry.ownerGone(...given), given[1]),
    sessionAwaitTerminal: (...given) => wait(registry.sessionAwaitTerminal(...given), given[2]),
    sessionAwaitEvent: (...given) => wait(registry.sessionAwaitEvent(...given), given[2]),
    readStream(...given) {
      const chunks = registry.readStream(...given);
      return over(chunks, { next: (...given) => wait(chunks.next(...given)) } as Partial<WasmChunks>);
    },
    driver(works, run, ...options) {
      const driver = registry.driver(works, followed(run, name, inTab, pump), ...options);
      return over(driver, { sweep: () => wait(driver.sweep()), idle: () => wait(driver.idle()) });
    },
  };
  return over(registry, instead);
}

/** An object of the WebAssembly with some methods replaced. */
function over<T extends object>(target: T, instead: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in instead) return Reflect.get(instead, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
