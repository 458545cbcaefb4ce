/** A handle on one process: what a registry, or a run, may do with it, without its id each time. */
import { freeze } from "../platform/intrinsics.js";
import { ProcessCancelledError, ProcessFailedError, raise } from "../types/errors.js";
import type { Json, ProcessAwaitOutput, ProcessHandle, ProcessRecord, ProcessRegistry, WaitOptions } from "../types/public.js";

/** What a handle calls. */
export interface Reach extends Pick<ProcessRegistry, "signal" | "requestCancel" | "getProcess" | "events"> {
  awaitTerminal(processId: string, options?: WaitOptions): Promise<ProcessAwaitOutput>;
}

/** The handle on a process. Its methods use no `this`, so that they also work when they are taken apart. */
export function handleOf(reach: Reach, id: string, disposition: ProcessHandle["disposition"]): ProcessHandle {
  return freeze<ProcessHandle>({
    id,
    disposition,
    async result(options?: WaitOptions): Promise<Json> {
      return valueOf(id, await reach.awaitTerminal(id, options));
    },
    signal: (name, payload, options) => reach.signal(id, name, payload as Json, options),
    async cancel(reason?: string) {
      await reach.requestCancel(id, reason);
    },
    async record(): Promise<ProcessRecord> {
      const record = await reach.getProcess(id);
      if (record === undefined) throw gone(id);
      return record;
    },
    events: (options) => reach.events(id, options),
  });
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
