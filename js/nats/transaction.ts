/** What one transaction has seen: what its commit is conditional on. */
import type { TransactionMode } from "../border/remote.js";
import type { Doc } from "./doc.js";

/** A process as a transaction sees it. */
export interface SeenDoc {
  readonly doc: Doc;
  /** The version that the rows are of, or one of the same rows that is higher. */
  readonly version: number;
}

export class Transaction {
  readonly isWriting: boolean;
  /** Whether it must see all that was acknowledged: else what is known is enough. */
  readonly isFresh: boolean;
  /** Whether all rows were here once that it must see. */
  hasLoaded = false;
  readonly docs = new Map<string, SeenDoc>();
  /** The processes that were asked for of the leader. */
  readonly fresh = new Set<string>();
  /** The versions of the guards of ranges that it has read, by the name of the guard. */
  readonly guards = new Map<string, number>();

  constructor(mode: TransactionMode) {
    this.isWriting = mode === "readwrite";
    this.isFresh = mode === "readonly";
  }
}
