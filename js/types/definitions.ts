/** The public types of definitions, of what implements them, and of the handles on processes that are started from them. */
import type {
  AppendRequest,
  AppendResult,
  ChildOptions,
  ChildRegistration,
  EventsOptions,
  Implementation,
  Json,
  JsonLike,
  ProcessAwaitOutput,
  ProcessEvent,
  ProcessHandle,
  ProcessPolicy,
  ProcessRegistration,
  RunContext,
  WaitOptions,
} from "./public.js";

// ── Schemas ─────────────────────────────────────────────────────────────────

/** A schema of Zod, Valibot, ArkType and others, as https://standardschema.dev has it in version 1: it takes an `I` and gives an `O`. */
export interface StandardSchema<I = unknown, O = I> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: I; readonly output: O } | undefined;
  };
}

/** A JSON Schema, draft 2020-12; `true` takes any JSON. Says nothing to TypeScript: see {@link DefineProcess}. */
export type JsonSchema = boolean | { readonly [keyword: string]: JsonLike };

/** What a definition has a payload checked by. */
export type Schema = StandardSchema | JsonSchema;

/** Schemas by the names of events or signals. */
export interface Schemas {
  readonly [name: string]: Schema;
}

/** What is wrong with a payload, at one place of it. */
export interface PayloadIssue {
  /** The keys and indexes that lead there. */
  readonly path: readonly (string | number)[];
  /** In the words of the schema. */
  readonly message: string;
}

/** What a schema takes. */
type Taken<S, Otherwise> = undefined extends S ? Otherwise : S extends StandardSchema<infer I, unknown> ? I : Otherwise;
/** What it gives, as it is stored: JSON has no `undefined`. */
type Made<S> = undefined extends S ? Json : S extends StandardSchema<unknown, infer O> ? Stored<O> : Json;
type Stored<T> = undefined extends T ? Exclude<T, undefined | void> | null : T;

/** Refuses a schema that gives what is no JSON, such as a `Date`. */
type Fits<S> = S extends StandardSchema<unknown, infer O> ? ([O] extends [Storable<O>] ? unknown : never) : unknown;
type FitsEach<S> = { [N in keyof S]: Fits<S[N]> };

/** `T`, where it is JSON but for fields that are `undefined`. */
type Storable<T> = [JsonLike] extends [T]
  ? T
  : T extends Json | undefined | void
    ? T
    : T extends symbol | bigint | ((...given: never) => unknown)
      ? never
      : T extends object
        ? { [K in keyof T]: K extends symbol ? never : Storable<T[K]> }
        : never;

// ── Definitions ─────────────────────────────────────────────────────────────

/** Describes the processes of a kind. `I`, `O`, `E` and `S` are the schemas of their input, output, events and signals. */
export interface ProcessSpec<K extends string = string, I = Schema, O = Schema, E = Schemas, S = Schemas> extends Omit<
  ProcessPolicy,
  "parentId" | "onParentEnd" | "traceContext"
> {
  /** Non-blank; what implementations and filters go by. */
  kind: K;
  /** Of the input: checked by `start`, before anything is written. Default: any JSON. */
  input?: I;
  /** Of what the runner returns. Where that does not fit, the process fails with `invalid_payload`, and is not retried. Default: any JSON. */
  output?: O;
  /**
   * The events that a run may append, by their types. They are a part of the registration, so that a process keeps those that it was started
   * with. A Standard Schema is checked by `append` of the typed context; a JSON Schema is stored with the process, and checked wherever
   * an event is appended.
   */
  events?: E;
  /** The signals that handles send, by their names. They are no part of the registration. Default: any name, with any JSON. */
  signals?: S;
  /** What to do with a process after a crash of its runner: run it again (the default) or end it as failed. */
  recovery?: "rerun" | "abandon";
}

/** What the schemas of a definition take: the same as they give, unless a schema converts. */
export interface Payloads {
  input: unknown;
  output: unknown;
  events: object;
  signals: object;
}

/**
 * What the processes of a kind take and give. It holds no code that runs them, so a page that only starts and awaits them need not
 * load any. `Input`, `Output`, `Events` and `Signals` are what is stored and read; `Given` is what is passed, before the schemas convert it.
 */
