/** What is observed of each registry: one thing for all queries that are equal, as long as something listens to it. */
import { afterwards } from "../platform/intrinsics.js";
import { ProcessError } from "../types/errors.js";
import { withHelp } from "../types/help.js";
import type { AnyDefinition, Observable, Observed, Query, RegistrySource, Snapshot } from "../types/observe.js";
import type { ListFilter, ProcessRegistry } from "../types/public.js";
import { Changes } from "./changes.js";
import { ObservedCount } from "./count.js";
import { ListWindow, SharedList } from "./list.js";
import { type ObservedThing } from "./observed.js";
import { failed, LIST_LOADING, LOADING, present } from "./snapshots.js";
import { ObservedEvents, ObservedLatestEvent, ObservedRecord, ObservedResult } from "./of-one.js";
import { keyOf } from "./same.js";
import { ObservedStream } from "./stream.js";

/** Of a query of any type. */
export type AnySnapshot = Observed<Query>;
type Thing = ObservedThing<AnySnapshot>;

/** A query, without its definition, as a text that equal queries have in common. */
export function keyOfQuery({ definition, ...query }: Query & { definition?: AnyDefinition }): string {
  if (!TYPES.has(query.type))
    throw new ProcessError(withHelp(`query.type: must be one of ${[...TYPES].join(", ")}`, "invalid_argument"), {
      code: "invalid_argument",
    });
  const isNarrowed = query.type === "processes" || query.type === "count";
  return keyOf(isNarrowed && definition !== undefined ? { ...query, filter: { ...query.filter, kind: definition.kind } } : query);
}

const TYPES: ReadonlySet<Query["type"]> = new Set(["process", "processes", "count", "events", "latestEvent", "stream", "result"]);

/** The snapshot of a query of which nothing is known. */
export function loadingOf({ type }: Pick<Query, "type">): AnySnapshot {
  return type === "processes" ? LIST_LOADING : LOADING;
}

/** What `observe()` gives for the query of this key. */
export function observed(source: RegistrySource, key: string): Observable<AnySnapshot> {
  const query = JSON.parse(key) as Query;
  const loading = loadingOf(query);
  return {
    subscribe: (listener) => whenOpen(source, (observers) => observers.thing(key, query).listen(listener), listener),
    getSnapshot: () => FAULTS.get(source) ?? observersIfOpen(source)?.things.get(key)?.snapshot ?? loading,
  };
}

/** Resolves once there is more to say of a query than that it is loading. One promise for all that ask until then. */
export function loaded(source: RegistrySource, key: string): Promise<void> {
  let loads = LOADS.get(source);
  if (loads === undefined) LOADS.set(source, (loads = new Map()));
  let load = loads.get(key);
  if (load === undefined) {
    const { subscribe, getSnapshot } = observed(source, key);
    load = new Promise((resolve) => {
      const end = subscribe(() => afterwards(look));
      const look = () => {
        if (getSnapshot().status === "loading") return;
        loads.delete(key);
        end(); // It is kept for a while, in which a component listens that has waited for it.
        resolve();
      };
      look();
    });
    loads.set(key, load);
  }
  return load;
}

const LOADS = new WeakMap<RegistrySource, Map<string, Promise<void>>>();

/** The registry of a source, as it comes to be known. */
export function observedRegistry(source: RegistrySource): Observable<Snapshot<ProcessRegistry>> {
  return {
    subscribe(listener) {
      if (observersIfOpen(source) !== undefined) return () => {};
      const notify = () => (listener(), () => {});
      return whenOpen(source, notify, listener);
    },
    getSnapshot: () => FAULTS.get(source) ?? observersIfOpen(source)?.registry ?? LOADING,
  };
}

// ── Registries ──────────────────────────────────────────────────────────────

const OBSERVERS = new WeakMap<ProcessRegistry, Observers>();
/** What promises of registries came to. */
const OPENED = new WeakMap<RegistrySource, ProcessRegistry>();
const FAULTS = new WeakMap<RegistrySource, Fault>();
type Fault = { readonly status: "error"; readonly error: Error; readonly value: undefined };

/** The observers of a registry that is open. */
function observersIfOpen(source: RegistrySource): Observers | undefined {
  const registry = isPromise(source) ? OPENED.get(source) : source;
  if (registry === undefined) return undefined;
  let observers = OBSERVERS.get(registry);
  if (observers === undefined) OBSERVERS.set(registry, (observers = new Observers(registry)));
  return observers;
}

/** Does something with the observers of a registry: now, or once it is open. Gives what ends it. */
function whenOpen(source: RegistrySource, work: (observers: Observers) => () => void, orElse: () => void): () => void {
  const observers = observersIfOpen(source);
  if (observers !== undefined) return work(observers);
  let end: (() => void) | undefined;
  let isOver = false;
  (source as PromiseLike<ProcessRegistry>).then(
    (registry) => {
      OPENED.set(source, registry);
      const observers = observersIfOpen(source);
      if (!isOver && observers !== undefined) end = work(observers);
    },
    (fault: unknown) => {
      if (!FAULTS.has(source)) FAULTS.set(source, { ...LIST_LOADING, ...failed<undefined>(fault) });
      if (!isOver) orElse();
    },
  );
  return () => {
    isOver = true;
    end?.();
  };
}

const isPromise = (source: RegistrySource): source is PromiseLike<ProcessRegistry> => "then" in source;

class Observers {
  readonly things = new Map<string, Thing>();
  private readonly lists = new Map<string, SharedList>();
  readonly registry: Snapshot<ProcessRegistry>;
  private readonly changes: Changes;

  constructor(registry: ProcessRegistry) {
    this.registry = present(registry);
    this.changes = new Changes(registry);
  }

  thing(key: string, query: Query): Thing {
    let thing = this.things.get(key);
    if (thing === undefined) this.things.set(key, (thing = this.made(query, () => void this.things.delete(key))));
    return thing;
  }

  private made(query: Query, over: () => void): Thing {
    const { changes } = this;
    switch (query.type) {
      case "process":
        return new ObservedRecord(changes, query.id, over);
      case "result":
        return new ObservedResult(changes, query.id, over);
      case "events":
        return new ObservedEvents(changes, query.id, query.types, query.last ?? 100, over);
      case "latestEvent":
        return new ObservedLatestEvent(new ObservedEvents(changes, query.id, [query.eventType], 1, () => {}), over);
      case "count":
        return new ObservedCount(changes, query.filter ?? {}, over);
      case "stream":
        return new ObservedStream(changes, query.id, query.name, query.throttleMs ?? 50, over);
      case "processes": {
        const { filter = {}, order = "id" } = query;
        return new ListWindow(() => this.list(filter, order), query.limit ?? Infinity, over);
      }
    }
  }

  private list(filter: ListFilter, order: "id" | "oldest" | "newest"): SharedList {
    const key = keyOf([filter, order]);
    let list = this.lists.get(key);
    if (list === undefined) this.lists.set(key, (list = new SharedList(this.changes, filter, order, () => void this.lists.delete(key))));
    return list;
  }
}
