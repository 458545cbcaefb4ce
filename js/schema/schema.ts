/**
 * Compiles JSON Schemas (draft 2020-12) for the wasm.
 *
 * The validating is done by @cfworker/json-schema, which needs no `eval`. It takes every schema on trust, so
 * this module first makes a copy of the schema that it can be trusted with: each keyword's value is of the right type,
 * each regular expression is one, each reference leads somewhere within the schema, and none leads back to where it came
 * from without going deeper into the payload. What the copy leaves out is what only annotates: unknown keywords, and
 * `format`, which the draft says to treat so.
 *
 * Work is bounded, whatever schema and payload: each look at a value counts (see `Meter`), and a payload that takes more looks than
 * its size lets expect is refused. A regular expression cannot be stopped; a new schema may not have one that is known to
 * take exponential time.
 *
 * One gap is known: `unevaluatedProperties` or `unevaluatedItems` inside `then`, `else` or `dependentSchemas` also takes for
 * evaluated what the schema around it has looked at, and so lets more pass than the draft does.
 */
import { validate, type OutputUnit, type Schema } from "@cfworker/json-schema";
import { isExponential } from "./pattern.js";
import type { Json } from "../types/public.js";

const DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
/** How many schemas may apply to one and the same value by way of one another; bounds the stack of a validation. */
const MAX_COMBINED = 256;
const MAX_FAULTS = 10;
const MAX_FAULT_LENGTH = 300;

/** The most characters of a regular expression in a new schema. */
const MAX_PATTERN = 2_000;

/**
 * The validator of a schema: it returns no strings for a payload that fits, else one per fault, the deepest first,
 * each "<JSON pointer>: <why>", the root being "(root)". Throws an Error that says where and why a schema cannot be compiled.
 * `isNew`: it is being registered, and may be refused for what it would cost; what is registered already must go on working.
 */
export function compileSchema(schema: Json, isNew = false): (payload: Json) => string[] {
  const meter = new Meter();
  const { root, targets, comparesItems } = prepare(schema, meter, isNew);
  refuseLoops(root, targets);
  const run = (payload: Json, stopEarly: boolean) => {
    meter.begin(payload);
    return validate(comparesItems ? counted(payload, meter) : payload, root, "2020-12", targets, stopEarly).errors;
  };
  return (given) => {
    let errors: OutputUnit[];
    const payload = bare(given);
    try {
      errors = run(payload, true);
    } catch (fault) {
      if (fault instanceof TooMuchWork) return ["(root): takes more work to be checked against this schema than is allowed"];
      return ["(root): is too large or too deep to be checked against this schema"]; // The stack overflowed.
    }
    if (errors.length === 0) return [];
    try {
      errors = run(payload, false);
    } catch {
      // Too many faults to list; the first ones will do.
    }
    return faults(errors);
  };
}

/** A copy whose objects inherit nothing: the validator takes what they inherit for fields, and libraries add to `Object.prototype`. */
function bare(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(bare);
  const copy = Object.create(null) as { [key: string]: Json };
  for (const key of Object.keys(value)) copy[key] = bare(value[key] as Json);
  return copy;
}

// ── Work ────────────────────────────────────────────────────────────────────

/** Looks that every payload may take: about half a second. */
const LOOKS = 500_000;
/** Looks more for each value in the payload. An honest schema takes a few. */
const LOOKS_PER_VALUE = 30;
/** What it counts as to read an item while items are compared with each other. */
const READ = 0.1;

class TooMuchWork extends Error {}

/** Counts the looks of one validation. A look is one schema applied to one value; one with long lists counts as more. */
class Meter {
  #left = 0;

  begin(payload: Json): void {
    this.#left = LOOKS + LOOKS_PER_VALUE * valuesIn(payload);
  }

  spend(looks: number): void {
    this.#left -= looks;
    if (this.#left < 0) throw new TooMuchWork();
  }
}

function valuesIn(payload: Json): number {
  let count = 0;
  const left: Json[] = [payload];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    count++;
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) for (const item of value) left.push(item);
    else for (const key of Object.keys(value)) left.push(value[key] as Json);
  }
  return count;
}