export interface Definition<
  Input = Json,
  Output = Json,
  Events = {},
  Signals = { [name: string]: Json },
  Given extends Payloads = { input: Input; output: Output; events: Events & object; signals: Signals & object },
> {
  readonly kind: string;
  readonly version?: number;
  /**
   * What runs the processes of this definition: for `processes` of a driver. The context of `run` has the typed `input` as well; what it
   * returns is the output.
   * @throws ProcessError `invalid_argument` for what is no function.
   */
  implement(
    run: (context: DefinedContext<Input, Events, Signals, Given>) => Promise<Returned<Given["output"]>> | Returned<Given["output"]>,
  ): Implementation;
  /** Never there: for TypeScript alone. */
  readonly types?: { readonly output: Output; readonly given: Given };
}

type Returned<O> = undefined extends O ? O | void : null extends O ? O | void : O;

/**
 * Makes a definition. The types of payloads are those of its schemas. Where there are none, or they are JSON Schemas, they can be given:
 * `defineProcess<Upload, string>({ kind: "upload" })`, in the order input, output, events (an object of payloads by event type), signals.
 */
export interface DefineProcess {
  <Input extends JsonLike, Output extends JsonLike = Json, Events extends object = {}, Signals extends object = { [name: string]: Json }>(
    spec: ProcessSpec<string, Schema, Schema, { readonly [N in keyof Events]: Schema }, { readonly [N in keyof Signals]: Schema }> &
      (keyof Events extends never ? unknown : { events: unknown }) &
      ([JsonLike] extends [Input] ? NoTypes : unknown) &
      ([Input, Output, Events, Signals] extends Storable<[Input, Output, Events, Signals]>
        ? unknown
        : { kind: "types of payloads must be JSON" }),
  ): Definition<Input, Output, Events, Signals>;
  // One parameter more than above, so that an error about types which are given is not about this one.
  <
    K extends string,
    I extends Schema | undefined,
    O extends Schema | undefined,
    E extends Schemas | undefined,
    S extends Schemas | undefined,
  >(
    spec: ProcessSpec<K, I, O, E, S> & { input?: Fits<I>; output?: Fits<O>; events?: FitsEach<E>; signals?: FitsEach<S> },
  ): Definition<
    Made<I>,
    Made<O>,
    MadeOf<E, {}>,
    MadeOf<S, { [name: string]: Json }>,
    { input: Taken<I, JsonLike>; output: Taken<O, JsonLike>; events: TakenOf<E, {}>; signals: TakenOf<S, { [name: string]: JsonLike }> }
  >;
}

/** Where no types are given, the schemas decide, by the other signature. */
type NoTypes = { kind: never };
type MadeOf<S, Otherwise> = undefined extends S ? Otherwise : { [N in keyof S]: Made<S[N]> };
type TakenOf<S, Otherwise> = undefined extends S ? Otherwise : { [N in keyof S]: Taken<S[N], JsonLike> };

// ── Runs ────────────────────────────────────────────────────────────────────

/** What the runner of a definition is given: a {@link RunContext} with the types of the definition. */
export interface DefinedContext<
  Input = Json,
  Events = {},
  Signals = { [name: string]: Json },
  Given extends Payloads = Payloads,
> extends Omit<RunContext, "append" | "startChild" | "waitForSignal"> {
  /** The input, as its schema gave it when the process was started. It is not checked again. */
  readonly input: Input;
  /**
   * Appends an event of the definition; its payload is checked by the schema, which may convert it.
   * @throws As `RunContext.append`; `invalid_payload`.
   */
  append(
    request: { [N in keyof Events & string]: DefinedAppend<N, N extends keyof Given["events"] ? Given["events"][N] : never> }[keyof Events &
      string],
  ): Promise<AppendResult>;
  /** As `RunContext.startChild`, with the options of `ProcessRegistry.start`. @throws As that; `lease_lost`. */
  startChild<I, O, E, S, G extends Payloads>(
    definition: Definition<I, O, E, S, G>,
    input: G["input"],
    options: DefinedChildOptions,
  ): Promise<DefinedHandle<O, E, S, G["signals"]>>;
  startChild(registration: ChildRegistration, options: ChildOptions): Promise<ProcessHandle>;
  // Takes no call: with it, the context also fits where a RunContext is asked for.
  waitForSignal<P extends JsonLike = Json>(name: never, options?: WaitOptions): Promise<ProcessEvent<P>>;
  /** As `RunContext.waitForSignal`, for the signals of the definition. */
  waitForSignal<N extends keyof Signals & string>(
    name: N | readonly N[],
    options?: WaitOptions,
  ): Promise<EventOf<`signal.${N}`, Events, Signals>>;
}

