/** Judges what a call came to. */
import { same } from "./meaning.mjs";
import { isOurs } from "./mutate.mjs";

/** Every code there is. `internal` is never right; those of storage are not where no fault is made. */
export const CODES = [
  "invalid_argument",
  "unknown_process",
  "registration_conflict",
  "external_ref_conflict",
  "undeclared_event_type",
  "invalid_schema",
  "invalid_payload",
  "missing_replay_key",
  "replay_conflict",
  "already_terminal",
  "process_terminal",
  "not_granted",
  "lease_lost",
  "timeout",
  "closed",
  "conflict",
  "not_terminal",
  "storage_unavailable",
];

/** What is wrong with an outcome (`{ value }` or `{ error }`), in words; nothing where it is right. `expected` is what the model said. */
export function fault(w, call, expected, outcome) {
  const { value, error } = outcome;
  if (!("error" in outcome)) return expected.spoilt ? `was accepted, but ${expected.spoilt}` : judged(w, expected, { value });
  const { signal, signals = [signal] } = expected;
  if (signals.some((one) => one?.aborted && Object.is(error, one.reason))) return undefined;
  if (expected.thrown && (isOurs(error) || isRevoked(error))) return undefined;
  if (!w.api.isProcessError(error)) return `rejected with what is no ProcessError: ${words(error)}`;
  const { code } = error;
  if (!CODES.includes(code)) return `rejected with code ${code}: ${error.message}`;
  if (!call.codes.includes(code)) return `rejected with a code that is not documented for it, ${code}: ${error.message}`;
  if (code === "closed" && w.closing) return undefined;
  if (expected.codes?.includes(code)) return undefined;
  const wrong = judged(w, expected, { code });
  return wrong && `${wrong}; it said: ${error.message}`;
}

/** Whether a callback gave a revoked proxy, at which the engine throws by itself. */
const isRevoked = (error) => error instanceof TypeError && /revoked/.test(error.message);

function judged(w, expected, { value, code }) {
  if (expected.loose) return undefined;
  if (expected.judge) return expected.judge({ value, code }) ? undefined : `ended with ${code ?? shown(value)}, which cannot be`;
  if (expected.read) {
    if (expected.version !== w.model.version) return undefined;
    return judged(w, expected.read(), { value, code });
  }
  if (expected.code !== undefined) {
    if (code === expected.code) return undefined;
    return `should be refused with ${expected.code}, and ${code === undefined ? `answered ${shown(value)}` : `was with ${code}`}`;
  }
  if (code !== undefined) return `should be done, and was refused with ${code}`;
  if (expected.check) return expected.check(value) ? undefined : `answered what cannot be: ${shown(value)}`;
  return same(value, expected.value) || value === expected.value
    ? undefined
    : `should answer ${shown(expected.value)}, and answered ${shown(value)}`;
}

/** A value in some words. */
export function shown(value, depth = 0) {
  try {
    if (typeof value === "string")
      return value.length > 60 ? `"${value.slice(0, 20)}"… (${value.length} characters)` : JSON.stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return value.name ? `[function ${value.name}]` : "() => {}";
    if (Object.is(value, -0)) return "-0";
    if (typeof value !== "object" || value === null) return String(value);
    if (depth > 6) return "…";
    if (Array.isArray(value))
      return `[${value
        .slice(0, 12)
        .map((item) => shown(item, depth + 1))
        .join(", ")}${value.length > 12 ? ", …" : ""}]`;
    const name = value.constructor?.name;
    if (name !== undefined && name !== "Object" && typeof value.constructor === "function")
      return name === "Error" || value instanceof Error ? words(value) : `[${name}]`;
    const fields = Object.entries(Object.getOwnPropertyDescriptors(value)).slice(0, 20);
    return `{ ${fields.map(([key, field]) => `${/^\w+$/.test(key) ? key : JSON.stringify(key)}: ${field.get ? "(getter)" : shown(field.value, depth + 1)}`).join(", ")} }`;
  } catch {
    return "(what cannot be shown)";
  }
}

export function words(error) {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return "(what cannot be shown)";
  }
}