/** The payload, with each read of an item or a field counted: where each item is compared with each, their number says little. */
function counted(payload: Json, meter: Meter): Json {
  const known = new WeakMap<object, Json>();
  const wrap = (value: unknown): Json => {
    if (typeof value !== "object" || value === null) return value as Json;
    const wrapped = known.get(value) ?? (new Proxy(value, handler) as Json);
    known.set(value, wrapped);
    return wrapped;
  };
  const handler: ProxyHandler<object> = {
    get(target, key) {
      meter.spend(READ);
      return wrap(Reflect.get(target, key));
    },
    ownKeys(target) {
      const keys = Reflect.ownKeys(target);
      meter.spend(READ * keys.length);
      return keys;
    },
  };
  return wrap(payload);
}

/** What one look at a value counts as: 1, and what the schema goes through each time. */
function weight(schema: Schema): number {
  const { enum: values, required, properties, patternProperties, dependentRequired, dependentSchemas, dependencies } = schema;
  const lists = [properties, patternProperties, dependentRequired, dependentSchemas, dependencies];
  const length = lists.reduce((sum, list) => sum + Object.keys(list ?? {}).length, (values?.length ?? 0) + (required?.length ?? 0));
  return 1 + length / 16;
}

/** Has a meter count each time the schema is applied: the validator reads `type` then, once. */
function meter(schema: Schema, by: Meter): void {
  const { type } = schema;
  const looks = weight(schema);
  Object.defineProperty(schema, "type", {
    get() {
      by.spend(looks);
      return type;
    },
  });
}

// ── Preparing ───────────────────────────────────────────────────────────────

/** A schema in the shape that the validator takes; references are keys of `targets`. */
type Prepared = Schema | boolean;
type Targets = { [key: string]: Prepared };
type Raw = { [keyword: string]: Json };
/** Where in the schema a value is: for messages, and for what references within it are relative to. */
interface Place {
  pointer: string;
  base: string;
}

/** Reads the value of a keyword; throws where it is of the wrong type, gives `undefined` where it only annotates. */
type Reader = (value: Json, place: Place, compile: Compile) => unknown;
/** Compiles a schema within the schema. */
type Compile = (schema: Json, place: Place) => Prepared;

const KEYWORDS: { [keyword: string]: Reader } = {
  type: types,
  enum: array,
  const: (value) => value,

  multipleOf: number((value) => value > 0, "a number above 0"),
  maximum: number(),
  exclusiveMaximum: number(),
  minimum: number(),
  exclusiveMinimum: number(),

  maxLength: count(),
  minLength: count(),
  pattern,

  prefixItems: list(schema),
  items: schema,
  unevaluatedItems: schema,
  contains: schema,
  maxContains: count(),
  minContains: count(),
  maxItems: count(),
  minItems: count(),
  uniqueItems: ofType("boolean"),

  properties: map(schema),
  patternProperties: (value, place, compile) => {
    const prepared = map(schema)(value, place, compile);
    for (const key of Object.keys(prepared)) pattern(key, at(place, key));
    return prepared;
  },
  additionalProperties: schema,
  unevaluatedProperties: schema,
  propertyNames: schema,
  maxProperties: count(),
  minProperties: count(),
  required: names,
  dependentRequired: map(names),
  dependentSchemas: map(schema),
  // Of earlier drafts, and still kept, as other validators do: to ignore what was written to be checked is worse.
  dependencies: map((value, place, compile) => (Array.isArray(value) ? names(value, place) : compile(value, place))),

  allOf: list(schema),
  anyOf: list(schema),
  oneOf: list(schema),
  not: schema,
  if: schema,
  then: schema,
  else: schema,

  $defs: annotates(map(schema)),
  definitions: annotates(map(schema)),
  $vocabulary: annotates((value, place) => object(value, place)),
  $comment: annotates(ofType("string")),
  title: annotates(ofType("string")),
  description: annotates(ofType("string")),
  format: annotates(ofType("string")),
  contentEncoding: annotates(ofType("string")),
  contentMediaType: annotates(ofType("string")),
  contentSchema: annotates(schema),
  deprecated: annotates(ofType("boolean")),
  readOnly: annotates(ofType("boolean")),
  writeOnly: annotates(ofType("boolean")),
  examples: annotates(array),
};

