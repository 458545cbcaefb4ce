/** Opens registries: checks how, and has the WebAssembly and the database loaded at one time. */
import { openAhead, remove, takeDamage } from "../../src/store/indexed_db/engine.js";
import { call } from "../border/call.js";
import { reportError } from "../platform/report.js";
import { callback, id, optional, options } from "../border/check.js";
import { invalidArgument, raise, type ProcessErrorCode } from "../types/errors.js";
import { load, source } from "../border/load.js";
import { SHAPES } from "../border/arguments.js";
import { shape } from "../border/shapes.js";
import { ELSEWHERE, isElsewhere } from "../border/elsewhere.js";
import { instantiate } from "../border/instance.js";
import { openRaw, openRawRemote, outside } from "../border/raw.js";
import { connected } from "../border/entered.js";
import { isRemote } from "../border/remote.js";
import { registryOf } from "./registry.js";
import { lasting, type Open } from "../border/reopen.js";
import type { Json, OpenOptions, ProcessEventSink, ProcessRegistry } from "../types/public.js";

/** What `openRegistry()` does. `place`: where the WebAssembly lies. */
export function open(place: () => URL, given?: OpenOptions): Promise<ProcessRegistry> {
  return call(async () => {
    const {
      storage = "indexeddb",
      fallback,
      name = isRemote(storage) ? storage.name : "longwait",
      durability,
      sink,
      owner,
      wasm,
      onCorruption = reportError,
      retention = {},
    } = options<OpenOptions>(given, "options", OPEN);
    if (isElsewhere(storage)) {
      const opening = { name, retention: retention as Json, ownerId: owner?.ownerId, sink: sink && outside(sink) };
      return registryOf(await lasting(() => storage[ELSEWHERE](opening, instantiate)));
    }
    if (isRemote(storage)) {
      notBeside(fallback, "fallback");
      notBeside(durability, "durability");
      return registryOf(
        await lasting(async (_, again) => {
          const instance = await load(again === undefined ? wasm : undefined, place);
          const engine = await connected(storage);
          const { ownerId, incarnationId } = again ?? { ownerId: owner?.ownerId };
          return openRawRemote(
            instance,
            engine,
            name,
            ownerId,
            incarnationId,
            sink,
            onCorruption as (error: unknown) => void,
            retention as Json,
          );
        }),
      );
    }
    const inMemory = storage === "memory";
    const onInstance: Open = async (onDeleted, again) => {
      const closeUntaken = inMemory ? undefined : openAhead(name);
      try {
        // What was given to load it by may be used up, and the next instance needs no other source.
        const instance = await load(again === undefined ? wasm : undefined, place);
        const orMemory = fallback !== undefined && again === undefined;
        const { ownerId, incarnationId } = again ?? { ownerId: owner?.ownerId };
        const opened = await openRaw(
          instance,
          inMemory,
          orMemory,
          name,
          durability === "strict",
          ownerId,
          incarnationId,
          sink,
          onCorruption as (error: unknown) => void,
          onDeleted,
          retention as Json,
        );
        const damage = takeDamage(name);
        if (damage !== undefined) void outside(onCorruption)(damaged(name, damage)).catch(reportError);
        return opened;
      } finally {
        closeUntaken?.();
      }
    };
    return registryOf(await lasting(onInstance));
  });
}

/** Refuses an option of IndexedDB beside a remote store. */
function notBeside(value: unknown, name: string): void {
  if (value !== undefined) throw invalidArgument(`options.${name}: is for IndexedDB, and a remote store has none`);
}

const damaged = (name: string, words: string) =>
  raise(`the browser found the database ${JSON.stringify(name)} damaged, and has deleted all that was in it (${words})`, {
    code: "storage_failed",
  });

/** What `deleteRegistry()` does. */
export function deleteRegistry(name?: string): Promise<void> {
  return call(async () => {
    const database = OPEN.name(name, "name") ?? "longwait";
    try {
      await remove(database);
    } catch (cause) {
      throw raise(`the database ${JSON.stringify(database)} was not deleted (${describeFault(cause)})`, { code: codeOf(cause), cause });
    }
  });
}

function codeOf(fault: unknown): ProcessErrorCode {
  switch ((fault as DOMException).name) {
    case "BlockedError":
      return "storage_blocked";
    case "NotFoundError":
    case "SecurityError":
      return "storage_unavailable";
    default:
      return "storage_failed";
  }
}

const describeFault = (fault: unknown) => `${(fault as DOMException).name}: ${(fault as DOMException).message}`;

const MAX_DATABASE_NAME = 900;

const OPEN = {
  storage: optional((value: unknown, name: string) => {
    if (isElsewhere(value) || isRemote(value)) return value as never;
    if (typeof value === "object" && value !== null) throw invalidArgument(`${name}: is no store of "longwait/nats"`);
    return oneOf("indexeddb", "memory")(value, name);
  }),
  fallback: optional(oneOf("memory")),
  name: optional((value: unknown, name: string) => {
    // Names of locks and channels are made of it.
    if (id(value, name).length > MAX_DATABASE_NAME) throw invalidArgument(`${name}: has more than ${MAX_DATABASE_NAME} characters`);
    return value as string;
  }),
  durability: optional(oneOf("relaxed", "strict")),
  sink: optional((value: unknown, name: string) => callback(value, name) as ProcessEventSink),
  owner: optional((value: unknown, name: string) => options<{ ownerId: string }>(value, name, { ownerId: id })),
  wasm: optional(source),
  retention: optional((value: unknown, name: string) => shape(value, name, SHAPES.retention) as NonNullable<OpenOptions["retention"]>),
  onCorruption: optional((value: unknown, name: string) => callback(value, name) as NonNullable<OpenOptions["onCorruption"]>),
};

function oneOf<T extends string>(...words: T[]): (value: unknown, name: string) => T {
  return (value, name) => {
    const word = words.find((known) => known === value);
    if (word === undefined) throw invalidArgument(`${name}: must be ${words.map((known) => `"${known}"`).join(" or ")}`);
    return word;
  };
}
