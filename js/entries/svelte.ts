/**
 * longwait for Svelte 4 and 5: {@link setRegistry} in a component above, {@link observed} in those that show what is stored, as a store:
 * `const upload = observed({ type: "process", id }); … $upload.status`.
 *
 * @module
 */
import { getContext, setContext } from "svelte";
import { keyOfQuery, loadingOf, observed as observedBy } from "../observe/observe.js";
import type { Observed, Query, RegistrySource } from "../types/observe.js";

export type * from "../types/observe.js";

const SOURCE = Symbol.for("longwait");

/** Gives the components below a registry, or the promise of one. It is the caller's to close. `undefined`, as on a server, is shown as loading. */
export function setRegistry(source: RegistrySource | undefined): void {
  setContext(SOURCE, source);
}

/** The registry of the nearest component above, or the promise of it. Call it while a component is initialised. */
export function getRegistry(): RegistrySource | undefined {
  return getContext<RegistrySource | undefined>(SOURCE);
}

/** What a component subscribes to by `$`, and any code by `subscribe`. */
export interface ObservedStore<S> {
  /** Calls `run` with the snapshot now, and with each new one. Gives the function that ends it. */
  subscribe(run: (snapshot: S) => void): () => void;
}

/**
 * What a query finds, as it changes in any tab: a store. Reads from the registry of a component above, unless one is given, and nothing until something
 * subscribes.
 */
export function observed<const Q extends Query>(query: Q, source: RegistrySource | undefined = getRegistry()): ObservedStore<Observed<Q>> {
  const key = keyOfQuery(query);
  return {
    subscribe(run) {
      const show = (snapshot: object) => run(snapshot as Observed<Q>);
      if (source === undefined || typeof document === "undefined") {
        show(loadingOf(query));
        return () => {};
      }
      const { subscribe, getSnapshot } = observedBy(source, key);
      let shown: object | undefined;
      const look = () => {
        const snapshot = getSnapshot();
        if (snapshot !== shown) show((shown = snapshot));
      };
      const end = subscribe(look);
      look();
      return end;
    },
  };
}
