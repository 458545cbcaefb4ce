/**
 * Checks what callers pass, before it crosses into wasm.
 *
 * Decides whether a value is JSON, a string, a number in range, a signal. Refuses to know
 * which fields a registration or a filter has: those shapes are checked on the other side,
 * which names the field too. Every refusal is a ProcessError `invalid_argument` that begins
 * with the path of the value it refuses.
 */
import { invalidArgument, ProcessError } from "./errors.js";
import { getOwnPropertySymbols, getPrototypeOf, hasOwn, isArray, isOf, keys, stringify, uncurried } from "./intrinsics.js";
import type { Json } from "./types.js";

/** Far above real documents, far below what the stack of any engine bears. */
const MAX_DEPTH = 100;
/** 2^25 characters: 64 MiB of UTF-16, well inside every engine's longest string and structured clone. */
const MAX_CHARACTERS = 33_554_432;
/**
 * What an object or array counts as, about its size in memory in characters. Small values that fold out to millions
 * of objects, by one object being in many places, are so refused within a fraction of a second.
 */
const CONTAINER = 32;

/** What a number is counted as that is no 32-bit whole number: no double has a longer text. */
const LONG_NUMBER = 24;
/** How many characters of JSON text the first walk may count as one, a comma included. */
const LONGEST = LONG_NUMBER + 1;
/** The most characters of a name: an id, an event type, a kind, a key. Counted as JavaScript counts them, in UTF-16 code units. */
const MAX_NAME = 1_024;

/** A plain copy of one of our shapes (an object) with JSON inside. `name` begins the path in a refusal. */
export function shape(value: unknown, name: string, of: Shape): Json {
  if (typeof value !== "object" || value === null || isArray(value)) {
    throw invalidArgument(`${name}: must be an object, not ${describe(value)}`);
  }
  return copied(value, name, of);
}

/** A copy of a JSON value, all of it the caller's own. */
export function json(value: unknown, name: string): Json {
  return copied(value, name, undefined);
}

function copied(value: unknown, name: string, of: Shape | undefined): Json {
  try {
    const budget = { left: MAX_CHARACTERS };
    const copied = copy(value, budget, 0, of);
    // Few values are near the limit, and only those are worth a second walk, which counts as JSON text does.
    if ((MAX_CHARACTERS - budget.left) * LONGEST > MAX_CHARACTERS) measure(copied, { left: MAX_CHARACTERS });
    return copied;
  } catch (fault) {
    throw refusal(fault, name);
  }
}

/** A string that UTF-8 can carry. */
export function text(value: unknown, name: string): string {
  if (typeof value !== "string") throw invalidArgument(`${name}: must be a string, not ${describe(value)}`);
  if (textLength(value) > MAX_CHARACTERS) throw invalidArgument(`${name}: ${TOO_LARGE}`);
  if (!isWellFormed(value)) throw invalidArgument(`${name}: ${LONE_SURROGATE}`);
  return value;
}

/** A string that is more than white space, and no longer than a name may be. */
export function id(value: unknown, name: string): string {
  const checked = text(value, name);
  if (isBlank(checked)) throw invalidArgument(`${name}: must not be blank`);
  if (checked.length > MAX_NAME) throw invalidArgument(`${name}: has more than ${MAX_NAME} characters`);
  return checked;
}

/** An event type. That of a signal may be as long as the longest name of a signal makes it. */
export function eventType(value: unknown, name: string): string {
  if (typeof value === "string" && value.startsWith(SIGNAL)) return SIGNAL + id(value.slice(SIGNAL.length), name);
  return id(value, name);
}

const SIGNAL = "signal.";

/**
 * Whether a string is empty or white space alone: what Unicode calls white space, and U+FEFF, which `trim` removes.
 *
 * `is_blank` in src/text.rs is the other half of this definition; a test on each side holds it to the list.
 */
export function isBlank(value: string): boolean {
  return /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*$/.test(value);
}

/** An array of names. */
export function ids(value: unknown, name: string): string[] {
  return names(value, name, id);
}

/** An array of event types, each of them once. */
export function eventTypes(value: unknown, name: string): string[] {
  return [...new Set(names(value, name, eventType))];
}

/** Which events of a log to read. */
export function eventQuery(value: unknown, name: string): Json {
  const { limit, types } = options<{ limit?: number; types?: string[] }>(value, name, {
    limit: optional(count),
    types: optional(eventTypes),
  });
  return { ...(limit !== undefined && { limit }), ...(types !== undefined && { types }) };
}

