/** Starts processes of definitions: checks the input, makes the registration, and gives the handle. */
import { SHAPES } from "../border/arguments.js";
import { call, callNow } from "../border/call.js";
import { id as checkedId, options } from "../border/check.js";
import { givenBack } from "../border/inside.js";
import { shape } from "../border/shapes.js";
import { isAborted } from "../border/stop.js";
import { now } from "../platform/globals.js";
import type { Registered } from "../border/raw.js";
import type { Json, ProcessHandle, ProcessRegistry, WaitOptions } from "../types/public.js";
import { WAIT } from "./awaiter.js";
import { bare, definedOf, own, type Defined } from "./define.js";
import { handleOf, type Reach } from "./handle.js";
import { checked } from "./schemas.js";

/** `start`, `execute` and `handle` of a registry, which `register` registers in. */
export function starting(
  reach: () => Reach,
  register: (registration: Json) => Promise<Registered>,
  refuseUnlessOpen: () => void,
): Pick<ProcessRegistry, "start" | "execute" | "handle"> {
  async function start(definition: unknown, input: unknown, given: unknown): Promise<ProcessHandle> {
    return call(async () => {
      const defined = definedOf(definition);
      const { record, disposition } = await registered(defined, input, plainOptions(given), newId, register);
      return handleOf(reach(), record.id, disposition, defined.signals);
    });
  }

  async function execute(definition: unknown, input: unknown, given: unknown): Promise<Json> {
    const { signal, timeoutMs, ...rest } = plainOptions(given);
    const waiting = options<WaitOptions>({ signal, timeoutMs }, "options", WAIT);
    if (waiting.signal !== undefined && isAborted(waiting.signal)) throw waiting.signal.reason;
    const { result } = await start(definition, input, rest);
    return result(waiting);
  }

  return {
    start: (definition: unknown, input?: unknown, given?: unknown) => start(definition, input, given) as never,
    execute: (definition: unknown, input?: unknown, given?: unknown) => givenBack(execute(definition, input, given)) as never,
    handle: (definition: unknown, processId: string) =>
      callNow(() => {
        const { signals } = definedOf(definition);
        const known = checkedId(processId, "processId");
        refuseUnlessOpen();
        return handleOf(reach(), known, "existing", signals) as never;
      }),
  };
}

/** Checks an input, and registers a process for it. The id is the one that is given, else what `idOf` makes. */
export function registered<T>(
  { kind, policy, eventTypes, input: check }: Defined,
  input: unknown,
  given: { [name: string]: unknown },
  idOf: () => string,
  register: (registration: Json) => Promise<T>,
): Promise<T> {
  const { id = idOf(), label, labels, ...rest } = shape(given, "options", SHAPES.start) as { [name: string]: Json };
  return checked(check, input, "input", (payload) =>
    register(
      bare({
        ...policy,
        ...rest,
        ...(labels !== undefined && { labels: bare({ ...(policy.labels as object), ...(labels as object) }) }),
        ...(label !== undefined && { identity: bare({ kind, label }) }),
        id,
        input: bare({ type: "engine", kind, payload }),
        eventTypes,
      }),
    ),
  );
}

/** Options as they are given: an object, or none. */
export const plainOptions = (given: unknown) => own(given === undefined ? {} : given, "options");

let lastMs = 0;
let count = 0;

/**
 * A random UUID of version 7. Each sorts behind those made here before, within a millisecond, too: processes of one age are begun in the order
 * of their ids. (`crypto.randomUUID` is there on secure origins alone.)
 */
function newId(): string {
  const nowMs = Math.floor(now());
  if (nowMs > lastMs) [lastMs, count] = [nowMs, 0];
  else if (++count > 0xfff) [lastMs, count] = [lastMs + 1, 0];
  const time = hex(lastMs, 12);
  const random = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => hex(byte, 2)).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(count, 3)}-8${random.slice(1, 4)}-${random.slice(4)}`;
}

const hex = (number: number, digits: number) => number.toString(16).padStart(digits, "0");
