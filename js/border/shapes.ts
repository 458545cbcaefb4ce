/**
 * What the documents that callers pass must look like, as data: `object({ id: name, label: optional(label) })`.
 *
 * A shape checks a value and copies it in one walk, which reads each property once. What it gives is plain JSON, without the
 * fields that are as good as left out. Every refusal is a ProcessError `invalid_argument` that begins with the path of the
 * value it refuses. The shapes of the arguments are in arguments.ts.
 */
import { hasSymbols, isPlain, isWellFormed, LONE_SURROGATE, MAX_CHARACTERS, noName, textLength, tooLong } from "./check.js";
import { create, getPrototypeOf, isArray, keys } from "../platform/intrinsics.js";
import type { Json } from "../types/public.js";
import { at, describe, Fault, refusal } from "./fault.js";

/** Gives a copy of a value that looks as it must, and throws a {@link Fault} for any other. */
export type Shape = (value: unknown, budget: Budget, depth: number) => Json;

/** The fields of an object: each must be there, unless it is {@link optional}. */
export interface Fields {
  readonly [name: string]: Shape | Optional;
}

interface Optional {
  readonly optional: Shape;
  readonly nullIsAbsent: boolean;
}

/** What is left of the characters; an object of its own per walk, as a getter may start another. */
interface Budget {
  left: number;
  /** Leaves out what is `undefined` in the caller's own objects, as `JSON.stringify` does, instead of refusing it. */
  readonly dropsUndefined?: boolean;
}

/** Far above real documents, far below what the stack of any engine bears. */
const MAX_DEPTH = 100;
/**
 * What an object or array counts as, about its size in memory in characters. Small values that fold out to millions
 * of objects, by one object being in many places, are so refused within a fraction of a second.
 */
const CONTAINER = 32;
/** What a number is counted as that is no 32-bit whole number: no double has a longer text. */
const LONG_NUMBER = 24;
/** How many characters of JSON text the first walk may count as one, a comma included. */
const LONGEST = LONG_NUMBER + 1;
const SYMBOL = "has a symbol for a key";

/** A plain copy of a value that looks like `of`. `name` begins the path in a refusal. */
export function shape(value: unknown, name: string, of: Shape, dropsUndefined = false): Json {
  try {
    const budget = { left: MAX_CHARACTERS, dropsUndefined };
    const copied = of(value, budget, 0);
    // Few values are near the limit, and only those are worth a second walk, which counts as JSON text does.
    if ((MAX_CHARACTERS - budget.left) * LONGEST > MAX_CHARACTERS) measure(copied, { left: MAX_CHARACTERS });
    return copied;
  } catch (fault) {
    throw refusal(fault, name);
  }
}

/** A copy of a JSON value, all of it the caller's own. */
export function json(value: unknown, name: string): Json {
  return shape(value, name, payload);
}

// ── Single values ───────────────────────────────────────────────────────────

/** Any JSON, `null` too: the caller's own, not looked into. */
export const payload: Shape = copy;

/** A string. */
export const text: Shape = (value, budget) => {
  if (typeof value !== "string") throw wrong("a string", value);
  return copyText(value, budget);
};

/** A string that is no longer than a name may be. */
export const label: Shape = (value, budget) => fit(text(value, budget, 0) as string, tooLong);

/** A string that is more than white space, and no longer than a name may be. */
export const name: Shape = (value, budget) => fit(text(value, budget, 0) as string, noName);

function fit(copied: string, whyNot: (value: string) => string | undefined): string {
  const why = whyNot(copied);
  if (why !== undefined) throw new Fault(why);
  return copied;
}

/** A JSON pointer (RFC 6901). */
export const pointer: Shape = (value, budget) => {
  const copied = text(value, budget, 0) as string;
  if (copied !== "" && !copied.startsWith("/")) throw new Fault("is a JSON pointer, and must be empty or begin with /");
  return copied;
};

/** A whole number, 0 or more, that a double holds exactly. */
export const count: Shape = (value, budget) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong("a whole number from 0 to 2^53 - 1", value);
  return copyNumber(value as number, budget);
};

