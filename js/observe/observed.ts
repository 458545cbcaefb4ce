/** What all observed things have in common: listeners, the snapshot, and when it is begun and let go of. */
import { timer } from "../platform/timer.js";
import { reportError } from "../platform/report.js";
import type { ProcessRecord } from "../types/public.js";
import type { Changes, OfOne } from "./changes.js";
import { LOADING } from "./snapshots.js";

/** How long what was observed is kept up to date without a listener, in milliseconds: React's strict mode takes a listener off and puts it on again. */
const GRACE_MS = 2_000;

export abstract class ObservedThing<S> {
  private readonly listeners = new Set<() => void>();
  private cancelEnd: (() => void) | undefined;
  private end: (() => void) | undefined;

  protected constructor(
    private current: S,
    /** Is called when it is let go of. */
    private readonly over: () => void,
  ) {}

  get snapshot(): S {
    return this.current;
  }

  /** Begins to follow what it shows. Gives what ends that. */
  protected abstract begin(): () => void;

  /** It cannot be read. */
  abstract onFault(fault: unknown): void;

  listen(listener: () => void): () => void {
    const own = () => listener(); // One listener may be given twice.
    this.listeners.add(own);
    this.cancelEnd?.();
    this.cancelEnd = undefined;
    this.end ??= this.beginOrFail();
    return () => {
      if (this.listeners.delete(own) && this.listeners.size === 0) this.endSoon();
    };
  }

  /** A registry that is closed refuses at once; a listener learns of that as of any other fault. */
  private beginOrFail(): () => void {
    try {
      return this.begin();
    } catch (fault) {
      this.onFault(fault);
      return () => {};
    }
  }

  private endSoon(): void {
    const end = () => {
      this.over();
      this.end?.();
      this.end = undefined;
    };
    this.cancelEnd = timer(end, GRACE_MS, false);
  }

  protected show(snapshot: S): void {
    if (snapshot === this.current) return;
    this.current = snapshot;
    for (const listener of [...this.listeners]) {
      try {
        listener();
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** What is observed of one process. */
export abstract class ObservedProcess<S extends object> extends ObservedThing<S> implements OfOne {
  constructor(
    protected readonly changes: Changes,
    protected readonly id: string,
    over: () => void,
  ) {
    // Each sort of snapshot may be loading.
    super(LOADING as object as S, over);
  }

  protected begin(): () => void {
    return this.changes.follow(this.id, this);
  }

  abstract onRecord(record: ProcessRecord | undefined): void;
}
