/**
 * How a run ends with what its runner threw. A failure keeps what the error carries, as far as that is JSON: texts are cut,
 * and what is deep, long or cannot be read is left out, so that no error makes an outcome too large to be written.
 */
import { json } from "../border/shapes.js";
import { isPlain } from "../border/check.js";
import { NonRetryableError, RetryableError } from "../types/errors.js";
import { withoutHelp } from "../types/help.js";
import type { RunEnd } from "../border/raw.js";
import type { FailureClass, Json, ProcessAwaitOutput } from "../types/public.js";

/** Errors that a step threw by the record of an earlier run, and that record. */
const RECORDED = new WeakMap<object, ProcessAwaitOutput>();
/** Errors that are recorded as what a step ended with. */
const LAST = new WeakSet<object>();

/** Errors that another run would end with as well. */
const FINAL = new WeakSet<object>();

/** Has a run that ends with this error not be retried. */
export function final(error: unknown): unknown {
  if (isObject(error)) FINAL.add(error);
  return error;
}

/** The failure that something thrown is recorded as. */
export function failure(error: unknown): ProcessAwaitOutput {
  const known = isObject(error) ? RECORDED.get(error) : undefined;
  if (known !== undefined) return known;
  const raw = isSettled(error) ? rawOf(read(error, "raw")) : rawOf(error);
  return {
    type: "failure",
    class: classOf(error),
    code: codeOf(error) ?? "process_failed",
    message: withoutHelp(textIn(error, "message") ?? words(error)),
    ...(raw !== undefined && { raw }),
  };
}

/** What something thrown says of another attempt. Errors are told apart by their class, or its name where another copy of the package made them. */
export function adviceOf(error: unknown): Pick<RunEnd, "advice" | "retryAfterMs"> {
  if (isObject(error) && FINAL.has(error)) return { advice: "never" };
  switch (isError(error) ? textIn(error, "name") : undefined) {
    case "NonRetryableError":
      return { advice: "never" };
    case "RetryableError": {
      // Another run would be given the same error.
      if (LAST.has(error as object)) return { advice: "policy" };
      const after = read(error, "retryAfterMs");
      const isSpan = typeof after === "number" && after >= 0 && Number.isFinite(after);
      return { advice: "again", ...(isSpan && { retryAfterMs: Math.min(Math.ceil(after), Number.MAX_SAFE_INTEGER) }) };
    }
    default:
      return { advice: "policy" };
  }
}

/**
 * What a step throws that has failed: what its last attempt threw, where that was made in this run; else an error made of the record, of
 * the same name, message, code and fields.
 */
export function recorded(output: ProcessAwaitOutput, thrown: { readonly error: unknown } | undefined): unknown {
  const error = thrown === undefined ? revived(output) : thrown.error;
  if (isObject(error)) LAST.add(error);
  return error;
}

function revived(output: ProcessAwaitOutput): unknown {
  if (output.type !== "failure") return undefined;
  const { message, code, raw } = output;
  // What is no error was kept as it is.
  if (raw !== undefined && !isErrorLike(raw) && message === (textIn(raw, "message") ?? words(raw))) return raw;
  const error = isErrorLike(raw) ? errorOf(raw) : Object.assign(new Error(message), { code }, raw !== undefined && { raw });
  RECORDED.set(error, output);
  return error;
}

type ErrorLike = { readonly [key: string]: Json } & { readonly name: string; readonly message: string };

function isErrorLike(raw: Json | undefined): raw is ErrorLike {
  return isObject(raw) && typeof read(raw, "name") === "string" && typeof read(raw, "message") === "string";
}

/** An error of what is kept of one, its causes included. */
function errorOf({ name, message, ...fields }: ErrorLike): Error {
  const error =
    name === "NonRetryableError"
      ? new NonRetryableError(message)
      : name === "RetryableError"
        ? new RetryableError(message)
        : new Error(message);
  const hidden = (key: string, value: unknown) => Object.defineProperty(error, key, { value, writable: true, configurable: true });
  if (error.name !== name) hidden("name", name);
  for (const [key, value] of Object.entries(fields)) {
    if (key === "stack") hidden(key, value);
    else if (key === "cause") hidden(key, isErrorLike(value) ? errorOf(value) : value);
    else if (key === "errors" && Array.isArray(value))
      hidden(
        key,
        value.map((one) => (isErrorLike(one) ? errorOf(one) : one)),
      );
    else Object.assign(error, { [key]: value });
  }
  return error;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether something thrown is what an aborted signal makes others throw. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || textIn(error, "name") === "AbortError";
}

/** Whether an error says itself what is to be kept of it. */
function isSettled(error: unknown): boolean {
  const name = isError(error) ? textIn(error, "name") : undefined;
  return (name === "NonRetryableError" || name === "RetryableError") && read(error, "raw") !== undefined;
}

