/** The hooks that show what is stored. */
import { useCallback, useRef, useState } from "react";
import { keyOfQuery } from "../observe/observe.js";
import type { Definition, EventTypes, Payloads } from "../types/definitions.js";
import type {
  AnyDefinition,
  DefinedRecord,
  ListSnapshot,
  ObservedEvent,
  ProcessesQuery,
  Query,
  ResultSnapshot,
  Snapshot,
  StreamContent,
} from "../types/observe.js";
import type { Json, JsonLike, ListFilter, ProcessEvent, ProcessRecord } from "../types/public.js";
import { useLoaded, useQuery } from "./observed.js";
import { useSource } from "./provider.js";

/** What is shown of a record. */
export interface SelectOptions<R, T> {
  /** A part of the record, or what is made of it: the component is rendered again only when that is another value, compared as JSON is. */
  readonly select: (record: R) => T;
}

/** An id that may not be known yet: without one, nothing is read, and the answer is absent. */
type Id = string | undefined;

/**
 * The record of a process, as it changes in any tab. With a definition its input and its result are typed.
 */
export function useProcess(id: Id): Snapshot<ProcessRecord>;
export function useProcess<T>(id: Id, options: SelectOptions<ProcessRecord, T>): Snapshot<T>;
export function useProcess<I, O, E, S, G extends Payloads>(definition: Definition<I, O, E, S, G>, id: Id): Snapshot<DefinedRecord<I, O>>;
export function useProcess<I, O, E, S, G extends Payloads, T>(
  definition: Definition<I, O, E, S, G>,
  id: Id,
  options: SelectOptions<DefinedRecord<I, O>, T>,
): Snapshot<T>;
export function useProcess(...given: readonly unknown[]): Snapshot<unknown> {
  const [, id, options] = withDefinition<[Id, SelectOptions<never, unknown>?]>(given);
  return useQuery(
    useSource(),
    of(id, (id) => ({ type: "process", id })),
    options?.select,
  );
}

/**
 * The record of a process, where there is one. Waits for the first read with Suspense, and throws what kept it from being read. The boundary of the Suspense stands
 * inside of the {@link RegistryProvider}; a server renders its fallback.
 */
export function useSuspenseProcess(id: string): ProcessRecord | undefined;
export function useSuspenseProcess<I, O, E, S, G extends Payloads>(
  definition: Definition<I, O, E, S, G>,
  id: string,
): DefinedRecord<I, O> | undefined;
export function useSuspenseProcess(...given: readonly unknown[]): unknown {
  const [, id] = withDefinition<[string]>(given);
  return useLoaded(useSource(), { type: "process", id }).value;
}

/** Which processes are listed. */
export interface UseProcessesOptions extends Pick<ProcessesQuery, "order"> {
  /** As for `ProcessRegistry.listProcesses`. Default: all that run. With a definition, of its kind alone. */
  readonly filter?: ListFilter;
  /** How many make a page: so many are shown, and with each `loadMore()` as many more. Default: all. */
  readonly limit?: number;
}

/** A list, and how to have more of it. */
export type ProcessList<R> = ListSnapshot<R> & {
  /** Shows another page, where there is one. */
  readonly loadMore: () => void;
};

/**
 * A list of processes, as it changes in any tab: a change replaces the record of one process, and leaves the others the objects that they were.
 */
export function useProcesses(options?: UseProcessesOptions): ProcessList<ProcessRecord>;
export function useProcesses<I, O, E, S, G extends Payloads>(
  definition: Definition<I, O, E, S, G>,
  options?: UseProcessesOptions,
): ProcessList<DefinedRecord<I, O>>;
export function useProcesses(...given: readonly unknown[]): ProcessList<unknown> {
  const [definition, { limit, ...list } = {}] = withDefinition<[UseProcessesOptions?]>(given);
  const query = { type: "processes", ...list, ...(definition && { definition }) } as const;
  const base = keyOfQuery(query);
  const [paging, setPaging] = useState({ base, pages: 1 });
  const pages = paging.base === base ? paging.pages : 1;
  const found = useQuery(useSource(), limit === undefined ? query : { ...query, limit: limit * pages });
  // A higher limit is another query: until it is known, what the lower one found.
  const before = useRef({ base, snapshot: found });
  const isGrowing = found.status === "loading" && before.current.base === base && before.current.snapshot.status !== "loading";
  if (!isGrowing) before.current = { base, snapshot: found };
  const snapshot = isGrowing ? { ...before.current.snapshot, isLoadingMore: true } : found;
  const canGrow = snapshot.hasMore && !snapshot.isLoadingMore;
  const loadMore = useCallback(() => {
    if (canGrow) setPaging({ base, pages: pages + 1 });
  }, [base, canGrow, pages]);
  return { ...snapshot, loadMore };
}

