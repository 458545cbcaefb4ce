/**
 * The JavaScript that the WebAssembly imports, for one instance: what it holds of the browser is let go of when that traps. What
 * Rust imports of it is named here, one by one.
 */
import { canonical, copied, member, truthy, weight } from "../../crates/core/src/model/payload.js";
import { Channel, follow, hold, isFree, nextTask, onWake, randomName, watch } from "../../src/host/browser/tab.js";
import { Lost, open, persisted, run } from "../../src/store/indexed_db/engine.js";

/** Finds it by the path that the glue asks for. `enter` has what it is given called when the instance traps. */
export function platform(enter: (end: () => void) => () => void): (path: string) => object {
  /** `end`, which is called at most once: by the WebAssembly, or when that traps. */
  function ending(end: () => void): () => void {
    const leave = enter(end);
    return () => {
      leave();
      end();
    };
  }

  const forPayload = { canonical, copied, member, truthy, weight };

  const forTab = {
    isFree,
    nextTask,
    randomName,
    hold(name: string) {
      const lock = taken(name);
      const leave = enter(() => left(name, lock));
      return {
        held: lock.held,
        release() {
          leave();
          lock.release();
        },
      };
    },
    watch: (name: string, answer: (free: boolean) => void) => ending(watch(name, answer)),
    follow: (turn: (away: boolean) => void) => ending(follow(turn)),
    onWake: (wake: () => void) => ending(onWake(wake)),
    Channel: class extends Channel {
      readonly #end = ending(() => super.close());
      override close() {
        this.#end();
      }
    },
  };

  const forStore = {
    Lost,
    persisted,
    // Not at once: what the browser throws here must not be made above frames of the WebAssembly.
    async open(name: string, lost: (isDeleted: boolean) => void) {
      await undefined;
      let isOpen = true;
      // What it calls is gone once it is closed, and calling it would be a trap.
      const database = await open(name, (isDeleted) => isOpen && lost(isDeleted));
      const { close } = database;
      const end = ending(() => {
        isOpen = false;
        close.call(database);
      });
      return Object.assign(database, { close: end });
    },
    async run(...given: Parameters<typeof run>) {
      await undefined;
      return run(...given);
    },
  };

  return (path) => {
    if (path.endsWith("/payload.js")) return forPayload;
    return path.endsWith("/tab.js") ? forTab : forStore;
  };
}

// ── Locks that outlast their instance ───────────────────────────────────────────────────────────

type Lock = ReturnType<typeof hold>;

/** Names of locks that a trap does not release; with those that instances left behind. */
const lasting = new Map<string, Lock | undefined>();

/**
 * Has the lock of that name outlast the instance that holds it: the owner that it stands for lives on, and the next instance that
 * asks for the lock has it at once. Gives the function that ends this.
 */
export function outlastTraps(name: string): () => void {
  lasting.set(name, undefined);
  return () => {
    lasting.get(name)?.release();
    lasting.delete(name);
  };
}

/** The lock that the last instance left behind, or one that is asked for. */
function taken(name: string): Lock {
  const kept = lasting.get(name);
  if (kept === undefined) return hold(name);
  lasting.set(name, undefined);
  return kept;
}

/** An instance that held a lock is dead. */
function left(name: string, lock: Lock): void {
  if (lasting.has(name)) lasting.set(name, lock);
  else lock.release();
}
