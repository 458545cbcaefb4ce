/** What a call that registers processes says of them, and where in it the trace context goes. What makes no sense is left to the call itself. */
import type { TraceContext } from "../types/public.js";

/** Whether it is what `defineProcess()` gives. */
export const isDefinition = (given: unknown): boolean => typeof fieldsOf(given).implement === "function";

/** The kind of the process that a registration or a definition makes. */
export function kindOf(given: unknown): string {
  const { kind, identity, input } = fieldsOf(given);
  const { type, kind: engine } = fieldsOf(input);
  const known = kind ?? fieldsOf(identity).kind ?? engine ?? (type === "tool_call" ? "tool" : type);
  return typeof known === "string" ? known : "process";
}

/** The id that it gives, where it gives one. */
export function idIn(given: unknown): string | undefined {
  const { id } = fieldsOf(given);
  return typeof id === "string" ? id : undefined;
}

/** A registration, or the options of a start, with this trace context. One that it has already stays. */
export function traceContextIn(given: unknown, traceContext: TraceContext | undefined): unknown {
  if (traceContext === undefined || !isPlain(given)) return given;
  const fields: { traceContext?: unknown } = { ...given };
  return fields.traceContext === undefined ? { ...fields, traceContext } : given;
}

/** Whether it is a plain object, of any realm. */
export function isPlain(given: unknown): given is object {
  if (typeof given !== "object" || given === null) return false;
  const prototype: object | null = Object.getPrototypeOf(given);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function fieldsOf(given: unknown): { readonly [name: string]: unknown } {
  return typeof given === "object" && given !== null ? (given as { [name: string]: unknown }) : {};
}