function names(value: unknown, name: string, check: (value: unknown, name: string) => string): string[] {
  if (!isArray(value)) throw invalidArgument(`${name}: must be an array, not ${describe(value)}`);
  try {
    return Array.from(value, (item, index) => check(item, `${name}[${index}]`));
  } catch (fault) {
    throw refusal(fault, name);
  }
}

/** A whole number that a double holds exactly, at least `min`. */
export function integer(value: unknown, name: string, min: number): number {
  if (typeof value !== "number") throw invalidArgument(`${name}: must be a number, not ${describe(value)}`);
  if (!Number.isSafeInteger(value)) throw invalidArgument(`${name}: must be a safe integer, not ${value}`);
  if (value < min) throw invalidArgument(`${name}: must be at least ${min}, not ${value}`);
  return value + 0;
}

/** A whole number, 0 or more. */
export const count = (value: unknown, name: string) => integer(value, name, 0);

/** A time to wait in milliseconds; `undefined` when there is no limit. */
export function timeout(value: unknown, name: string): number | undefined {
  if (value === undefined || value === Infinity) return undefined;
  if (typeof value !== "number") throw invalidArgument(`${name}: must be a number, not ${describe(value)}`);
  if (!(value >= 0)) throw invalidArgument(`${name}: must be at least 0, not ${value}`);
  return value + 0;
}

export function boolean(value: unknown, name: string): boolean {
  if (typeof value !== "boolean") throw invalidArgument(`${name}: must be true or false, not ${describe(value)}`);
  return value;
}

export function callback(value: unknown, name: string): (argument: never) => unknown {
  if (typeof value !== "function") throw invalidArgument(`${name}: must be a function, not ${describe(value)}`);
  return value as (argument: never) => unknown;
}

/** An AbortSignal of any realm. */
export function abortSignal(value: unknown, name: string): AbortSignal {
  const signal = value as AbortSignal | null;
  if (typeof signal?.aborted !== "boolean" || typeof signal.addEventListener !== "function") {
    throw invalidArgument(`${name}: must be an AbortSignal, not ${describe(value)}`);
  }
  return signal;
}

/** `check`, or `undefined` where the value is absent. */
export function optional<T>(check: (value: unknown, name: string) => T): (value: unknown, name: string) => T | undefined {
  return (value, name) => (value === undefined ? undefined : check(value, name));
}

/** An object that is of no class, of any realm: no array, no Map, no AbortSignal. */
export function plain(value: unknown, name: string): object {
  try {
    if (typeof value === "object" && value !== null && !isArray(value) && isPlain(value)) return value;
  } catch (fault) {
    throw refusal(fault, name);
  }
  throw invalidArgument(`${name}: must be a plain object, not ${describe(value)}`);
}

/**
 * Reads an object of options: each property goes once through its check, and a property
 * without a check is refused, because a misspelt option must not be ignored in silence.
 */
export function options<T>(value: unknown, name: string, checks: { [K in keyof T]: (value: unknown, name: string) => T[K] }): T {
  // An AbortSignal, say, has no fields of its own, and would pass for no options at all.
  const given = value === undefined ? {} : plain(value, name);
  try {
    refuseSymbols(given);
    const unknown = keys(given).find((key) => !hasOwn(checks, key));
    if (unknown !== undefined) throw invalidArgument(`${step(name, unknown)}: is not an option here`);
    const read = {} as T;
    for (const key of keys(checks) as (keyof T & string)[]) {
      // What it inherits is none of the caller's doing.
      const value = hasOwn(given, key) ? (given as Record<string, unknown>)[key] : undefined;
      read[key] = checks[key](value, `${name}.${key}`);
    }
    return read;
  } catch (fault) {
    throw refusal(fault, name);
  }
}

// ── Our own shapes ──────────────────────────────────────────────────────────

// Where a field has no shape of its own, the caller's data lies below it.

/** Stands for every field that a shape does not name. */
const EACH = Symbol("each");

/** The fields of an object of ours and the shapes below them; for an array, those of each item. */
export interface Shape {
  readonly [field: string]: Shape | undefined;
  readonly [EACH]?: Shape;
}

