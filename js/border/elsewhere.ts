/** A place for a registry that is neither the database of the browser nor memory: `longwait/testing` gives it as `storage`. Private. */
import type { Json, ProcessEventSink } from "../types/public.js";
import type { instantiate } from "./instance.js";
import type { Opened } from "./raw.js";

export const ELSEWHERE: unique symbol = Symbol.for("longwait.elsewhere") as never;

/** Opens a registry there. It is given what it needs of this copy of the code, since it comes from another file of the package. */
export interface Elsewhere {
  [ELSEWHERE](opening: Opening, make: typeof instantiate): Promise<Opened>;
}

/** How the registry is opened: as `openRegistry()` was asked to. */
export interface Opening {
  readonly name: string;
  readonly retention: Json;
  readonly ownerId: string | undefined;
  readonly sink: ProcessEventSink | undefined;
}

export function isElsewhere(storage: unknown): storage is Elsewhere {
  return typeof storage === "object" && storage !== null && ELSEWHERE in storage;
}
