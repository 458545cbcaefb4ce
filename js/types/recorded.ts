/** What stands in logs and records as JSON, for code that reads it through the public methods alone. */
import type { Json, ProcessRecord } from "./public.js";

/** The fields of a payload; none where it is no object. */
export const fieldsOf = (payload: Json | undefined): { readonly [name: string]: Json } =>
  typeof payload === "object" && payload !== null && !Array.isArray(payload) ? payload : {};

/** Whether the log of a process may be of an earlier run: this is not the first one, or it is a fork. */
export function hasHistory({ provenance }: Pick<ProcessRecord, "provenance">, attempt: number): boolean {
  return attempt > 1 || fieldsOf(provenance.causedBy).forkOf !== undefined;
}
