/** The public types of `observe()`: queries, and the snapshots that answer them. */
import type { Definition, EventOf, EventTypes, Payloads } from "./definitions.js";
import type { ProcessCancelledError, ProcessFailedError } from "./errors.js";
import type { Json, ListFilter, Page, ProcessAwaitOutput, ProcessEvent, ProcessRecord, ProcessRegistry, StreamChunk } from "./public.js";

/** A registry, or the promise of one: until that is settled, what is observed through it is loading. */
export type RegistrySource = ProcessRegistry | PromiseLike<ProcessRegistry>;

// ── Queries ─────────────────────────────────────────────────────────────────

/** Any definition. Where a query names one, its answers have the types of the definition. */
export type AnyDefinition = Pick<Definition<unknown, unknown, unknown, unknown, Payloads>, "kind" | "version" | "types">;

/** What to observe. Two queries that are equal as JSON share their reads and their snapshots. */
export type Query = ProcessQuery | ProcessesQuery | CountQuery | EventsQuery | LatestEventQuery | StreamQuery | ResultQuery;

/** One process: its record. Absent where there is none of that id. */
export interface ProcessQuery {
  readonly type: "process";
  readonly id: string;
  /** Types the record, and does nothing else. */
  readonly definition?: AnyDefinition;
}

/** A list of processes. An empty one is present. */
export interface ProcessesQuery extends Pick<Page, "order"> {
  readonly type: "processes";
  /** Narrows the list to the kind of the definition, of any version, and types the records. */
  readonly definition?: AnyDefinition;
  /** As for `listProcesses`. Default: all that run. */
  readonly filter?: ListFilter;
  /** The first so many of the order. Queries that differ in it alone share their rows: another page reads what is not there yet. Default: all. */
  readonly limit?: number;
}

/** How many processes fit. */
export interface CountQuery {
  readonly type: "count";
  /** Narrows the count to the kind of the definition. */
  readonly definition?: AnyDefinition;
  /** As for `countProcesses`. Default: all that run. */
  readonly filter?: ListFilter;
}

/** The last events of a process, in the order of its log. Absent where there is no such process. */
export interface EventsQuery {
  readonly type: "events";
  readonly id: string;
  /** Types the events, and does nothing else. */
  readonly definition?: AnyDefinition;
  /** Only these event types. Default: all. */
  readonly types?: readonly string[];
  /** At most so many. Default 100. */
  readonly last?: number;
}

/** The last event of a type. Absent where there is none. */
export interface LatestEventQuery {
  readonly type: "latestEvent";
  readonly id: string;
  /** Types the event, and does nothing else. */
  readonly definition?: AnyDefinition;
  readonly eventType: string;
}

/** What a stream says: the chunks of its last attempt. Absent where there is no such process. */
export interface StreamQuery {
  readonly type: "stream";
  readonly id: string;
  readonly name: string;
  /** The least time between two snapshots, in milliseconds. Default 50. */
  readonly throttleMs?: number;
}

/** How a process ends. */
export interface ResultQuery {
  readonly type: "result";
  readonly id: string;
  /** Types the value, and does nothing else. */
  readonly definition?: AnyDefinition;
}

// ── Answers ─────────────────────────────────────────────────────────────────

/**
 * What is known at a moment: not yet anything, that there is nothing, what there is, or why that could not be read, with what was read
 * before. A snapshot is the same object until what it shows has changed, and so is every part of it that has not. It is shared: do not
 * change it.
 */
export type Snapshot<T> =
  | { readonly status: "loading"; readonly value?: undefined; readonly error?: undefined }
  | { readonly status: "absent"; readonly value?: undefined; readonly error?: undefined }
  | { readonly status: "present"; readonly value: T; readonly error?: undefined }
  | { readonly status: "error"; readonly value?: T | undefined; readonly error: Error };

/** A snapshot of a list, with what is behind it. */
export type ListSnapshot<R> = Snapshot<readonly R[]> & {
  /** Whether there are more than these. */
  readonly hasMore: boolean;
  /** Whether more are being read, for a higher limit. */
  readonly isLoadingMore: boolean;
};

