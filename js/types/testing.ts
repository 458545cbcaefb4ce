/** The types of `longwait/testing`. */
import type {
  DriverOptions,
  Implementation,
  JsonLike,
  OpenOptions,
  ProcessEvent,
  ProcessRecord,
  ProcessRegistry,
  ProcessWorkDriver,
  StepContext,
} from "./public.js";

/** What a world is made with. */
export interface WorldOptions {
  /** What its tabs run: see `DriverOptions.processes`. */
  processes?: DriverOptions["processes"];
  /** What its tabs run: see `DriverOptions.runners`. */
  runners?: DriverOptions["runners"];
  /**
   * Decides the order of what is due at one time: of tabs, and of hints between them. By default the number in the environment
   * variable `LONGWAIT_SEED`, or 1. One seed gives one order, as far as the code of the runs does the same.
   */
  seed?: number;
  /** What the world's clock shows at first, by default what `Date.now()` does. */
  start?: Date | number;
  /**
   * Whether time passes by itself while something waits for an end, and not only by `clock.advance()`. Default: `true`. `false` is for tests of pages
   * in which something always waits.
   */
  autoAdvance?: boolean;
  /** Options for the driver of each tab. */
  driver?: Omit<DriverOptions, "processes" | "runners">;
  /** For the registry of each tab, as for `openRegistry`. */
  sink?: OpenOptions["sink"];
  /** For the registry of each tab, as for `openRegistry`. */
  retention?: OpenOptions["retention"];
}

/** Milliseconds, or a text such as `"3d"`, `"1h 30m"` or `"250ms"`: of weeks `w`, days `d`, hours `h`, minutes `m`, seconds `s` and `ms`. */
export type Span = number | string;

/** Tabs over the same processes, and the time that they share. */
export interface TestWorld extends AsyncDisposable {
  /** What decides the order in this world. To repeat it: `createTestWorld({ seed })`, or the environment variable `LONGWAIT_SEED`. */
  readonly seed: number;
  /** A registry of the test itself, without a driver, in a tab that does not crash. */
  readonly registry: ProcessRegistry;
  /** Opens one more tab, with a registry and a driver that is started. */
  tab(): Promise<TestTab>;
  /** The time of the world. */
  readonly clock: TestClock;
  /** Has every hint between tabs lost from now on: a tab finds what others change when its poller looks. */
  partition(): void;
  /** Hints arrive again. */
  heal(): void;
  /**
   * Puts something in the place of a step's function, in every tab, from its next call on: a value that it returns, an `Error` that it throws, or a
   * function of the step's context and of the function in whose place it is. What is recorded already stays. The last mock of a step counts.
   * `step`: its key, or with the kind of its process.
   */
  mockStep(step: StepName, instead: MockedStep): StepMock;
  /**
   * Resolves with the record once the process waits for that: a signal, the key of a timer, the key of a step that is to be retried, the id of
   * another process, `"retry"` for the next attempt of the run, `"start"` for its time; without a name, for anything.
   * @throws ProcessError `unknown_process`; `already_terminal` for a process that has ended; `timeout` where that will not happen by
   * itself, or not in time: its message says where each process stands.
   */
  untilWaiting(processId: string, name?: string, options?: UntilOptions): Promise<ProcessRecord>;
  /**
   * Resolves when nothing will happen by itself any more: each process has ended, or waits for what only the test can give, such as a signal. Time
   * passes until then.
   * @throws ProcessError `timeout` where that is not so in time: its message says which run is under way and where.
   */
  untilIdle(options?: UntilOptions): Promise<void>;
  /**
   * Whether a runner, changed perhaps, still fits what was recorded: runs it against the log of each process of its kind, in a world of its own in
   * which no step's function is called and no time passes. It does not fit where it asks for a step, timer or wait that the log of an
   * ended process has not, or has as something else; where it does not ask for one that the log has; or where it ends otherwise. Beyond the end of a
   * log that has not ended, it may ask for anything. It stops at a step that the log has not, unless this world has a mock of it. The version of the implementation is not looked at. Code outside of steps is run.
   * @throws ProcessError `invalid_argument` for what is no log, or has no process of that kind.
   */
  replay(log: RecordedLog, implementation: Implementation, options?: ReplayOptions): Promise<ReplayReport>;
  /**
   * Closes all tabs. A frozen one crashes.
   * @throws ProcessError `timeout` where the code of a run has not returned, which the message names; `invalid_argument` for a
   * mock whose step no run asked for.
   */
  close(): Promise<void>;
}

