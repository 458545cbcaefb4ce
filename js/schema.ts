/**
 * Compiles JSON Schemas (draft 2020-12) for the wasm.
 *
 * The validating is done by @cfworker/json-schema, which needs no `eval`. It takes every schema on trust, so
 * this module first makes a copy of the schema that it can be trusted with: each keyword's value is of the right type,
 * each regular expression is one, each reference leads somewhere within the schema, and none leads back to where it came
 * from without going deeper into the payload. What the copy leaves out is what only annotates: unknown keywords, and
 * `format`, which the draft says to treat so.
 *
 * One gap is known: `unevaluatedProperties` or `unevaluatedItems` inside `then`, `else` or `dependentSchemas` also takes for
 * evaluated what the schema around it has looked at, and so lets more pass than the draft does.
 */
import { validate, type OutputUnit, type Schema } from "@cfworker/json-schema";
import type { Json } from "./types.js";

const DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
/** How many schemas may apply to one and the same value by way of one another; bounds the stack of a validation. */
const MAX_COMBINED = 256;
const MAX_FAULTS = 10;
const MAX_FAULT_LENGTH = 300;

/**
 * The validator of a schema: it returns no strings for a payload that fits, else one per fault, the deepest first,
 * each "<JSON pointer>: <why>", the root being "(root)". Throws an Error that says where and why a schema cannot be compiled.
 */
export function compileSchema(schema: Json): (payload: Json) => string[] {
  const { root, targets } = prepare(schema);
  refuseLoops(root, targets);
  const run = (payload: Json, stopEarly: boolean) => validate(payload, root, "2020-12", targets, stopEarly).errors;
  return (payload) => {
    let errors: OutputUnit[];
    try {
      errors = run(payload, true);
    } catch {
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
  // Of earlier drafts, and still kept, as other validators do: to ignore what somebody wrote to be checked is worse.
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

function prepare(schema: Json): { root: Prepared; targets: Targets } {
  const prepared = new Map<Json, Prepared>();
  const named = new Map<string, { schema: Json; place: Place }>(); // By absolute URI, anchors included.
  const dynamic = new Set<string>();
  const references: { from: Schema; to: string; place: Place }[] = [];
  const targets: Targets = Object.create(null);

  const root = compile(schema, { pointer: "", base: "schema:/" });
  // Only now are all ids and anchors known. A reference into an unknown keyword compiles what it finds there, which may
  // add references to the list while this loop runs.
  for (const { from, to, place } of references) {
    const key = String(Object.keys(targets).length);
    targets[key] = resolve(to, place);
    from.$ref = key;
  }
  return { root, targets };

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
    }
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
    $ref === undefined ? undefined : targets[$ref], ...allOf, ...anyOf, ...oneOf, not, condition, then, otherwise,
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
  "$ref", "allOf", "if", "properties", "patternProperties", "additionalProperties", "unevaluatedProperties",
  "dependentSchemas", "items", "prefixItems", "unevaluatedItems",
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
