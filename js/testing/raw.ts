/** What the WebAssembly of `longwait/testing` exports besides what the package has; see crates/kit/. Private. */
import type { WasmRegistry } from "../border/raw.js";
import type { Json, ProcessEventSink, ProcessLease, ProcessRecord } from "../types/public.js";

/** Makes worlds. `call()`: a turn is due. */
export type OpenWorld = new (seed: number, start: number, call: () => void) => RawWorld;

/** Tabs over the same rows. */
export interface RawWorld {
  openTab(): RawTab;
  /** Runs one turn; answers whether anything was done, or is left to do. */
  turn(): boolean;
  /** Moves time on, by `limitMs` at most; answers by how much, or nothing where nothing will happen by itself. */
  skip(limitMs: number | undefined, wantedMs: number | undefined): number | undefined;
  now(): number;
  partition(isPartitioned: boolean): void;
  process(id: string): ProcessRecord | undefined;
  running(): [record: ProcessRecord, lease: ProcessLease | undefined][];
  free(): void;
}

/** One tab. */
export interface RawTab {
  open(name: string, ownerId: string, sink: ProcessEventSink | undefined, retention: Json): WasmRegistry;
  /** The calls from now on are made in this tab, until `leave()`. */
  enter(): void;
  leave(): void;
  freeze(isFrozen: boolean): void;
  crash(): void;
  closed(): void;
  free(): void;
}
