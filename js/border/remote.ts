/**
 * The seam to a store over a network: what `natsStore()` gives to `openRegistry({ storage })`, and what the WebAssembly asks of it. Private.
 *
 * The engine decides where rows lie and how commits are settled; the rules, and running again what lost a race, are on the other side.
 */
import type { ProcessErrorCode } from "../types/errors.js";

export const REMOTE: unique symbol = Symbol.for("longwait.remote") as never;

/** A remote store as its entry makes it. */
export interface Remote {
  readonly kind: string;
  /** What a registry is called that is not given a name. */
  readonly name: string;
  /** Connects. Rejects with a {@link RemoteFault}. Each registry has an engine of its own, and closes it. */
  [REMOTE](): Promise<RemoteEngine>;
}

/**
 * One round of a transaction, or its end. Requests are those of `src/store/indexed_db/engine.js`: `[kind, store, index or null, ...arguments]`. `undefined`:
 * nothing more to do. Anything else that is no such list: take the transaction back.
 */
export type Round = readonly [kind: "read" | "write" | "commit", requests: readonly (readonly unknown[])[]] | undefined;

/** A body, and what it is to be attached as. */
export interface Upload {
  readonly processId: string;
  readonly name: string;
  readonly body: Blob;
}

/** What a transaction may do, and what it sees. */
export type TransactionMode = "readonly" | "heard" | "readwrite";

export interface RemoteEngine {
  /**
   * Runs one transaction. `step` is called with the rows of the round before, a list for each request, first with none, and gives the next round. It
   * throws nothing. One that may write is begun when the one before has ended. Resolves once it is committed; rejects with a
   * {@link RemoteFault}, and `"raced"` has it run again.
   *
   * What a transaction read is as it was at one moment: where another commit came between, it is `"raced"`, if it only reads, too. Rows of
   * `processes` come with a `change` that means nothing: the engine puts the number of the commit there, which is higher than all before.
   * `about` has `{ name: "identity", value }`, 32 hexadecimal digits that no other life of the namespace has.
   *
   * `"readonly"` sees every commit that was acknowledged to anyone before the call; `"heard"` reads, too, and may lack those that no
   * listener of `listen` was called for yet.
   */
  run(mode: TransactionMode, step: (results: unknown[][]) => unknown): Promise<void>;
  /**
   * Stores the body of an attachment that a transaction is about to put, beside others that are run. `undefined`: it is stored already, or is stored with
   * the transaction. Rejects with a {@link RemoteFault}.
   */
  upload?(upload: Upload): Promise<unknown> | undefined;
  /** Removes a body that was stored so, and is not put. */
  discard?(upload: Upload): void;
  /** Epoch milliseconds by the server's clock. */
  now(): number;
  /**
   * Calls `hear` with ids that others changed, once a read sees the change, and `hearChunks` with what others committed to a stream. Gives what ends it.
   */
  listen(hear: (ids: string[]) => void, hearChunks: (stream: object, values: unknown[]) => void): () => void;
  /** Sends what was committed to a stream to all others. */
  sendChunks(stream: object, values: unknown[]): void;
  /** The shortest lease that outlasts a failover, in milliseconds. */
  readonly minLeaseMs?: number | undefined;
  close(): void;
}

/**
 * Why nothing came of a transaction. `"raced"`: another commit came first, nothing was written. `"refused"`: taken back, nothing was written.
 * `"unopened"`: no connection, nothing was sent. `"unsettled"`: sent, and the connection is gone, so that it is not known.
 */
export interface RemoteFault {
  readonly how: "raced" | "refused" | "unopened" | "unsettled";
  readonly code: ProcessErrorCode;
  readonly message: string;
  readonly cause?: unknown;
}

export function isRemote(storage: unknown): storage is Remote {
  return typeof storage === "object" && storage !== null && REMOTE in storage;
}