/** A whole number that a double holds exactly. */
export const whole: Shape = (value, budget) => {
  if (!Number.isSafeInteger(value)) throw wrong("a whole number from -(2^53 - 1) to 2^53 - 1", value);
  return copyNumber(value as number, budget);
};

/** A number that is neither infinite nor `NaN`. */
export const finite: Shape = (value, budget) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong("a finite number", value);
  return copyNumber(value, budget);
};

/** True or false. */
export const flag: Shape = (value, budget) => {
  if (typeof value !== "boolean") throw wrong("true or false", value);
  spend(budget, 1);
  return value;
};

/** One of a few words. */
export function oneOf(...words: string[]): Shape {
  const known = table(words.map((word) => [word, true]));
  return (value, budget) => {
    if (typeof value !== "string" || known[value] === undefined) throw new Fault(`must be one of ${words.join(", ")}`);
    spend(budget, value.length + 2);
    return value;
  };
}

// ── Lists and objects ───────────────────────────────────────────────────────

/**
 * A field that may be left out. As TypeScript has it, `undefined` is as good as that; and so is `null`, unless it is a value
 * of its own, as in a payload.
 */
export function optional(of: Shape): Optional {
  return { optional: of, nullIsAbsent: of !== payload };
}

/** An array. */
export function list(of: Shape): Shape {
  return (value, budget, depth) => {
    if (!isArray(value)) throw wrong("an array", value);
    enter(budget, depth);
    return copyArray(value, budget, depth + 1, of);
  };
}

/** An object of these fields and no others. */
export function object(fields: Fields): Shape {
  const plan = planOf(fields);
  return (value, budget, depth) => copyFields(value, budget, depth, () => plan);
}

/** An object of these fields and perhaps others, which are the caller's own. */
export function open(fields: Fields): Shape {
  const plan: Plan = { ...planOf(fields), others: payload };
  return (value, budget, depth) => copyFields(value, budget, depth, () => plan);
}

/** An object whose fields the caller names. `whyNot` says why a name is none. */
export function record(of: Shape, whyNot: (name: string) => string | undefined = tooLong): Shape {
  const plan: Plan = { ...planOf({}), others: of, whyNotNamed: whyNot };
  return (value, budget, depth) => copyFields(value, budget, depth, () => plan);
}

/** An object whose field `tag` says which of these objects it is. */
export function tagged(tag: string, kinds: { readonly [kind: string]: Fields }): Shape {
  const fieldsOfAll = Object.values(kinds);
  const word = { [tag]: oneOf(...Object.keys(kinds)) };
  const plans = table(Object.entries(kinds).map(([kind, fields]) => [kind, planOf({ ...elsewhere(fieldsOfAll), ...fields, ...word })]));
  // For what has no such tag. Refuses a field that no kind has first, since that may be the tag, misspelt.
  const none = planOf({ ...unread(fieldsOfAll), ...word });
  return (value, budget, depth) =>
    copyFields(value, budget, depth, (field) => {
      const kind = field(tag);
      return (typeof kind === "string" ? plans[kind] : undefined) ?? none;
    });
}

/**
 * A word, or one of a few objects, which differ by their first fields. The first object applies whose first field is present;
 * the first fields of those before it may be `null`.
 */
export function either(word: string, objects: readonly Fields[]): Shape {
  const choices = objects.map((fields, place) => {
    const [first, given] = Object.entries(fields)[0] as [string, Shape | Optional];
    const passed = Object.fromEntries(
      objects.slice(0, place).map((before) => [Object.keys(before)[0], { optional: unknown, nullIsAbsent: true }]),
    );
    return { first, nullIsThere: given === payload, plan: planOf({ ...elsewhere(objects), ...passed, ...fields }) };
  });
  const forms = [`"${word}"`, ...objects.map((fields) => `{${Object.keys(fields).join(", ")}}`)];
  const expected = `must be ${forms.slice(0, -1).join(", ")} or ${forms.at(-1)}`;
  const none: Plan = { ...planOf(unread(objects)), expected };
  return (value, budget, depth) => {
    if (value === word) {
      spend(budget, word.length + 2);
      return word;
    }
    if (typeof value === "string") throw new Fault(expected);
    if (!isObject(value)) throw new Fault(`${expected}, not ${describe(value)}`);
    return copyFields(value, budget, depth, (field) => {
      for (let place = 0; place < choices.length; place++) {
        const { first, nullIsThere, plan } = choices[place] as (typeof choices)[number];
        const value = field(first);
        if (value !== undefined && (value !== null || nullIsThere)) return plan;
      }
      return none;
    });
  };
}