interface Compiled {
  root: Prepared;
  targets: Targets;
  /** Whether it compares the items of some array with each other. */
  comparesItems: boolean;
}

function prepare(schema: Json, counter: Meter, isNew: boolean): Compiled {
  const prepared = new Map<Json, Prepared>();
  const named = new Map<string, { schema: Json; place: Place }>(); // By absolute URI, anchors included.
  const dynamic = new Set<string>();
  const references: { from: Schema; to: string; place: Place }[] = [];
  const targets: Targets = Object.create(null);
  let comparesItems = false;

  const root = compile(schema, { pointer: "", base: "schema:/" });
  // Only now are all ids and anchors known. A reference into an unknown keyword compiles what it finds there, which may
  // add references to the list while this loop runs.
  for (const { from, to, place } of references) {
    const key = String(Object.keys(targets).length);
    targets[key] = resolve(to, place);
    from.$ref = key;
  }
  return { root, targets, comparesItems };

  function compile(schema: Json, outer: Place): Prepared {
    if (typeof schema === "boolean") return schema;
    const raw = object(schema, outer, "a schema must be an object or a boolean");
    const known = prepared.get(raw);
    if (known !== undefined) return known;
    const result: Schema = {};
    prepared.set(raw, result);

    const place = identify(raw, outer);
    for (const [keyword, value] of Object.entries(raw)) {
      if (!Object.hasOwn(KEYWORDS, keyword)) continue;
      const read = KEYWORDS[keyword]?.(value, at(place, keyword), compile);
      if (read !== undefined) result[keyword] = read;
      if (isNew) refuseCostly(keyword, value, at(place, keyword));
    }
    comparesItems ||= result.uniqueItems === true;
    meter(result, counter);
    // Under allOf, where the validator keeps apart what a referenced schema and this one have evaluated.
    for (const keyword of ["$ref", "$dynamicRef"]) {
      if (raw[keyword] === undefined) continue;
      const from: Schema = {};
      references.push({ from, to: string(raw[keyword], at(place, keyword)), place: at(place, keyword) });
      result.allOf = [from, ...(result.allOf ?? [])];
    }
    return result;
  }

  /** Notes the names of a schema and gives the place that references in it are relative to. */
  function identify(raw: Raw, outer: Place): Place {
    const dialect = raw.$schema === undefined ? undefined : string(raw.$schema, at(outer, "$schema"));
    if (dialect !== undefined && !DIALECT.test(dialect)) throw refused(at(outer, "$schema"), "only draft 2020-12 is understood");

    let place = outer;
    if (raw.$id !== undefined) {
      const url = absolute(string(raw.$id, at(outer, "$id")), at(outer, "$id"));
      if (url.hash.length > 1) throw refused(at(outer, "$id"), "must not have a fragment");
      place = { pointer: outer.pointer, base: withoutFragment(url) };
    }
    if (raw.$id !== undefined || outer.pointer === "") name(place.base, raw, place);
    for (const keyword of ["$anchor", "$dynamicAnchor"]) {
      if (raw[keyword] === undefined) continue;
      const anchor = string(raw[keyword], at(place, keyword));
      if (!/^[A-Za-z_][-A-Za-z0-9._]*$/.test(anchor)) throw refused(at(place, keyword), "is not a plain name");
      name(`${place.base}#${anchor}`, raw, place);
      if (keyword === "$anchor") continue;
      // With one bearer of the name a dynamic reference is a plain one; the validator cannot choose among several.
      if (dynamic.has(anchor)) throw refused(at(place, keyword), "several schemas of one dynamic anchor are not supported");
      dynamic.add(anchor);
    }
    return place;
  }

  function name(uri: string, schema: Json, place: Place): void {
    if (named.has(uri)) throw refused(place, `"${uri}" names two schemas`);
    named.set(uri, { schema, place });
  }

  function resolve(reference: string, place: Place): Prepared {
    const url = absolute(reference, place);
    const fragment = decoded(url.hash.slice(1), place);
    const isPointer = fragment === "" || fragment.startsWith("/");
    const start = named.get(isPointer ? withoutFragment(url) : `${withoutFragment(url)}#${fragment}`);
    if (start === undefined) throw refused(place, `"${reference}" is not in this schema, and others are not fetched`);

    let { schema, place: target } = start;
    for (const token of isPointer ? fragment.split("/").slice(1) : []) {
      const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof schema !== "object" || schema === null || !Object.hasOwn(schema, key)) {
        throw refused(place, `"${reference}" leads nowhere`);
      }
      schema = (schema as Raw)[key] as Json;
      target = at(target, key);
    }
    return compile(schema, target);
  }
}