const SCOPE: Shape = fields("sessionId", "agentFrameId");
const OWNER: Shape = { ...fields("ownerId", "incarnationId"), liveness: fields("kind", "lockName") };
const LEASE: Shape = { ...fields("processId", "leaseToken", "fencingToken", "claimedAtMs", "expiresAtMs"), owner: OWNER };
// A template's own fields are named by the caller, and each is a selector again.
const SELECTOR: Shape = {
  ...fields("pointer", "const", "template", "present"),
  fields: { get [EACH]() { return SELECTOR; } },
};
const WAKE: Shape = { when: SELECTOR, input: SELECTOR, dedupeKey: { ...fields("const"), selector: SELECTOR } };
const EVENT_TYPE: Shape = {
  ...fields("name", "payloadSchema"),
  semantics: { terminal: { ...fields("state"), awaitOutput: SELECTOR }, wake: WAKE },
};
const INPUT: Shape = {
  ...fields("type", "metadata", "kind", "payload", "createRequest", "turnInput"),
  call: fields("callId", "toolName", "toolId", "args"),
};

export const SHAPES = {
  registration: {
    ...fields("id", "envRef", "recovery"),
    input: INPUT,
    identity: fields("kind", "label", "definition"),
    eventTypes: EVENT_TYPE,
    provenance: { ...fields("causedBy"), originator: { ...fields("type"), scope: SCOPE } },
    wakeTarget: SCOPE,
  },
  append: { ...fields("eventType", "payload", "replayKey"), wakeTargetScope: SCOPE, lease: LEASE },
  output: fields("type", "value", "control", "class", "code", "message", "raw"),
  externalRef: fields("backend", "id", "metadata"),
  wait: fields("kind", "name", "names", "eventType", "key", "ordinal", "sinceMs"),
  scope: SCOPE,
  descriptor: fields("kind", "label"),
  owner: OWNER,
  lease: LEASE,
  filter: fields("status", "waiting", "definition", "kind"),
  page: fields("limit", "cursor"),
  query: fields("limit", "types"),
} satisfies { [name: string]: Shape };

