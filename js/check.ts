/**
 * Checks what callers pass, before it crosses into wasm.
 *
 * Decides whether a value is JSON, a string, a number in range, a signal. Refuses to know
 * which fields a registration or a filter has: those shapes are checked on the other side,
 * which names the field too. Every refusal is a ProcessError `invalid_argument` that begins
 * with the path of the value it refuses.
 */
import { invalidArgument, ProcessError } from "./errors.js";
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

/**
 * The fields whose value is still one of our own shapes. Below any other name lies the
 * caller's data. In our shapes an `undefined` property counts as absent, as TypeScript's
 * optional fields do; in data it is refused, since a store could not give it back.
 */
const SHAPES = new Set([
  "input", "call", "identity", "eventTypes", "semantics", "terminal", "awaitOutput", "wake", "when", "dedupeKey",
  "selector", "fields", "provenance", "originator", "scope", "wakeTarget", "wakeTargetScope", "lease", "owner", "liveness",
]);

/** A plain copy of one of our shapes (an object) with JSON inside. `name` begins the path in a refusal. */
export function shape(value: unknown, name: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidArgument(`${name}: must be an object, not ${describe(value)}`);
  }
  try {
    return copy(value, { left: MAX_CHARACTERS }, 0, true);
  } catch (fault) {
    throw refusal(fault, name);
  }
}

/** A copy of a JSON value, all of it the caller's own. */
export function json(value: unknown, name: string): Json {
  try {
    return copy(value, { left: MAX_CHARACTERS }, 0, false);
  } catch (fault) {
    throw refusal(fault, name);
  }
}

/** A string that UTF-8 can carry. */
export function text(value: unknown, name: string): string {
  if (typeof value !== "string") throw invalidArgument(`${name}: must be a string, not ${describe(value)}`);
  if (value.length > MAX_CHARACTERS) throw invalidArgument(`${name}: ${TOO_LARGE}`);
  if (!isWellFormed(value)) throw invalidArgument(`${name}: ${LONE_SURROGATE}`);
  return value;
}

/** A string that is more than white space. */
export function id(value: unknown, name: string): string {
  const checked = text(value, name);
  if (checked.trim() === "") throw invalidArgument(`${name}: must not be blank`);
  return checked;
}

/** An array of non-blank strings. */
export function ids(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw invalidArgument(`${name}: must be an array, not ${describe(value)}`);
  try {
    return Array.from(value, (item, index) => id(item, `${name}[${index}]`));
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

/**
 * Reads an object of options: each property goes once through its check, and a property
 * without a check is refused, because a misspelt option must not be ignored in silence.
 */
export function options<T>(value: unknown, name: string, checks: { [K in keyof T]: (value: unknown, name: string) => T[K] }): T {
  const given = value === undefined ? {} : value;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalidArgument(`${name}: must be an object, not ${describe(given)}`);
  }
  try {
    const unknown = Object.keys(given).find((key) => !Object.hasOwn(checks, key));
    if (unknown !== undefined) throw invalidArgument(`${step(name, unknown)}: is not an option here`);
    const read = {} as T;
    for (const key of Object.keys(checks) as (keyof T & string)[]) {
      read[key] = checks[key]((given as Record<string, unknown>)[key], `${name}.${key}`);
    }
    return read;
  } catch (fault) {
    throw refusal(fault, name);
  }
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

function copy(value: unknown, budget: Budget, depth: number, ours: boolean): Json {
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
      return Array.isArray(value)
        ? copyArray(value, budget, depth + 1, ours)
        : copyObject(value as Record<string, unknown>, budget, depth + 1, ours);
    default:
      throw new Fault(`is ${describe(value)}, which JSON cannot hold`);
  }
}

function copyArray(array: unknown[], budget: Budget, depth: number, ours: boolean): Json[] {
  // Array.prototype, above it Object.prototype, above it nothing: the same in every realm.
  const above = Object.getPrototypeOf(Object.getPrototypeOf(array) ?? array);
  if (above === null || Object.getPrototypeOf(above) !== null) throw new Fault(`is ${describe(array)}, not plain JSON`);
  const items: Json[] = [];
  let index = 0;
  try {
    // Reads a hole as undefined, which `copy` refuses.
    for (; index < array.length; index++) items.push(copy(array[index], budget, depth, ours));
    return items;
  } catch (fault) {
    throw at(fault, index);
  }
}

function copyObject(object: Record<string, unknown>, budget: Budget, depth: number, ours: boolean): Json {
  const prototype = Object.getPrototypeOf(object);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw new Fault(`is ${describe(object)}, not plain JSON`);
  }
  if (Object.getOwnPropertySymbols(object).length > 0) throw new Fault("has a symbol for a key");
  const fields: { [key: string]: Json } = {};
  for (const key of Object.keys(object)) {
    try {
      spend(budget, key.length + 3);
      if (!isWellFormed(key)) throw new Fault(`is a key that ${LONE_SURROGATE}`);
      if (key === "__proto__") throw new Fault("is a key that JavaScript objects give another meaning");
      const value = object[key];
      if (value === undefined && ours) continue;
      fields[key] = copy(value, budget, depth, ours && SHAPES.has(key));
    } catch (fault) {
      throw at(fault, key);
    }
  }
  return fields;
}

function spend(budget: Budget, characters: number): void {
  budget.left -= characters;
  if (budget.left < 0) throw new Fault(`makes the whole value have more than ${MAX_CHARACTERS} characters`);
}

const isWellFormed: (text: string) => boolean =
  "isWellFormed" in String.prototype
    ? (text) => text.isWellFormed()
    : (text) => !/\p{Surrogate}/u.test(text);

// ── Naming what was refused ─────────────────────────────────────────────────

function at(fault: unknown, key: string | number): Fault {
  const known = fault instanceof Fault ? fault : new Fault("could not be read", fault);
  known.keys.push(key);
  return known;
}

function refusal(fault: unknown, name: string): ProcessError {
  if (fault instanceof ProcessError) return fault;
  if (!(fault instanceof Fault)) return invalidArgument(`${name}: could not be read`, fault);
  return invalidArgument(`${fault.keys.reduceRight<string>(step, name)}: ${fault.why}`, fault.cause);
}

function step(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) && key.length <= 80) return `${path}.${key}`;
  return `${path}[${JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)}]`;
}

/** A few words for a value of any type. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value === "bigint" ? "a BigInt" : `a ${typeof value}`;
  try {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    if (name === "Array") return "an array";
    return typeof name === "string" && name !== "Object" && name !== "" ? `an instance of ${name}` : "an object";
  } catch {
    return "an object"; // A proxy or a getter that throws; not worth hiding the refusal behind it.
  }
}
