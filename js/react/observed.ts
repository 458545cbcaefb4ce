/** How components read what is observed. */
import { useMemo, useRef, useSyncExternalStore } from "react";
import { keyOfQuery, loaded, loadingOf, observed, observedRegistry, type AnySnapshot } from "../observe/observe.js";
import { ABSENT, LOADING } from "../observe/snapshots.js";
import { equal } from "../observe/same.js";
import type { Observable, Observed, Query, RegistrySource, Snapshot } from "../types/observe.js";
import type { ProcessRegistry } from "../types/public.js";

/** What a query finds in a registry. Without a query, nothing; loading without a registry, and in what a server renders. */
export function useQuery<const Q extends Query>(source: RegistrySource | undefined, query: Q | undefined, select?: Select): Observed<Q> {
  const key = query && keyOfQuery(query);
  const server = query === undefined ? ABSENT : loadingOf(query);
  const observable = useMemo<Observable<AnySnapshot>>(
    () => (source === undefined || key === undefined ? unchanging(server) : observed(source, key)),
    [source, key, server],
  );
  const selected = useRef<Selected>(undefined);
  function read(): AnySnapshot {
    const of = observable.getSnapshot();
    if (select === undefined || of.status !== "present") return of;
    const last = selected.current;
    if (last?.of === of && last.by === select) return last.shown;
    const value = select(of.value as never);
    const shown = last !== undefined && equal(last.shown.value, value) ? last.shown : ({ status: "present", value } as Selected["shown"]);
    selected.current = { of, by: select, shown };
    return shown;
  }
  return useSyncExternalStore(observable.subscribe, read, () => server) as Observed<Q>;
}

/** Takes a part of what is present. */
type Select = (value: never) => unknown;

/** The part that was last taken: it is shown as long as it is equal. */
interface Selected {
  readonly of: AnySnapshot;
  readonly by: Select;
  readonly shown: AnySnapshot & { readonly status: "present" };
}

const unchanging = <S>(snapshot: S): Observable<S> => ({ subscribe: () => () => {}, getSnapshot: () => snapshot });

/** The registry of a source. */
export function useOpened(source: RegistrySource | undefined): Snapshot<ProcessRegistry> {
  const observable = useMemo(() => (source === undefined ? unchanging(LOADING) : observedRegistry(source)), [source]);
  return useSyncExternalStore<Snapshot<ProcessRegistry>>(observable.subscribe, observable.getSnapshot, () => LOADING);
}

/** Like {@link useQuery}, but waits until there is something to show, by Suspense, and throws what kept it from being read. */
export function useLoaded<const Q extends Query>(
  source: RegistrySource | undefined,
  query: Q,
): Exclude<Observed<Q>, { status: "loading" | "error" }> {
  if (source === undefined || typeof document === "undefined")
    throw new Error(
      "longwait: what is read with Suspense is shown in browsers only; a server renders the fallback of the boundary around it",
    );
  const key = keyOfQuery(query);
  const observable = useMemo(() => observed(source, key), [source, key]);
  const snapshot = useSyncExternalStore(observable.subscribe, observable.getSnapshot, observable.getSnapshot);
  if (snapshot.status === "loading") throw loaded(source, key);
  if (snapshot.status === "error") throw snapshot.error;
  return snapshot as never;
}
