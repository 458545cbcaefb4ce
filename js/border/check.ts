/**
 * Checks single arguments and options, before they cross into wasm. Documents are checked by their shapes, see border/.
 *
 * Every refusal is a ProcessError `invalid_argument` that begins with the path of the value it refuses.
 */
import { describe, refusal, step } from "./fault.js";
import { invalidArgument } from "../types/errors.js";
import { getOwnPropertySymbols, getPrototypeOf, hasOwn, isArray, keys, uncurried } from "../platform/intrinsics.js";

/** 2^25 characters: 64 MiB of UTF-16, well inside every engine's longest string and structured clone. */
export const MAX_CHARACTERS = 33_554_432;
/** The most characters of a name: an id, an event type, a kind, a key. Counted as JavaScript counts them, in UTF-16 code units. */
const MAX_NAME = 1_024;

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
  const why = noName(checked);
  if (why !== undefined) throw invalidArgument(`${name}: ${why}`);
  return checked;
}

/** Why a string can be no name, where it cannot. */
export function noName(value: string): string | undefined {
  return isBlank(value) ? "must not be blank" : tooLong(value);
}

/** Why a string is no name that may be blank, where it is none. */
export function tooLong(value: string): string | undefined {
  return value.length > MAX_NAME ? `has more than ${MAX_NAME} characters` : undefined;
}

/** An event type. That of a signal may be as long as the longest name of a signal makes it. */
export function eventType(value: unknown, name: string): string {
  if (typeof value === "string" && value.startsWith(SIGNAL)) return SIGNAL + id(value.slice(SIGNAL.length), name);
  return id(value, name);
}

/** How the event types of signals begin. */
export const SIGNAL = "signal.";

/**
 * Whether a string is empty or white space alone: what Unicode calls white space, and U+FEFF, which `trim` removes.
 *
 * `is_blank` in crates/core/src/text.rs is the other half of this definition; a test on each side holds it to the list.
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

/** Whether it is an array. A proxy that was revoked does not even say that, and is refused. */
function isArrayAt(value: unknown, name: string): value is unknown[] {
  try {
    return isArray(value);
  } catch (fault) {
    throw refusal(fault, name);
  }
}

function names(value: unknown, name: string, check: (value: unknown, name: string) => string): string[] {
  if (!isArrayAt(value, name)) throw invalidArgument(`${name}: must be an array, not ${describe(value)}`);
  try {
    return Array.from(value, (item, index) => check(item, `${name}[${index}]`));
  } catch (fault) {
    throw refusal(fault, name);
  }
}

/** The name of a signal. */
export function signalName(value: unknown, name: string): string {
  const checked = text(value, name);
  if (!/^[\w-]+$/.test(checked)) throw invalidArgument(`${name}: must be of ASCII letters, digits, _ and -`);
  return id(checked, name);
}

/** An array of names of signals. */
export function signalNames(value: unknown, name: string): string[] {
  return names(value, name, signalName);
}

/** A whole number that a double holds exactly, at least `min` and at most `max`. */
export function integer(value: unknown, name: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== "number") throw invalidArgument(`${name}: must be a number, not ${describe(value)}`);
  if (!Number.isSafeInteger(value)) throw invalidArgument(`${name}: must be a safe integer, not ${value}`);
  if (value < min) throw invalidArgument(`${name}: must be at least ${min}, not ${value}`);
  if (value > max) throw invalidArgument(`${name}: must be at most ${max}, not ${value}`);
  return value + 0;
}

/** A number that is neither infinite nor `NaN`. */
export function finite(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isFinite(value))
    throw invalidArgument(`${name}: must be a finite number, not ${describe(value)}`);
  return value + 0;
}

/** How long to hold a lease, in milliseconds: at most 24 days, the longest a browser timer counts. */
export const ttl = (value: unknown, name: string, leastMs = 0) => longEnough(integer(value, name, 1, 2 ** 31 - 1), name, leastMs);

/** How long a lease is to last, which is at least as long as its store asks for. */
export function longEnough(ttlMs: number, name: string, leastMs: number): number {
  if (ttlMs >= leastMs) return ttlMs;
  throw invalidArgument(`${name}: must be at least ${leastMs} on this store, as a failover of its servers may keep a renewal waiting`);
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

/** A span in milliseconds, 0 or more. */
export function span(value: unknown, name: string): number {
  const given = finite(value, name);
  if (given < 0) throw invalidArgument(`${name}: must be at least 0, not ${given}`);
  return Math.min(Math.ceil(given), Number.MAX_SAFE_INTEGER);
}

/** A time in epoch milliseconds, or a `Date` of any realm. */
export function time(value: unknown, name: string): number {
  if (typeof value === "number") return span(value, name);
  let read: number;
  try {
    read = getTime(value as Date);
  } catch {
    throw invalidArgument(`${name}: must be a number or a Date, not ${describe(value)}`);
  }
  return span(read, name);
}

const getTime = uncurried(Date.prototype.getTime as (this: Date) => number);

/** One of a few words. */
export function oneOf<W extends string>(...words: W[]): (value: unknown, name: string) => W {
  return (value, name) => {
    const word = words.find((word) => word === value);
    if (word === undefined) throw invalidArgument(`${name}: must be one of ${words.join(", ")}`);
    return word;
  };
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

/** Whether an object is of no class: made by a literal in whatever realm, or without prototype. */
export function isPlain(object: object): boolean {
  const prototype: unknown = getPrototypeOf(object);
  return prototype === null || prototype === Object.prototype || getPrototypeOf(prototype) === null;
}

/** Whether an object has a symbol that `Object.keys` would show if it were a string. Hidden ones are marks of libraries, and no data. */
export function hasSymbols(object: object): boolean {
  const symbols = getOwnPropertySymbols(object);
  return symbols.length > 0 && symbols.some((symbol) => Object.prototype.propertyIsEnumerable.call(object, symbol));
}

/**
 * Reads an object of options: each property goes once through its check, and a property
 * without a check is refused, because a misspelt option must not be ignored in silence.
 */
export function options<T>(value: unknown, name: string, checks: { [K in keyof T]: (value: unknown, name: string) => T[K] }): T {
  // An AbortSignal, say, has no fields of its own, and would pass for no options at all.
  const given = value === undefined ? {} : plain(value, name);
  try {
    const unknown = keys(given).find((key) => !hasOwn(checks, key));
    if (unknown !== undefined) throw invalidArgument(`${step(name, unknown)}: is not an option here`);
    if (hasSymbols(given)) throw invalidArgument(`${name}: has a symbol for a key`);
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

// ── Texts ───────────────────────────────────────────────────────────────────

const TOO_LARGE = `has more than ${MAX_CHARACTERS} characters`;
export const LONE_SURROGATE = "has half of a surrogate pair, which no UTF-8 text can hold";

/** How many characters a string has in JSON text, without the quotes. */
export function textLength(value: string): number {
  if (!/[\u0000-\u001f"\\]/.test(value)) return value.length;
  let length = value.length;
  for (let place = 0; place < value.length; place++) {
    const code = value.charCodeAt(place);
    if (code === 0x22 || code === 0x5c) length += 1;
    else if (code < 0x20) length += code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? 1 : 5;
  }
  return length;
}

/** Whether a string has no half of a surrogate pair. */
export const isWellFormed: (text: string) => boolean =
  "isWellFormed" in String.prototype ? uncurried(String.prototype.isWellFormed) : (text) => !/\p{Surrogate}/u.test(text);
