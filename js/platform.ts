/**
 * The JavaScript that the WebAssembly imports, for one instance: what it holds of the browser is let go of when that traps. What
 * Rust imports of it is named here, one by one.
 */
import { canonical, copied, member, truthy, weight } from "../crates/core/src/domain/payload.js";
import { Channel, follow, hold, isFree, nextTask, randomName, watch } from "../src/host/browser/tab.js";
import { Lost, open, persisted, run } from "../src/store/indexed_db/engine.js";

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
      const { held, release } = hold(name);
      return { held, release: ending(release) };
    },
    watch: (name: string, answer: (free: boolean) => void) => ending(watch(name, answer)),
    follow: (turn: (away: boolean) => void) => ending(follow(turn)),
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
    async open(name: string, lost: () => void) {
      await undefined;
      let isOpen = true;
      // What it calls is gone once it is closed, and calling it would be a trap.
      const database = await open(name, () => isOpen && lost());
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