const CLASSES: FailureClass[] = [
  "invalid_request",
  "unavailable",
  "permission_denied",
  "timeout",
  "execution",
  "external",
  "resource_limit",
  "internal",
];

function classOf(error: unknown): FailureClass {
  const given = textIn(error, "class");
  const known = CLASSES.find((known) => known === given);
  if (known !== undefined) return known;
  const name = textIn(error, "name");
  return name === "TimeoutError" || (name === "ProcessError" && textIn(error, "code") === "timeout") ? "timeout" : "execution";
}

function codeOf(error: unknown): string | undefined {
  const code = read(error, "code");
  // The numbers of DOMExceptions are from before their names, and most are 0.
  if (typeof code === "number" && Number.isFinite(code) && tag(error) !== "[object DOMException]") return String(code);
  return textIn(error, "code");
}

function words(error: unknown): string {
  try {
    return bounded(String(error));
  } catch {
    return "the runner threw what cannot be put into words";
  }
}

// ── What is kept of it ──────────────────────────────────────────────────────

/** The longest text, in characters: more than any honest message or stack. */
const LONGEST_TEXT = 16_384;
/** What all of it may come to, in characters. */
const MOST_CHARACTERS = 65_536;
/** Causes of causes included. */
const DEEPEST = 10;
/** Of one list or object. */
const MOST_ITEMS = 100;
/** What an object counts as, in characters. */
const CONTAINER = 32;

/** Plain data as it is, anything else as far as it is JSON. */
function rawOf(error: unknown): Json | undefined {
  if (!isError(error)) {
    try {
      return json(error, "error");
    } catch {
      // What is not JSON is left out below.
    }
  }
  return kept(error, { left: MOST_CHARACTERS }, 0);
}

interface Budget {
  left: number;
}

function kept(value: unknown, budget: Budget, depth: number): Json | undefined {
  switch (typeof value) {
    case "string":
    case "bigint": {
      const text = bounded(String(value));
      return spend(budget, text.length) ? text : undefined;
    }
    case "number":
      return Number.isFinite(value) && spend(budget, 1) ? value : undefined;
    case "boolean":
      return spend(budget, 1) ? value : undefined;
    case "object":
      if (value === null) return null;
      return depth < DEEPEST && spend(budget, CONTAINER) ? keptObject(value, budget, depth + 1) : undefined;
    default:
      return undefined;
  }
}

/** Of what has a class, only errors, lists and dates: a response or a socket leads to half of the page. */
function keptObject(value: object, budget: Budget, depth: number): Json | undefined {
  try {
    if (Array.isArray(value)) return Array.from(value.slice(0, MOST_ITEMS), (item) => kept(item, budget, depth) ?? null);
    if (value instanceof Date) return kept(value.toISOString(), budget, depth);
    const error = isError(value);
    if (!error && !isPlain(value)) return undefined;
    const fields: { [key: string]: Json } = {};
    const names = error ? [...CARRIED, ...Object.keys(value)] : Object.keys(value);
    for (const name of names.slice(0, MOST_ITEMS)) {
      if (name === "__proto__" || Object.hasOwn(fields, name) || bounded(name) !== name || !spend(budget, name.length)) continue;
      const field = kept(error ? withoutAddress(value, name) : read(value, name), budget, depth);
      if (field !== undefined) fields[name] = field;
    }
    return fields;
  } catch {
    return undefined; // A proxy that throws, say.
  }
}

/** A field of an error. What is stored does not lead to a page that a later version may not have. */
function withoutAddress(error: object, name: string): unknown {
  const field = read(error, name);
  if (typeof field !== "string" || (name !== "message" && name !== "stack")) return field;
  const message = read(error, "message");
  return typeof message === "string" ? field.replace(message, () => withoutHelp(message)) : field;
}

/** What errors carry without listing it, the most telling first. */
const CARRIED = ["name", "message", "code", "stack", "cause", "errors"];

function isError(value: unknown): boolean {
  try {
    return value instanceof Error || /^\[object (Error|DOMException)\]$/.test(tag(value));
  } catch {
    return false;
  }
}

function tag(value: unknown): string {
  return Object.prototype.toString.call(value);
}

/** What was thrown may be anything, and answer anything: what cannot be read is not there. */
function read(value: unknown, name: string): unknown {
  try {
    return (value as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

function textIn(value: unknown, name: string): string | undefined {
  const text = read(value, name);
  return typeof text === "string" && text.trim() !== "" ? bounded(text) : undefined;
}

/** A text that UTF-8 can carry, not too long. */
function bounded(text: string): string {
  return wellFormed(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);
}

const wellFormed: (text: string) => string =
  "toWellFormed" in String.prototype ? (text) => text.toWellFormed() : (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");

function spend(budget: Budget, characters: number): boolean {
  if (budget.left < characters) return false;
  budget.left -= characters;
  return true;
}
