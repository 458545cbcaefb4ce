/** A handle on one process: what a registry, or a run, may do with it, without its id each time. */
import { givenBack } from "../border/inside.js";
import { defineProperty, freeze } from "../platform/intrinsics.js";
import { OUTPUT } from "../types/output.js";
import { ProcessCancelledError, ProcessFailedError, raise } from "../types/errors.js";
import { checked, type Check } from "./schemas.js";
import type { Json, ProcessAwaitOutput, ProcessHandle, ProcessRecord, ProcessRegistry, WaitOptions } from "../types/public.js";

/** What a handle calls. */
export interface Reach extends Pick<ProcessRegistry, "signal" | "requestCancel" | "getProcess" | "events"> {
  awaitTerminal(processId: string, options?: WaitOptions): Promise<ProcessAwaitOutput>;
}

/** How the process of a handle ends. */
type Output = (options?: WaitOptions) => Promise<ProcessAwaitOutput>;

/** What a handle of longwait awaits; nothing where it is none. One that stands in for it has a wait of its own. */
export function outputOf(handle: object): Output | undefined {
  try {
    const output: unknown = (handle as { readonly [OUTPUT]?: unknown })[OUTPUT];
    return typeof output === "function" ? (output as Output) : undefined;
  } catch {
    return undefined; // A revoked proxy.
  }
}

/**
 * The handle on a process, with the checks of the signals that its definition names. Its methods use no `this`, so that they also work when
 * they are taken apart.
 */
export function handleOf(
  reach: Reach,
  id: string,
  disposition: ProcessHandle["disposition"],
  signals?: ReadonlyMap<string, Check>,
): ProcessHandle {
  const output: Output = (options) => reach.awaitTerminal(id, options);
  const handle: ProcessHandle = {
    id,
    disposition,
    async result(options?: WaitOptions): Promise<Json> {
      return valueOf(id, await output(options));
    },
    signal(name, payload, options) {
      const send = (payload: Json) => reach.signal(id, name, payload, options);
      const check = signals?.get(name);
      return check === undefined ? send(payload as Json) : givenBack(checked(check, payload, "payload", send));
    },
    async cancel(reason?: string) {
      await reach.requestCancel(id, reason);
    },
    async record(): Promise<ProcessRecord> {
      const record = await reach.getProcess(id);
      if (record === undefined) throw gone(id);
      return record;
    },
    events: (options) => reach.events(id, options),
  };
  return freeze(defineProperty(handle, OUTPUT, { value: output }));
}

/** What a process gave; throws how it failed or that it was cancelled. */
export function valueOf(id: string, output: ProcessAwaitOutput): Json {
  switch (output.type) {
    case "success":
      return output.value;
    case "failure":
      throw new ProcessFailedError(id, output);
    case "cancelled":
      throw new ProcessCancelledError(id, output);
  }
}

function gone(id: string): Error {
  return raise(`process \`${id}\` is not known here`, { code: "unknown_process", processId: id });
}
