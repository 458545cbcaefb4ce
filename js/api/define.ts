/** Definitions: reads what a user says of a kind of processes, and makes runners of it that check what they append and return. */
import { SHAPES } from "../border/arguments.js";
import { callNow } from "../border/call.js";
import { callback, eventType, id, plain, signalName } from "../border/check.js";
import { givenBack } from "../border/inside.js";
import { shape } from "../border/shapes.js";
import { freeze } from "../platform/intrinsics.js";
import { invalidArgument } from "../types/errors.js";
import type { AppendRequest, Implementation, Json, RunContext } from "../types/public.js";
import { final } from "./outcome.js";
import { checked, checkIfAny, checkOf, jsonSchemaIfAny, type Check } from "./schemas.js";

/** What is known of a definition. */
export interface Defined {
  readonly kind: string;
  /** The policy of its processes, and how they are recovered. */
  readonly policy: { readonly [name: string]: Json };
  readonly eventTypes: Json[];
  readonly input: Check;
  readonly signals: ReadonlyMap<string, Check>;
}

const DEFINED = new WeakMap<object, Defined>();

/** What is known of a definition; nothing of any other object. */
export function definedIfAny(definition: unknown): Defined | undefined {
  return typeof definition === "object" && definition !== null ? DEFINED.get(definition) : undefined;
}

/** What is known of a definition. */
export function definedOf(definition: unknown): Defined {
  const defined = definedIfAny(definition);
  if (defined === undefined) throw invalidArgument("definition: must be what defineProcess() gives");
  return defined;
}

/** What `defineProcess()` does. */
export function define(spec: object): { readonly kind: string; readonly version?: number; implement(run: unknown): Implementation } {
  return callNow(() => {
    const { kind: ofKind, input, output, events = {}, signals = {}, ...rest } = own(spec, "spec");
    const kind = id(ofKind, "spec.kind");
    const policy = shape(rest, "spec", SHAPES.defined) as { [name: string]: Json };
    const ofEvents = schemasOf(events, "spec.events", eventType);
    const outputCheck = output === undefined ? undefined : checkOf(output, "spec.output");
    const version = policy.version as number | undefined;
    const name = { kind, ...(version !== undefined && { version }) };
    const appended = new Map(ofEvents.filter(({ jsonSchema }) => jsonSchema === undefined).map(({ name, check }) => [name, check]));
    const definition = freeze({
      ...name,
      implement(run: unknown): Implementation {
        const runner = callback(run, "run") as (context: object) => unknown;
        return freeze({ ...name, run: (context: RunContext) => runOf(runner, context, appended, outputCheck) as Promise<Json> });
      },
    });
    DEFINED.set(definition, {
      kind,
      policy,
      eventTypes: ofEvents.map(({ name, jsonSchema }) => bare({ name, ...(hasFaults(jsonSchema) && { payloadSchema: jsonSchema }) })),
      input: checkIfAny(input, "spec.input"),
      signals: new Map(schemasOf(signals, "spec.signals", signalName).map(({ name, check }) => [name, check])),
    });
    return definition;
  });
}

/** What an object has of its own, each read once. */
export const own = (given: unknown, name: string): { [name: string]: unknown } =>
  callNow(() => ({ __proto__: null, ...plain(given, name) }) as { [name: string]: unknown });

/** Schemas by names, in the order of the names: the order in which they are written must not make another registration. */
function schemasOf(given: unknown, at: string, nameOf: (name: string, at: string) => string) {
  const named = Object.entries(plain(given, at)).sort(([one], [other]) => (one < other ? -1 : 1));
  return named.map(([key, schema]) => {
    const name = nameOf(key, `${at}: a name`);
    const place = `${at}.${name}`;
    return { name, check: checkOf(schema, place), jsonSchema: jsonSchemaIfAny(schema, place) };
  });
}

/** Whether a JSON Schema refuses anything. */
const hasFaults = (schema: Json | undefined): schema is Json => schema !== undefined && schema !== true;

/** Of what crosses to the WebAssembly, nothing is inherited. */
export const bare = (fields: { [name: string]: Json }): Json => ({ __proto__: null, ...fields }) as unknown as Json;

// ── Runs ────────────────────────────────────────────────────────────────────

/** Runs a process of a definition. Rejects with `invalid_payload` where what the runner returns does not fit, which another run would do as well. */
async function runOf(
  runner: (context: object) => unknown,
  context: RunContext,
  events: ReadonlyMap<string, Check>,
  output: Check | undefined,
): Promise<unknown> {
  const append = (request: AppendRequest) => {
    const check = events.get(eventTypeIn(request));
    return check === undefined ? context.append(request) : givenBack(appended(check, request));
  };
  const appended = async (check: Check, request: AppendRequest) => {
    const given = callNow(() => ({ ...request }));
    return checked(check, given.payload, "request.payload", (payload) => context.append({ ...given, payload }));
  };
  const value = await runner(freeze({ ...context, input: context.process.input.payload ?? null, append }));
  if (output === undefined) return value;
  try {
    return await output(value, "output");
  } catch (error) {
    throw final(error);
  }
}

/** What cannot be read is refused where it is appended. */
function eventTypeIn(request: AppendRequest): string {
  try {
    return request.eventType;
  } catch {
    return "";
  }
}