/** What a stream said so far. */
export interface StreamContent<C = Json> {
  /** The values of the chunks, in their order. */
  readonly values: readonly C[];
  /** The attempt that they are of; 0 before the first chunk. */
  readonly attempt: StreamChunk["attempt"];
  /** Whether nothing follows: the stream was closed, or its process has ended. */
  readonly isEnded: boolean;
}

/** Where a process is on its way to a result, and that. */
export type ResultSnapshot<O> =
  | { readonly status: "loading" | "absent" | "running"; readonly value?: undefined; readonly error?: undefined }
  | { readonly status: "completed"; readonly value: O; readonly error?: undefined }
  | { readonly status: "failed"; readonly value?: undefined; readonly error: ProcessFailedError }
  | { readonly status: "cancelled"; readonly value?: undefined; readonly error: ProcessCancelledError }
  /** It could not be read. */
  | { readonly status: "error"; readonly value?: undefined; readonly error: Error };

/** The record of a process of a definition. */
export interface DefinedRecord<Input = Json, Output = Json> extends Omit<ProcessRecord, "input" | "status"> {
  input: { type: "engine"; kind: string; payload: Input };
  status:
    | { state: "running"; awaitOutput?: never }
    | { state: "completed"; awaitOutput: Extract<ProcessAwaitOutput<Output>, { type: "success" }> }
    | { state: "failed"; awaitOutput: Extract<ProcessAwaitOutput, { type: "failure" }> }
    | { state: "cancelled"; awaitOutput: Extract<ProcessAwaitOutput, { type: "cancelled" }> };
}

/** The record of a process of a definition: `RecordOf<typeof uploads>`. */
export type RecordOf<D extends AnyDefinition> =
  D extends Definition<infer I, infer O, infer _E, infer _S, infer _G> ? DefinedRecord<I, O> : ProcessRecord;

/** The records that a query asks for: of its definition, where it has one. */
export type FoundRecord<Q> = Q extends { readonly definition: infer D extends AnyDefinition } ? RecordOf<D> : ProcessRecord;

type OutputOf<Q> = Q extends { readonly definition: Definition<infer _I, infer O, infer _E, infer _S, infer _G> } ? O : Json;

/** The events that a query asks for. */
export type ObservedEvent<Q, N> = Q extends { readonly definition: Definition<infer _I, infer _O, infer E, infer S, infer _G> }
  ? EventOf<N extends EventTypes<E, S> ? N : EventTypes<E, S>, E, S>
  : ProcessEvent;

/** The snapshots of a query. */
export type Observed<Q> = Q extends { readonly type: "process" }
  ? Snapshot<FoundRecord<Q>>
  : Q extends { readonly type: "processes" }
    ? ListSnapshot<FoundRecord<Q>>
    : Q extends { readonly type: "count" }
      ? Snapshot<number>
      : Q extends { readonly type: "events"; readonly types: readonly (infer N)[] }
        ? Snapshot<readonly ObservedEvent<Q, N>[]>
        : Q extends { readonly type: "events" }
          ? Snapshot<readonly ObservedEvent<Q, string>[]>
          : Q extends { readonly type: "latestEvent"; readonly eventType: infer N }
            ? Snapshot<ObservedEvent<Q, N>>
            : Q extends { readonly type: "stream" }
              ? Snapshot<StreamContent>
              : Q extends { readonly type: "result" }
                ? ResultSnapshot<OutputOf<Q>>
                : never;

/** What `useSyncExternalStore` of React, and anything like it, can read. */
export interface Observable<S> {
  /**
   * Calls `listener` after each new snapshot. Gives the function that ends it. The first listener has it read, and hear of changes in all tabs; with
   * the last one it stops, two seconds later: one that comes before finds all as it was.
   */
  subscribe(listener: () => void): () => void;
  /** What is known now. Reads nothing: without a listener it is loading. */
  getSnapshot(): S;
}
