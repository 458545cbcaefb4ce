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

/** Whether it has a trace context of its own. */
export const hasTraceContext = (given: unknown): boolean => fieldsOf(given).traceContext !== undefined;

/** A registration, or the options of a start, with this trace context. One that it has already stays. */
export function traceContextIn(given: unknown, traceContext: TraceContext | undefined): unknown {
  const fields = traceContext && copyOf(given);
  return fields === undefined || fields.traceContext !== undefined ? given : { ...fields, traceContext };
}

/** A copy of a plain object. Nothing of what is none, and of what cannot be read. */
export function copyOf<T>(given: T): (T & { readonly [name: string]: unknown }) | undefined {
  try {
    if (typeof given !== "object" || given === null) return undefined;
    const prototype: object | null = Object.getPrototypeOf(given);
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
    return isPlain ? ({ ...given } as T & { readonly [name: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}

/** A copy of an array. Nothing of what is none, and of what cannot be read. */
export function copyOfList<T>(given: readonly T[] | undefined): T[] | undefined {
  try {
    return Array.isArray(given) ? [...(given as readonly T[])] : undefined;
  } catch {
    return undefined;
  }
}

const fieldsOf = (given: unknown): { readonly [name: string]: unknown } => copyOf(given) ?? {};
