/** The engine of a remote store as an instance of the WebAssembly has it. Private. */
import { reportError } from "../platform/report.js";
import { raise } from "../types/errors.js";
import type { Instance } from "./instance.js";
import { REMOTE, type Remote, type RemoteEngine, type RemoteFault } from "./remote.js";

/** An engine as the WebAssembly imports it. */
export interface EnteredEngine extends Omit<RemoteEngine, "listen" | "upload" | "discard"> {
  upload(processId: string, name: string, body: Blob): Promise<unknown> | undefined;
  discard(processId: string, name: string, body: Blob): void;
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
    upload: (processId, name, body) => attempt(() => engine.upload?.({ processId, name, body })),
    discard: (processId, name, body) => attempt(() => engine.discard?.({ processId, name, body })),
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