/** How long to wait. */
export interface UntilOptions {
  /** In real milliseconds, by default 4,000: less than the 5 s after which Vitest and Jest end a test. */
  timeoutMs?: number;
}

/** Time of a world. */
export interface TestClock {
  /** In epoch milliseconds. */
  now(): number;
  /**
   * Moves time on, through each timer in its order, with all that follows from it in between. Resolves at the end of the span. It
   * does not wait for user code that is under way then.
   */
  advance(span: Span): Promise<void>;
}

/** One tab. */
export interface TestTab extends AsyncDisposable {
  /** `"tab-1"`, `"tab-2"`, …: also the `ownerId` of its leases. */
  readonly name: string;
  /** What became of it. */
  readonly state: "running" | "frozen" | "crashed" | "closed";
  /** @throws ProcessError `closed` after `crash()` and `close()`. */
  readonly registry: ProcessRegistry;
  /** Runs what the world was made with; started. @throws As `registry`. */
  readonly driver: ProcessWorkDriver;
  /**
   * Ends the tab as a crash of its renderer does. Nothing of longwait runs in it again: its promises stay pending, the calls of its runs are not
   * answered, its leases stay until another tab proves by its lock that it is dead. User code that is under way cannot be
   * stopped, but nothing of what it writes arrives.
   */
  crash(): void;
  /** Has its timers and hints wait, as a browser does to a tab in the background. Its lock is held, but its leases run out. */
  freeze(): void;
  /** Lets it continue. */
  thaw(): void;
  /** Tells its driver that there is no network. */
  goOffline(): void;
  /** Tells its driver that the network is back. */
  goOnline(): void;
  /** Closes its registry, as an app does that ends: its runs are handed over. */
  close(): Promise<void>;
}

/** A step: its key, in processes of any kind or of one. */
export type StepName = string | { kind?: string; key: string };

/** The function of a step. */
export type StepFunction = (step: StepContext) => JsonLike | void | Promise<JsonLike | void>;

/** What a step does in place of its function. */
export type MockedStep = JsonLike | Error | ((step: StepContext, original: StepFunction) => ReturnType<StepFunction>);

/** What stands in the place of a step's function. */
export interface StepMock {
  /** How often it was called. */
  readonly calls: number;
  /** Puts the function back. */
  restore(): void;
}

/**
 * A recorded log: what `registry.exportProcesses()` gives, its lines or its text (NDJSON); or the events of one process, as `eventsAfter` gives
 * them.
 */
export type RecordedLog = string | Iterable<string> | AsyncIterable<string> | Iterable<ProcessEvent>;

/** How a log is replayed. */
export interface ReplayOptions extends UntilOptions {
  /** The input of the process, where the log is an array of events, which have none. Default: `null`. */
  input?: JsonLike;
}

/** Whether a runner fits a log. */
export interface ReplayReport {
  /** Whether all of the processes fit. */
  readonly fits: boolean;
  /** What does not fit, a line each, in words. */
  readonly lines: readonly string[];
  /** The processes that were run. */
  readonly processes: readonly ReplayedProcess[];
}

/** Whether a runner fits the log of one process. */
export interface ReplayedProcess {
  readonly processId: string;
  readonly fits: boolean;
  readonly lines: readonly string[];
  /** Where its run came to rest: `"returned"`, `"threw"`, `"waits"`, `"step <key>"` for a step whose function would be called, `"runs"` for code that does not rest. */
  readonly standsAt: string;
}
