/** Which waits of this registry were woken, by what, and how long each took to its answer: the last of them, heard while the inspector can be seen. */
import type { WokenWait } from "../../types/public.js";
import type { Reader } from "./reader.js";

export interface HeardWake extends WokenWait {
  readonly atMs: number;
}

const MOST = 500;

export class Wakes {
  /** The last first. */
  heard: readonly HeardWake[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(reader: Reader) {
    reader.whileSeen(() =>
      reader.registry.onWake((woken) => {
        this.heard = [{ ...woken, atMs: Date.now() }, ...this.heard.slice(0, MOST - 1)];
        for (const listener of this.listeners) listener();
      }),
    );
  }

  onHeard(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