/** Refuses regular expressions that are long or known to take exponential time. */
function refuseCostly(keyword: string, value: Json, place: Place): void {
  const patterns = keyword === "pattern" ? [value as string] : keyword === "patternProperties" ? Object.keys(value as Raw) : [];
  for (const source of patterns) {
    if (source.length > MAX_PATTERN) throw refused(place, `has a regular expression of more than ${MAX_PATTERN} characters`);
    if (isExponential(source)) throw refused(place, `has a regular expression that may take exponential time: ${source.slice(0, 80)}`);
  }
}

/** Refuses a schema that would be applied to one value again and again. */
function refuseLoops(root: Prepared, targets: Targets): void {
  const heights = new Map<Schema, number>();
  for (const start of [root, ...Object.values(targets)]) height(start, 0);

  function height(schema: Prepared, depth: number): number {
    if (typeof schema === "boolean") return 0;
    const known = heights.get(schema);
    if (known === Infinity) throw new Error("the schema refers to itself without going deeper into the payload");
    if (depth + (known ?? 0) > MAX_COMBINED) throw new Error(`the schema combines more than ${MAX_COMBINED} schemas for one value`);
    if (known !== undefined) return known;
    heights.set(schema, Infinity); // Until it is known: this one is being looked at.
    const highest = inPlace(schema, targets).reduce((most, next) => Math.max(most, height(next, depth + 1)), 0);
    heights.set(schema, highest + 1);
    return highest + 1;
  }
}

/** The schemas that apply to the same value as this one does. Those below its properties and items are not among them. */
function inPlace(schema: Schema, targets: Targets): Prepared[] {
  const { $ref, allOf = [], anyOf = [], oneOf = [], not, if: condition, then, else: otherwise } = schema;
  const { dependentSchemas = {}, dependencies = {} } = schema;
  return [
    $ref === undefined ? undefined : targets[$ref],
    ...allOf,
    ...anyOf,
    ...oneOf,
    not,
    condition,
    then,
    otherwise,
    ...(Object.values(dependentSchemas) as Prepared[]),
    ...(Object.values(dependencies) as (Prepared | string[])[]).filter((next) => !Array.isArray(next)),
  ].filter((next) => next !== undefined);
}

// ── Keyword values ──────────────────────────────────────────────────────────

function schema(value: Json, place: Place, compile: Compile): Prepared {
  return compile(value, place);
}

function map<T>(read: (value: Json, place: Place, compile: Compile) => T) {
  return (value: Json, place: Place, compile: Compile): { [key: string]: T } =>
    Object.fromEntries(Object.entries(object(value, place)).map(([key, item]) => [key, read(item, at(place, key), compile)]));
}

function list<T>(read: (value: Json, place: Place, compile: Compile) => T) {
  return (value: Json, place: Place, compile: Compile): T[] => {
    const items = array(value, place);
    if (items.length === 0) throw refused(place, "must not be empty");
    return items.map((item, index) => read(item, at(place, index), compile));
  };
}

