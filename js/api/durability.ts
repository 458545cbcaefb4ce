/** How long the data lasts, and what the page may do about it. */
import { reportError } from "../platform/report.js";
import type { ProcessRegistry } from "../types/public.js";

type Level = ProcessRegistry["durability"];

export class Durability {
  readonly #listeners = new Set<(level: Level) => void>();

  constructor(public level: Level) {}

  /** Calls the listener with each new level, until the function that is given back is called. */
  onChange(listener: (level: Level) => void): () => void {
    // Of its own, so that the same function given twice is called twice, and each can be taken off.
    const own = (level: Level) => listener(level);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Asks the browser to keep the data until it is deleted. Some browsers ask the user, some decide by themselves. */
  async persist(): Promise<Level> {
    // Absent on insecure origins, in workers of some browsers, and in WebKitGTK.
    if (this.level === "evictable" && (await globalThis.navigator?.storage?.persist?.())) this.#become("persistent");
    return this.level;
  }

  #become(level: Level): void {
    if (level === this.level) return;
    this.level = level;
    for (const listener of [...this.#listeners]) {
      try {
        listener(level);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
