/** The hooks that change what is stored. */
import { useCallback, useState } from "react";
import type { DefinedHandle, Definition, Payloads, StartArguments } from "../types/definitions.js";
import type { RegistrySource } from "../types/observe.js";
import type { AppendResult, Json } from "../types/public.js";
import { useSource } from "./provider.js";
import { withDefinition } from "./reads.js";

/** How a component starts processes, and what became of the last one that it started. */
export interface Starting<A extends unknown[], H> {
  /** Starts one. The function stays the same. What keeps it from being started is shown as `error`, and also rejects: that need not be caught. */
  readonly start: (...given: A) => Promise<H>;
  /** Whether one is being started. */
  readonly isPending: boolean;
  /** What kept the last one from being started. */
  readonly error: Error | undefined;
  /** The handle of the last one. */
  readonly handle: H | undefined;
}

/** Starts processes of a definition, as `ProcessRegistry.start` does. Before the registry is open, a start waits for it. */
export function useStart<I, O, E, S, G extends Payloads>(
  definition: Definition<I, O, E, S, G>,
): Starting<StartArguments<G["input"]>, DefinedHandle<O, E, S, G["signals"]>> {
  const source = useSource();
  const [{ pending, error, handle }, setState] = useState<{
    pending: number;
    error?: Error;
    handle?: DefinedHandle<O, E, S, G["signals"]>;
  }>({ pending: 0 });
  const start = useCallback(
    (...given: StartArguments<G["input"]>) => {
      setState(({ pending }) => ({ pending: pending + 1 }));
      const started = opened(source).then((registry) => registry.start(definition, ...given));
      started.then(
        (handle) => setState(({ pending }) => ({ pending: pending - 1, handle })),
        (error: Error) => setState(({ pending }) => ({ pending: pending - 1, error })),
      );
      return started;
    },
    [source, definition],
  );
  return { start, isPending: pending > 0, error, handle };
}

/** Sends signals to a process, as `ProcessRegistry.signal` does. The function stays the same. */
export function useSignal(id: string): (name: string, payload?: Json, options?: { signalId?: string }) => Promise<AppendResult>;
export function useSignal<I, O, E, S, G extends Payloads>(
  definition: Definition<I, O, E, S, G>,
  id: string,
): DefinedHandle<O, E, S, G["signals"]>["signal"];
export function useSignal(...given: readonly unknown[]): (name: string, ...given: never[]) => Promise<AppendResult> {
  const [definition, id] = withDefinition<[string]>(given) as [Definition | undefined, string];
  const source = useSource();
  return useCallback(
    async (name: string, payload?: Json, options?: { signalId?: string }) => {
      const registry = await opened(source);
      if (definition !== undefined) return registry.handle(definition, id).signal(name, payload as Json, options);
      return registry.signal(id, name, payload, options);
    },
    [source, definition, id],
  );
}

async function opened(source: RegistrySource | undefined) {
  if (source === undefined) throw new Error("longwait: there is no registry yet");
  return source;
}