function annotates(read: Reader): Reader {
  return (value, place, compile) => void read(value, place, compile);
}

function ofType(type: "boolean" | "string"): Reader {
  return (value, place) => {
    if (typeof value !== type) throw refused(place, `must be a ${type}`);
    return value;
  };
}

function string(value: Json, place: Place): string {
  if (typeof value !== "string") throw refused(place, "must be a string");
  return value;
}

function number(fits: (value: number) => boolean = () => true, what = "a number"): Reader {
  return (value, place) => {
    if (typeof value !== "number" || !fits(value)) throw refused(place, `must be ${what}`);
    return value;
  };
}

function count(): Reader {
  return number((value) => Number.isInteger(value) && value >= 0, "a whole number, 0 or more");
}

function object(value: Json, place: Place, otherwise = "must be an object"): Raw {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused(place, otherwise);
  return value;
}

function array(value: Json, place: Place): Json[] {
  if (!Array.isArray(value)) throw refused(place, "must be an array");
  return value;
}

function names(value: Json, place: Place): string[] {
  const items = array(value, place).map((item, index) => string(item, at(place, index)));
  if (new Set(items).size < items.length) throw refused(place, "must not name anything twice");
  return items;
}

function types(value: Json, place: Place): string | string[] {
  const given = Array.isArray(value) ? names(value, place) : [string(value, place)];
  const known = ["array", "boolean", "integer", "null", "number", "object", "string"];
  if (given.length === 0 || !given.every((type) => known.includes(type))) throw refused(place, `must be of ${known.join(", ")}`);
  return given;
}

function pattern(value: Json, place: Place): string {
  const source = string(value, place);
  try {
    new RegExp(source, "u");
  } catch (fault) {
    throw refused(place, `is not a regular expression (${(fault as Error).message})`);
  }
  return source;
}

function absolute(reference: string, place: Place): URL {
  try {
    return new URL(reference, place.base);
  } catch {
    throw refused(place, `"${reference}" is not a URI reference`);
  }
}

function decoded(fragment: string, place: Place): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    throw refused(place, `"#${fragment}" is not percent-encoded UTF-8`);
  }
}

function withoutFragment(url: URL): string {
  return url.href.replace(/#.*$/s, "");
}

function at(place: Place, key: string | number): Place {
  return { ...place, pointer: `${place.pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}` };
}

function refused(place: Place, why: string): Error {
  return new Error(`${place.pointer || "the schema"}: ${why}`);
}

// ── Faults of payloads ──────────────────────────────────────────────────────

/** Keywords whose own error only says that there are more errors below. */
const WRAPPERS = new Set([
  "$ref",
  "allOf",
  "if",
  "properties",
  "patternProperties",
  "additionalProperties",
  "unevaluatedProperties",
  "dependentSchemas",
  "items",
  "prefixItems",
  "unevaluatedItems",
]);

function faults(errors: OutputUnit[]): string[] {
  const found = errors
    .filter(({ keyword }) => !WRAPPERS.has(keyword))
    // The validator writes "#", then the pointer, percent-encoded.
    .map((error) => ({ pointer: decodeURIComponent(error.instanceLocation.slice(1)), why: words(error) }))
    .sort((a, b) => depth(b.pointer) - depth(a.pointer))
    .map(({ pointer, why }) => `${pointer || "(root)"}: ${why}`);
  return [...new Set(found)].slice(0, MAX_FAULTS);
}

function words({ keyword, error }: OutputUnit): string {
  if (keyword === "false") return "must not be there";
  const corrected = keyword === "maxProperties" ? error.replace("does not have at least", "has more than") : error;
  return corrected.length > MAX_FAULT_LENGTH ? `${corrected.slice(0, MAX_FAULT_LENGTH)}…` : corrected;
}

function depth(pointer: string): number {
  return pointer.split("/").length;
}