/** Fields without a shape of their own. */
function fields(...names: string[]): { [field: string]: undefined } {
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

// ── The walk ────────────────────────────────────────────────────────────────

const TOO_LARGE = `has more than ${MAX_CHARACTERS} characters`;
const LONE_SURROGATE = "has half of a surrogate pair, which no UTF-8 text can hold";

/** A refusal on its way out of the recursion; each level adds the key it was at, so that a walk without fault builds no path. */
class Fault {
  readonly keys: (string | number)[] = [];
  constructor(
    readonly why: string,
    readonly cause?: unknown,
  ) {}
}

/** What is left of the characters; an object of its own per walk, as a getter may start another. */
interface Budget {
  left: number;
}

/** Copies what lies in a shape of ours, or without one what is the caller's. */
function copy(value: unknown, budget: Budget, depth: number, of: Shape | undefined): Json {
  switch (typeof value) {
    case "string":
      spend(budget, value.length + 2);
      if (!isWellFormed(value)) throw new Fault(LONE_SURROGATE);
      return value;
    case "number":
      spend(budget, 1);
      if (!Number.isFinite(value)) throw new Fault(`is ${value}, which JSON has no word for`);
      return value + 0; // -0 becomes 0, as it would in JSON text.
    case "boolean":
      spend(budget, 1);
      return value;
    case "object":
      spend(budget, value === null ? 1 : CONTAINER);
      if (value === null) return null;
      // A cycle ends here as well. A search for it on the way would cost every honest value.
      if (depth === MAX_DEPTH) throw new Fault(`is more than ${MAX_DEPTH} levels deep, or contains itself`);
      return isArray(value)
        ? copyArray(value, budget, depth + 1, of)
        : copyObject(value as Record<string, unknown>, budget, depth + 1, of);
    default:
      throw new Fault(`is ${describe(value)}, which JSON cannot hold`);
  }
}

function copyArray(array: unknown[], budget: Budget, depth: number, of: Shape | undefined): Json[] {
  // Array.prototype, above it Object.prototype, above it nothing: the same in every realm.
  const above = getPrototypeOf(getPrototypeOf(array) ?? array);
  if (above === null || getPrototypeOf(above) !== null) throw new Fault(`is ${describe(array)}, not plain JSON`);
  const items: Json[] = [];
  let index = 0;
  try {
    // Reads a hole as undefined, which `copy` refuses.
    for (; index < array.length; index++) items.push(copy(array[index], budget, depth, of));
  } catch (fault) {
    throw at(fault, index);
  }
  refuseSymbols(array);
  // The keys of the items come first. Without holes there are as many as items.
  const name = keys(array)[items.length];
  if (name !== undefined) throw at(new Fault("is a name on an array, which JSON cannot hold"), name);
  return items;
}

function copyObject(object: Record<string, unknown>, budget: Budget, depth: number, of: Shape | undefined): Json {
  if (!isPlain(object)) throw new Fault(`is ${describe(object)}, not plain JSON`);
  refuseSymbols(object);
  const fields: { [key: string]: Json } = {};
  for (const key of keys(object)) {
    try {
      spend(budget, key.length + 3);
      if (!isWellFormed(key)) throw new Fault(`is a key that ${LONE_SURROGATE}`);
      if (key === "__proto__") throw new Fault("is a key that JavaScript objects give another meaning");
      const value = object[key];
      const ours = of !== undefined && hasOwn(of, key);
      // A field of ours that is optional, and as TypeScript has it, `undefined` is as good as left out.
      if (value === undefined && ours) continue;
      fields[key] = copy(value, budget, depth, ours ? of[key] : of?.[EACH]);
    } catch (fault) {
      throw at(fault, key);
    }
  }
  return fields;
}

/** Whether an object is of no class: made by a literal in whatever realm, or without prototype. */
export function isPlain(object: object): boolean {
  const prototype: unknown = getPrototypeOf(object);
  return prototype === null || prototype === Object.prototype || getPrototypeOf(prototype) === null;
}

/** A symbol that `Object.keys` would show if it were a string. Hidden ones are marks of libraries, and no data. */
function refuseSymbols(object: object): void {
  const symbols = getOwnPropertySymbols(object);
  if (symbols.length > 0 && symbols.some((symbol) => Object.prototype.propertyIsEnumerable.call(object, symbol))) throw new Fault("has a symbol for a key");
}

function spend(budget: Budget, characters: number): void {
  budget.left -= characters;
  if (budget.left < 0) throw new Fault(`makes the whole value have more than ${MAX_CHARACTERS} characters`);
}

/** Refuses a copied value whose JSON text, each object or array counted as more, is longer than the budget. */
function measure(value: Json, budget: Budget): void {
  if (typeof value === "string") spend(budget, textLength(value) + 3);
  else if (typeof value === "number") spend(budget, numberLength(value) + 1);
  else if (typeof value !== "object" || value === null) spend(budget, value === false ? 6 : 5);
  else {
    spend(budget, CONTAINER);
    for (const key of keys(value)) {
      try {
        if (!isArray(value)) spend(budget, textLength(key) + 3);
        measure((value as { [key: string]: Json })[key] as Json, budget);
      } catch (fault) {
        throw at(fault, isArray(value) ? Number(key) : key);
      }
    }
  }
}

/** How many characters a string has in JSON text, without the quotes. */
function textLength(value: string): number {
  if (!/[\u0000-\u001f"\\]/.test(value)) return value.length;
  let length = value.length;
  for (let place = 0; place < value.length; place++) {
    const code = value.charCodeAt(place);
    if (code === 0x22 || code === 0x5c) length += 1;
    else if (code < 0x20) length += code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? 1 : 5;
  }
  return length;
}

/** How many characters a number has in JSON text, or the most that one has. */
function numberLength(value: number): number {
  return (value | 0) === value ? `${value}`.length : LONG_NUMBER;
}

const isWellFormed: (text: string) => boolean =
  "isWellFormed" in String.prototype ? uncurried(String.prototype.isWellFormed) : (text) => !/\p{Surrogate}/u.test(text);

// ── Naming what was refused ─────────────────────────────────────────────────

function at(fault: unknown, key: string | number): Fault {
  const known = isOf(fault, Fault) ? fault : new Fault("could not be read", fault);
  known.keys.push(key);
  return known;
}

function refusal(fault: unknown, name: string): ProcessError {
  if (isOf(fault, ProcessError)) return fault;
  if (!isOf(fault, Fault)) return invalidArgument(`${name}: could not be read`, fault);
  return invalidArgument(`${fault.keys.reduceRight<string>(step, name)}: ${fault.why}`, fault.cause);
}

/** A path with one step more. */
export function step(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) && key.length <= 80) return `${path}.${key}`;
  return `${path}[${stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)}]`;
}

/** A few words for a value of any type. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value === "bigint" ? "a BigInt" : `a ${typeof value}`;
  try {
    const name: unknown = getPrototypeOf(value)?.constructor?.name;
    if (name === "Array") return "an array";
    return typeof name === "string" && name !== "Object" && name !== "" ? `an instance of ${name}` : "an object";
  } catch {
    return "an object"; // A proxy or a getter that throws; not worth hiding the refusal behind it.
  }
}
