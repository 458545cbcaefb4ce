/** What streams have by now. */
import type { Json, ProcessRegistry } from "../types/public.js";

/** The chunks from one index on and before another one, which are there: what is to come is not waited for. */
export async function* between<C extends Json>(
  registry: ProcessRegistry,
  processId: string,
  stream: string,
  from: number,
  to: number,
): AsyncGenerator<C, void> {
  if (from >= to) return;
  for await (const { index, value } of registry.readStream<C>(processId, stream, { startIndex: from })) {
    yield value;
    if (index === to - 1) return;
  }
}
