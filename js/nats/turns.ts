/** Turns of what must not overlap, in the order in which they were asked for. */

export interface Turn {
  /** Resolves once it has begun. */
  readonly begun: Promise<void>;
  /** Ends it. */
  end(): void;
}

export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves once all turns that were asked for are over. */
  get over(): Promise<void> {
    return this.#last;
  }

  take(): Turn {
    const begun = this.#last;
    let end!: () => void;
    this.#last = new Promise((resolve) => (end = resolve));
    return { begun, end };
  }
}