/** An event to append. */
export type DefinedAppend<N extends string, P> = Omit<AppendRequest, "eventType" | "payload"> & { eventType: N } & (undefined extends P
    ? { payload?: P }
    : null extends P
      ? { payload?: P }
      : { payload: P });

/** One line of a log, of a type that is known. */
export interface DefinedEvent<N extends string, P> extends ProcessEvent<P> {
  eventType: N;
}

/** The types of the events in the log of such a process. */
export type EventTypes<Events, Signals> = (keyof Events & string) | `signal.${keyof Signals & string}` | `process.${string}`;

/** The events of these types. */
export type EventOf<N extends string, Events, Signals> = N extends keyof Events
  ? DefinedEvent<N, Events[N]>
  : N extends `signal.${infer S}`
    ? DefinedEvent<N, S extends keyof Signals ? Signals[S] : Json>
    : DefinedEvent<N, Json>;

// ── Handles ─────────────────────────────────────────────────────────────────

/** How a process is started, beside what its definition says, and instead of it. */
export interface StartOptions extends Omit<
  ProcessRegistration<Json, { [key: string]: Json }, Json, JsonLike>,
  "id" | "input" | "identity" | "eventTypes" | "version"
> {
  /** Default: a random UUID, of version 7: processes that are started here one after the other sort so. Under an id of your own, starting it again with the same input gives the process that is there. */
  id?: string;
  /** For people: the `label` of its identity. */
  label?: string;
  /** Beside those of the definition. */
  labels?: { [name: string]: string };
}

/** An input, which may be left out where it may be `null`, and options. */
export type StartArguments<Input, Options = StartOptions> = undefined extends Input
  ? [input?: Input, options?: Options]
  : null extends Input
    ? [input?: Input, options?: Options]
    : [input: Input, options?: Options];

/** How a child of a definition is started. */
export type DefinedChildOptions = ChildOptions & Omit<StartOptions, "parentId" | "onParentEnd">;

/** A handle with the types of a definition. */
export interface DefinedHandle<Output = Json, Events = {}, Signals = { [name: string]: Json }, Sent = Signals> extends Omit<
  ProcessHandle<Output>,
  "signal" | "events"
> {
  /**
   * As `ProcessRegistry.signal`; the payload is checked by the schema of the signal, which may convert it.
   * @throws As `ProcessRegistry.signal`; `invalid_payload`.
   */
  signal<N extends keyof Sent & string>(name: N, ...given: SignalArguments<Sent[N]>): Promise<AppendResult>;
  /** Its log, as `ProcessRegistry.events`: a union that `eventType` discriminates. */
  events<N extends EventTypes<Events, Signals> = EventTypes<Events, Signals>>(
    options?: Omit<EventsOptions, "types"> & { types?: N[] },
  ): AsyncIterableIterator<EventOf<N, Events, Signals>>;
}

type SignalArguments<P> = undefined extends P
  ? [payload?: P, options?: { signalId?: string }]
  : null extends P
    ? [payload?: P, options?: { signalId?: string }]
    : [payload: P, options?: { signalId?: string }];

/** A handle on a process of any definition. */
type AnyHandle = Pick<ProcessHandle<unknown>, "id" | "result">;

type ResultOf<H> = H extends { result(options?: WaitOptions): Promise<infer O> } ? O : never;

/** The values of handles, in their order. */
export type Results<H extends readonly AnyHandle[]> = { -readonly [N in keyof H]: ResultOf<H[N]> };

/** One of some handles, and how its process ended. */
export type First<H extends readonly AnyHandle[]> = {
  [N in keyof H]: { handle: H[N]; output: ProcessAwaitOutput<ResultOf<H[N]>> };
}[number];

/** Handles on processes. */
export type Handles = readonly AnyHandle[];
