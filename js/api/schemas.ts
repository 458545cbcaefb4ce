/** Schemas of definitions: makes one function of a schema, of whatever sort it is. */
import { describe, step } from "../border/fault.js";
import { isObject, json, payload, shape } from "../border/shapes.js";
import { PromiseClass } from "../platform/intrinsics.js";
import { compileSchema, loadValidator } from "../schema/validator.js";
import { invalidArgument, isProcessError, raise, type ProcessError } from "../types/errors.js";
import type { PayloadIssue, StandardSchema } from "../types/definitions.js";
import type { Json } from "../types/public.js";

/**
 * Gives a value as its schema makes it, as JSON; `undefined` counts as `null`. A promise where the schema works so, or has to be loaded.
 * Throws or rejects with `invalid_payload` for one that does not fit. `name` begins the paths.
 */
export type Check = (value: unknown, name: string) => Json | Promise<Json>;

/** The check of a schema. `at` is the path of the schema, for what is none. */
export function checkOf(schema: unknown, at: string): Check {
  const standard = standardOf(schema, at);
  return standard === undefined ? jsonSchemaCheck(jsonSchema(schema, at), at) : standardCheck(standard);
}

/** The check of a schema that may be absent: then any JSON will do. */
export const checkIfAny = (schema: unknown, at: string): Check => (schema === undefined ? anyJson : checkOf(schema, at));

const anyJson: Check = (value, name) => json(value === undefined ? null : value, name);

/** A JSON Schema, copied; `undefined` for a Standard Schema. */
export function jsonSchemaIfAny(schema: unknown, at: string): Json | undefined {
  return standardOf(schema, at) === undefined ? jsonSchema(schema, at) : undefined;
}

/** Runs `work` with what a check gives: at once, where that is no promise, so that calls keep their order. */
export async function checked<T>(check: Check, value: unknown, name: string, work: (checked: Json) => Promise<T>): Promise<T> {
  const given = check(value, name);
  return work(isPromise(given) ? await given : given);
}

type Standard = StandardSchema["~standard"];

function standardOf(schema: unknown, at: string): Standard | undefined {
  const isOne = (typeof schema === "object" || typeof schema === "function") && schema !== null && "~standard" in schema;
  if (!isOne) return undefined;
  const standard = schema["~standard"] as Partial<Standard> | null | undefined;
  if (standard?.version !== 1 || typeof standard.validate !== "function")
    throw invalidArgument(`${at}["~standard"]: is of no version that is known here, but 1`);
  return standard as Standard;
}

function jsonSchema(schema: unknown, at: string): Json {
  if (typeof schema !== "boolean" && !isObject(schema))
    throw invalidArgument(`${at}: must be a Standard Schema or a JSON Schema, not ${describe(schema)}`);
  return json(schema, at);
}

// ── The two sorts ───────────────────────────────────────────────────────────

function standardCheck(standard: Standard): Check {
  return (value, name) => {
    const broken = (cause: unknown) => {
      throw refused(`${name}: could not be checked by its schema`, undefined, cause);
    };
    const made = (result: unknown) => stored(valueIn(result, name, broken), name);
    let result: unknown;
    try {
      result = standard.validate(value);
    } catch (cause) {
      broken(cause);
    }
    return isPromise(result) ? PromiseClass.resolve(result).then(made, broken) : made(result);
  };
}

/** What a result holds. Throws what is wrong where it holds that. */
function valueIn(result: unknown, name: string, broken: (cause: unknown) => void): unknown {
  let issues: PayloadIssue[] | undefined;
  let value: unknown;
  try {
    const { issues: given, value: own } = result as { issues?: Iterable<GivenIssue>; value?: unknown };
    value = own;
    if (given) issues = Array.from(given, issueOf);
  } catch (cause) {
    broken(cause);
  }
  if (issues !== undefined) throw refusedFor(issues, name);
  return value;
}

interface GivenIssue {
  readonly message: string;
  readonly path?: Iterable<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

function issueOf({ message, path = [] }: GivenIssue): PayloadIssue {
  // Not `path.map`: ArkType's paths are of a class of their own.
  const keys = Array.from(path, (one) => (typeof one === "object" ? one.key : one));
  return { path: keys.map((key) => (typeof key === "number" ? key : String(key))), message: String(message) };
}

function jsonSchemaCheck(schema: Json, at: string): Check {
  let faultsOf: ((value: Json) => string[]) | undefined;
  return async (value, name) => {
    const copied = stored(value, name);
    await loadValidator();
    const faults = (faultsOf ??= compiled(schema, at))(copied);
    if (faults.length > 0) throw refusedFor(faults.map(issueOfFault), name);
    return copied;
  };
}

function compiled(schema: Json, at: string): (value: Json) => string[] {
  try {
    return compileSchema(schema, true);
  } catch (cause) {
    throw raise(`${at}: ${(cause as Error).message}`, { code: "invalid_schema", cause });
  }
}

/** The validator names a place by a JSON pointer. */
function issueOfFault(fault: string): PayloadIssue {
  const [, pointer = "", message = fault] = /^(\(root\)|\/.*?): (.*)$/s.exec(fault) ?? [];
  const keys = pointer.startsWith("/") ? pointer.slice(1).split("/") : [];
  return { path: keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key.replaceAll("~1", "/").replaceAll("~0", "~"))), message };
}

// ── What they give ──────────────────────────────────────────────────────────

/** As JSON, in which a field that is `undefined` is not there. */
function stored(value: unknown, name: string): Json {
  try {
    return shape(value === undefined ? null : value, name, payload, true);
  } catch (fault) {
    throw isProcessError(fault) ? refused(fault.message, undefined, fault.cause) : fault;
  }
}

/** More are not put into words. */
const MOST_ISSUES = 10;

function refusedFor(issues: PayloadIssue[], name: string): ProcessError {
  const words = issues.slice(0, MOST_ISSUES).map(({ path, message }) => `${path.reduce<string>(step, name)}: ${message}`);
  return refused(words.join("; ") || `${name}: is refused by its schema`, issues);
}

const refused = (message: string, issues: PayloadIssue[] | undefined, cause?: unknown) =>
  raise(message, { code: "invalid_payload", issues, cause });

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | null | undefined)?.then === "function";
}