/** How many processes fit a filter. With a definition, of its kind alone. */
export function useCount(filter?: ListFilter): Snapshot<number>;
export function useCount(definition: AnyDefinition, filter?: ListFilter): Snapshot<number>;
export function useCount(...given: readonly unknown[]): Snapshot<number> {
  const [definition, filter] = withDefinition<[ListFilter?]>(given);
  return useQuery(useSource(), { type: "count", ...(definition && { definition }), ...(filter && { filter }) });
}

/** Which events are shown. */
export interface UseEventsOptions<N extends string> {
  /** Only these event types. Default: all. */
  readonly types?: readonly N[];
  /** At most so many, the last ones. Default 100. */
  readonly last?: number;
}

/** The last events of a process, in the order of its log. */
export function useProcessEvents(id: Id, options?: UseEventsOptions<string>): Snapshot<readonly ProcessEvent[]>;
export function useProcessEvents<I, O, E, S, G extends Payloads, const N extends EventTypes<E, S> = EventTypes<E, S>>(
  definition: Definition<I, O, E, S, G>,
  id: Id,
  options?: UseEventsOptions<N>,
): Snapshot<readonly ObservedEvent<{ definition: Definition<I, O, E, S, G> }, N>[]>;
export function useProcessEvents(...given: readonly unknown[]): Snapshot<unknown> {
  const [, id, options] = withDefinition<[Id, UseEventsOptions<string>?]>(given);
  return useQuery(
    useSource(),
    of(id, (id) => ({ type: "events", id, ...options })),
  );
}

/** The last event of a type. */
export function useLatestEvent(id: Id, eventType: string): Snapshot<ProcessEvent>;
export function useLatestEvent<I, O, E, S, G extends Payloads, const N extends EventTypes<E, S>>(
  definition: Definition<I, O, E, S, G>,
  id: Id,
  eventType: N,
): Snapshot<ObservedEvent<{ definition: Definition<I, O, E, S, G> }, N>>;
export function useLatestEvent(...given: readonly unknown[]): Snapshot<unknown> {
  const [, id, eventType] = withDefinition<[Id, string]>(given);
  return useQuery(
    useSource(),
    of(id, (id) => ({ type: "latestEvent", id, eventType })),
  );
}

/** What a stream says so far, in its last attempt: rendered again after `throttleMs` (default 50) at the earliest. */
export function useStream<C extends JsonLike = Json>(
  id: Id,
  name: string,
  options: { readonly throttleMs?: number } = {},
): Snapshot<StreamContent<C>> {
  return useQuery(
    useSource(),
    of(id, (id) => ({ type: "stream", id, name, ...options })),
  ) as Snapshot<StreamContent<C>>;
}

/** How a process ends, and that it has not ended yet. With a definition its value is typed. */
export function useResult(id: Id): ResultSnapshot<Json>;
export function useResult<I, O, E, S, G extends Payloads>(definition: Definition<I, O, E, S, G>, id: Id): ResultSnapshot<O>;
export function useResult(...given: readonly unknown[]): ResultSnapshot<unknown> {
  const [, id] = withDefinition<[Id]>(given);
  return useQuery(
    useSource(),
    of(id, (id) => ({ type: "result", id })),
  );
}

const of = <Q extends Query>(id: Id, query: (id: string) => Q): Q | undefined => (id === undefined ? undefined : query(id));

/** Arguments, of which the first one may be a definition. */
export function withDefinition<G extends unknown[]>(given: readonly unknown[]): [AnyDefinition | undefined, ...G] {
  const [first] = given;
  const isDefinition = typeof first === "object" && first !== null && "implement" in first;
  return (isDefinition ? given : [undefined, ...given]) as unknown as [AnyDefinition | undefined, ...G];
}
