/** Signals: what every call that sends one is checked for. */
import { json } from "../border/shapes.js";
import { id, optional, options, signalName } from "../border/check.js";
import type { Json } from "../types/public.js";

/** The arguments of a signal as the wasm takes them. */
export function signalArguments(
  processId: string,
  name: string,
  payload: unknown,
  given?: { signalId?: string },
): [processId: string, name: string, payload: Json, signalId: string | undefined] {
  const { signalId } = options<{ signalId?: string }>(given, "options", { signalId: optional(id) });
  return [id(processId, "processId"), signalName(name, "name"), json(payload, "payload"), signalId];
}
