/**
 * The seam to a store over a network: what `natsStore()` gives to `openRegistry({ storage })`, and what the WebAssembly asks of it. Private.
 *
 * The engine decides where rows lie and how commits are settled; the rules, and running again what lost a race, are on the other side.
 */
import { reportError } from "../platform/report.js";
import { raise, type ProcessErrorCode } from "../types/errors.js";
import type { Instance } from "./instance.js";

export const REMOTE: unique symbol = Symbol.for("longwait.remote") as never;

/** A remote store as its entry makes it. */
export interface Remote {
  readonly kind: string;
  /** Connects. Rejects with a {@link RemoteFault}. Each registry has an engine of its own, and closes it. */
  [REMOTE](): Promise<RemoteEngine>;
}

/**
 * One round of a transaction, or its end. Requests are those of `src/store/indexed_db/engine.js`: `[kind, store, index or null, ...arguments]`. `undefined`:
 * nothing more to do. Anything else that is no such list: take the transaction back.
 */
export type Round = readonly [kind: "read" | "write" | "commit", requests: readonly (readonly unknown[])[]] | undefined;

export interface RemoteEngine {
  /**
   * Runs one transaction. `step` is called with the rows of the round before, a list for each request, first with none, and gives the next round. It
   * throws nothing. One that may write is begun when the one before has ended. Resolves once it is committed; rejects with a
   * {@link RemoteFault}, and `"raced"` has it run again.
   *
   * What a transaction read is as it was at one moment: where another commit came between, it is `"raced"`, if it only reads, too. Rows of
   * `processes` come with a `change` that means nothing: the engine puts the number of the commit there, which is higher than all before.
   * `about` has `{ name: "identity", value }`, 32 hexadecimal digits that no other life of the namespace has.
   */
  run(mode: "readonly" | "readwrite", step: (results: object[][]) => unknown): Promise<void>;
  /** Epoch milliseconds by the server's clock. */
  now(): number;
  /**
   * Calls `hear` with ids that others changed, once a read sees the change, and `hearChunks` with what others committed to a stream. Gives what ends it.
   */
  listen(hear: (ids: string[]) => void, hearChunks: (stream: object, values: unknown[]) => void): () => void;
  /** Sends what was committed to a stream to all others. */
  sendChunks(stream: object, values: unknown[]): void;
  /** The shortest lease that outlasts a failover, in milliseconds. */
  readonly minLeaseMs?: number;
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

/** An engine as the WebAssembly imports it. */
export interface EnteredEngine extends Omit<RemoteEngine, "listen"> {
  listen(hear: (said: string[] | { stream: object; values: unknown[] }) => void): () => void;
}

/** Connects; a fault is an error of its code. */
export async function connected(store: Remote): Promise<RemoteEngine> {
  try {
    return await store[REMOTE]();
  } catch (fault) {
    const { how, code, message, cause } = Object(fault) as RemoteFault;
    throw how === undefined ? fault : raise(message, { code, cause });
  }
}

/**
 * The engine for one instance of the WebAssembly: nothing that it throws gets there, nothing that it calls is gone, and it is closed when the instance
 * traps.
 */
export function entered(engine: RemoteEngine, { enter }: Pick<Instance, "enter">): EnteredEngine {
  let latest = 0;
  const closed = ending(enter, () => engine.close());
  return {
    // Not at once: what is thrown here must not be made above frames of the WebAssembly.
    async run(mode, step) {
      await undefined;
      return engine.run(mode, step);
    },
    now() {
      attempt(() => (latest = engine.now()));
      return latest;
    },
    listen(hear) {
      let isOn = true;
      const off = attempt(() =>
        engine.listen(
          (ids) => isOn && hear(ids),
          (stream, values) => isOn && hear({ stream, values }),
        ),
      );
      return ending(enter, () => {
        isOn = false;
        off?.();
      });
    },
    sendChunks: (stream, values) => attempt(() => engine.sendChunks(stream, values)),
    close: closed,
  };
}

/** `end`, which is called at most once: by the WebAssembly, or when that traps. */
function ending(enter: Instance["enter"], end: () => void): () => void {
  const leave = enter(() => attempt(end));
  return () => {
    leave();
    attempt(end);
  };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    reportError(error);
    return undefined;
  }
}