/** Values by names. It inherits nothing: a name that is not in it gives `undefined`. */
interface Table<T> {
  readonly [name: string]: T | undefined;
}

function table<T>(entries: [name: string, value: T][]): Table<T> {
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

/** What the fields of an object are checked by. */
interface Plan {
  readonly known: Table<Field>;
  readonly required: readonly string[];
  /** For fields that are not known. */
  readonly others: Shape;
  /** Why a key that is not known is no name, where those are names. */
  readonly whyNotNamed?: (name: string) => string | undefined;
  /** What is wrong with the object where no field of it is. */
  readonly expected?: string;
}

interface Field {
  readonly of: Shape;
  readonly nullIsAbsent: boolean;
}

function planOf(fields: Fields): Plan {
  const entries = Object.entries(fields);
  return {
    known: table(
      entries.map(([name, given]) => [
        name,
        typeof given === "function" ? { of: given, nullIsAbsent: false } : { of: given.optional, nullIsAbsent: given.nullIsAbsent },
      ]),
    ),
    required: entries.filter(([, given]) => typeof given === "function").map(([name]) => name),
    others: unknown,
  };
}

/** The fields of some objects for another one, in which they must not be. `undefined` is as good as that. */
function elsewhere(objects: readonly Fields[]): Fields {
  return allOf(objects, { optional: unknown, nullIsAbsent: false });
}

/** The fields of some objects for one that is refused in any case. */
function unread(objects: readonly Fields[]): Fields {
  return allOf(objects, { optional: () => null, nullIsAbsent: true });
}

function allOf(objects: readonly Fields[], field: Optional): Fields {
  return Object.fromEntries(objects.flatMap((fields) => Object.keys(fields)).map((name) => [name, field]));
}

const unknown: Shape = () => {
  throw new Fault("is not known here");
};

// ── The walk ────────────────────────────────────────────────────────────────

// It calls nothing that code of the page could have replaced by now: what is passed is of no concern to it.

/** Copies an object of ours. All of it is read first: which fields it may have can depend on any of them. */
function copyFields(given: unknown, budget: Budget, depth: number, planFor: (field: (name: string) => unknown) => Plan): Json {
  if (!isObject(given)) throw wrong("an object", given);
  enter(budget, depth);
  refuseUnlessPlain(given);
  const names = keys(given);
  const values: unknown[] = [];
  let fields: { [key: string]: Json } = {};
  let place = 0;
  let plan: Plan;
  try {
    for (; place < names.length; place++) values[place] = (given as Record<string, unknown>)[names[place] as string];
    plan = planFor((name) => {
      for (let place = 0; place < names.length; place++) if (names[place] === name) return values[place];
      return undefined;
    });
    // Of what is ours, the other side asks for fields by name, also for those that are absent: none may be inherited.
    if (plan.others !== payload) fields = create(null) as typeof fields;
    for (place = 0; place < names.length; place++) {
      const name = names[place] as string;
      const value = values[place];
      const field = plan.known[name];
      if (field === undefined) {
        spendKey(name, budget);
        const why = plan.whyNotNamed?.(name);
        if (why !== undefined) throw new Fault(`is a name that ${why}`);
        fields[name] = plan.others(value, budget, depth + 1);
      } else if (value !== undefined && !(value === null && field.nullIsAbsent)) {
        spend(budget, name.length + 3);
        fields[name] = field.of(value, budget, depth + 1);
      }
    }
  } catch (fault) {
    throw at(fault, names[place] as string);
  }
  if (plan.expected !== undefined) throw new Fault(plan.expected);
  for (place = 0; place < plan.required.length; place++) {
    const name = plan.required[place] as string;
    if (fields[name] === undefined) throw at(new Fault("is missing"), name);
  }
  return fields;
}

/** Copies what is the caller's own. */
function copy(value: unknown, budget: Budget, depth: number): Json {
  switch (typeof value) {
    case "string":
      return copyText(value, budget);
    case "number":
      return copyNumber(value, budget);
    case "boolean":
      spend(budget, 1);
      return value;
    case "object":
      if (value === null) {
        spend(budget, 1);
        return null;
      }
      enter(budget, depth);
      return isArray(value) ? copyArray(value, budget, depth + 1, copy) : copyObject(value as Record<string, unknown>, budget, depth + 1);
    default:
      throw new Fault(`is ${describe(value)}, which JSON cannot hold`);
  }
}

function copyText(value: string, budget: Budget): string {
  spend(budget, value.length + 2);
  if (!isWellFormed(value)) throw new Fault(LONE_SURROGATE);
  return value;
}

function copyNumber(value: number, budget: Budget): number {
  spend(budget, 1);
  if (!Number.isFinite(value)) throw new Fault(`is ${value}, which JSON has no word for`);
  return value + 0; // -0 becomes 0, as it would in JSON text.
}

function copyArray(array: unknown[], budget: Budget, depth: number, of: Shape): Json[] {
  // Array.prototype, above it Object.prototype, above it nothing: the same in every realm.
  const above = getPrototypeOf(getPrototypeOf(array) ?? array);
  if (above === null || getPrototypeOf(above) !== null) throw new Fault(`is ${describe(array)}, not plain JSON`);
  const items: Json[] = [];
  let index = 0;
  try {
    // Reads a hole as undefined, which no shape takes.
    for (; index < array.length; index++) items[index] = of(array[index], budget, depth);
  } catch (fault) {
    throw at(fault, index);
  }
  if (hasSymbols(array)) throw new Fault(SYMBOL);
  // The keys of the items come first. Without holes there are as many as items.
  const name = keys(array)[items.length];
  if (name !== undefined) throw at(new Fault("is a name on an array, which JSON cannot hold"), name);
  return items;
}

function copyObject(object: Record<string, unknown>, budget: Budget, depth: number): Json {
  refuseUnlessPlain(object);
  const names = keys(object);
  const fields: { [key: string]: Json } = {};
  let place = 0;
  try {
    for (; place < names.length; place++) {
      const name = names[place] as string;
      const value = object[name];
      if (value === undefined && budget.dropsUndefined) continue;
      spendKey(name, budget);
      fields[name] = copy(value, budget, depth);
    }
  } catch (fault) {
    throw at(fault, names[place] as string);
  }
  return fields;
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isArray(value);
}

/** Begins an object or array. A cycle ends here as well: a search for it on the way would cost every honest value. */
function enter(budget: Budget, depth: number): void {
  spend(budget, CONTAINER);
  if (depth === MAX_DEPTH) throw new Fault(`is more than ${MAX_DEPTH} levels deep, or contains itself`);
}

function refuseUnlessPlain(object: object): void {
  if (!isPlain(object)) throw new Fault(`is ${describe(object)}, not plain JSON`);
  if (hasSymbols(object)) throw new Fault(SYMBOL);
}

function spendKey(key: string, budget: Budget): void {
  spend(budget, key.length + 3);
  if (!isWellFormed(key)) throw new Fault(`is a key that ${LONE_SURROGATE}`);
  if (key === "__proto__") throw new Fault("is a key that JavaScript objects give another meaning");
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

/** How many characters a number has in JSON text, or the most that one has. */
function numberLength(value: number): number {
  return (value | 0) === value ? `${value}`.length : LONG_NUMBER;
}

function wrong(expected: string, value: unknown): Fault {
  return new Fault(`must be ${expected}, not ${typeof value === "number" ? value : describe(value)}`);
}
