/**
 * Runs the tabs of a world, turn by turn, and moves its time while everything waits for longwait alone.
 *
 * A turn is one of the real event loop: what user code does between two turns has run in between. Time stands still while the test waits for nothing of
 * longwait, so that what it does in between takes none.
 */
import { ProcessError } from "../entries/index.js";
import type { Instance } from "../border/instance.js";
import type { RawWorld } from "./raw.js";
import { isInCode, type Running } from "./running.js";
import { afterRealTime, inATurn } from "./turns.js";

/** What is here only while its tab runs. */
export interface InTab {
  /** Whether its tab runs: it has neither crashed nor been closed, and is not frozen. */
  readonly isAwake: () => boolean;
}

/** A wait of the test or of an app; it ends at that time, if it has a limit. */
export interface Waiting extends InTab {
  readonly untilMs?: number | undefined;
}

interface Timer extends InTab {
  readonly atMs: number;
  readonly work: () => void;
}

/** Something that the test waits for. */
interface Condition {
  /** Whether it is over: called after each turn. */
  isOver(): boolean;
  /** By itself, nothing will ever happen. */
  isStuck(): void;
}

export class Pump {
  /** The runs whose runner was called and has not returned. */
  readonly runs = new Set<Running>();
  readonly waits = new Set<Waiting>();
  readonly #timers = new Set<Timer>();
  readonly #conditions = new Set<Condition>();
  readonly #resting = new Set<() => void>();
  readonly #targets: { atMs: number; reached: () => void }[] = [];
  #isCalled = false;
  #isClosed = false;

  constructor(
    private readonly instance: Instance,
    private readonly world: () => RawWorld,
    /** Whether time passes by itself, and not only by `advance()`. */
    private readonly isAutomatic: boolean,
  ) {}

  /** Has a turn run soon. */
  readonly call = (): void => {
    if (this.#isCalled || this.#isClosed) return;
    this.#isCalled = true;
    inATurn(this.#turn);
  };

  readonly #turn = (): void => {
    this.#isCalled = false;
    if (this.#isClosed || this.instance.isDead()) return;
    const wasBusy = this.instance.now(() => this.world().turn());
    const ended = [...this.#conditions].filter((condition) => condition.isOver());
    ended.forEach((condition) => this.#conditions.delete(condition));
    // What waited for it has its turn before time moves.
    if (wasBusy || ended.length > 0) this.call();
    else this.#rest();
  };

  /** Nothing is left to do in this moment. */
  #rest(): void {
    const now = this.now();
    if (!this.isInCode()) this.#resting.forEach((rests) => rests());
    const target = this.#targets[0];
    if (target !== undefined && target.atMs <= now) {
      this.#targets.shift();
      target.reached();
      return this.call();
    }
    const isAwaited = this.#conditions.size > 0 || [...this.waits].some((wait) => wait.isAwake());
    if (target === undefined && (!isAwaited || this.isInCode())) return;
    if (target === undefined && !this.isAutomatic) return this.#stuck();
    const ends = [...this.waits, ...this.#timers].filter((one) => one.isAwake()).map((one) => ("atMs" in one ? one.atMs : one.untilMs));
    const next = Math.min(...ends.filter((at) => at !== undefined && at > now).map(Number));
    const wanted = next === Infinity ? undefined : next - now;
    const moved = this.instance.now(() => this.world().skip(target && target.atMs - now, wanted));
    if (moved === undefined) return this.#stuck();
    this.#ring();
    this.call();
  }

  #stuck(): void {
    this.#conditions.forEach((condition) => condition.isStuck());
  }

  #ring(): void {
    const now = this.now();
    const due = [...this.#timers].filter((timer) => timer.atMs <= now && timer.isAwake()).sort((one, other) => one.atMs - other.atMs);
    for (const timer of due) {
      this.#timers.delete(timer);
      timer.work();
    }
  }

  /** Whether user code of a tab that runs is under way: a step's function, or a runner between two calls. */
  isInCode(): boolean {
    return [...this.runs].some((run) => run.isAwake() && isInCode(run));
  }

  /** The runs of a process wait for a step that is not to be run. */
  park(processId: string): void {
    for (const run of this.runs) if (run.processId === processId) run.isParked = true;
    this.call();
  }

  /** Resolves with whether everything comes to rest, in so many real milliseconds, without time passing. */
  rested(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const over = (isAtRest: boolean) => {
        cancel();
        this.#resting.delete(rests);
        resolve(isAtRest);
      };
      const rests = () => over(true);
      const cancel = afterRealTime(() => over(false), limitMs);
      this.#resting.add(rests);
      this.call();
    });
  }

  /** Whether a run of that tab has not returned. */
  isRunning(tab: string): boolean {
    return [...this.runs].some((run) => run.tab === tab);
  }

  now(): number {
    return this.instance.now(() => this.world().now());
  }

  /** Resolves once that much time has passed, and what was due by then has happened. */
  advance(spanMs: number): Promise<void> {
    return new Promise((reached) => {
      this.#targets.push({ atMs: this.now() + spanMs, reached });
      this.#targets.sort((one, other) => one.atMs - other.atMs);
      this.call();
    });
  }

  /** A timer by the world's clock. */
  timer(work: () => void, spanMs: number, { isAwake }: InTab): () => void {
    const timer = { atMs: this.now() + spanMs, work, isAwake };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Counts a wait until it is over. */
  waited<T>(promise: Promise<T>, waiting: Waiting): Promise<T> {
    this.waits.add(waiting);
    const over = () => void this.waits.delete(waiting);
    promise.then(over, over);
    this.call();
    return promise;
  }

  /** Called when a tab thaws: its timers are late. */
  thawed(): void {
    this.#ring();
    this.call();
  }

  /**
   * Resolves with what `find` gives, once it gives something; rejects with what it throws. Where that will never come by itself, `stuck` is asked. `limitMs`: in
   * real milliseconds, until `late` says what is wrong.
   */
  until<T>(find: () => T | undefined, stuck: () => T, limitMs: number, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const over = () => {
        cancel();
        this.#conditions.delete(condition);
      };
      const settle = (work: () => T | undefined): boolean => {
        try {
          const found = work();
          if (found === undefined) return false;
          resolve(found);
        } catch (fault) {
          reject(fault);
        }
        over();
        return true;
      };
      const condition: Condition = {
        isOver: () => settle(find),
        isStuck: () => void settle(stuck),
      };
      const givesUp = () => {
        throw late();
      };
      const cancel = afterRealTime(() => void settle(givesUp), limitMs);
      this.#conditions.add(condition);
      this.call();
    });
  }

  /** Resolves after some turns in which JavaScript can do what it still has to. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) {
      await new Promise<void>(inATurn);
      this.call();
    }
  }

  close(): void {
    this.#isClosed = true;
    const over = this.#targets.splice(0);
    over.forEach(({ reached }) => reached());
  }
}

/** The error of a wait that will not end. */
export const late = (message: string) => new ProcessError(message, { code: "timeout" });
