/**
 * Reads what is shown, through the public methods of a registry, and only while it can be seen: what begins here is ended when the
 * inspector is hidden, and begun again when it is shown.
 */
import { keyOfQuery, observed } from "../../observe/observe.js";
import type { Observable, Observed, Query } from "../../types/observe.js";
import type { ProcessRegistry } from "../../types/public.js";
import { Wakes } from "./wakes.js";

/** Begins to collect something. Gives what ends that. */
export type Begin = () => () => void;

export class Reader {
  private readonly begun = new Map<Begin, (() => void) | undefined>();
  private seen = false;
  readonly wakes: Wakes;

  constructor(readonly registry: ProcessRegistry) {
    this.wakes = new Wakes(this);
  }

  /** Whether the inspector can be seen. */
  get isSeen(): boolean {
    return this.seen;
  }

  show(isSeen: boolean): void {
    if (this.seen === isSeen) return;
    this.seen = isSeen;
    for (const [begin, end] of [...this.begun]) {
      end?.();
      this.begun.set(begin, isSeen ? begin() : undefined);
    }
  }

  /** Has something collected while the inspector can be seen, until what is given back is called. */
  whileSeen(begin: Begin): () => void {
    const own: Begin = () => begin(); // It may be given twice.
    this.begun.set(own, this.seen ? own() : undefined);
    return () => {
      this.begun.get(own)?.();
      this.begun.delete(own);
    };
  }

  /** What `observe()` of `longwait/observe` gives. */
  observe<const Q extends Query>(query: Q): Observable<Observed<Q>> {
    return observed(this.registry, keyOfQuery(query)) as Observable<Observed<Q>>;
  }

  /** Looks again and again while the inspector can be seen, the first time at once; never while a look is under way. */
  every(ms: number, look: () => void | Promise<void>): () => void {
    return this.whileSeen(() => {
      let isOver = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const turn = async () => {
        await look();
        if (!isOver) timer = setTimeout(() => void turn(), ms);
      };
      void turn();
      return () => {
        isOver = true;
        clearTimeout(timer);
      };
    });
  }
}
