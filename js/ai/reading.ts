/** The answer of a turn, as a page reads it. */
import type { UIMessageChunk } from "ai";
import type { ProcessRegistry } from "../types/public.js";
import { Codec, settled } from "./chunks.js";
import { STREAM } from "./names.js";

/** What there is, in few chunks, then what is to come, once each, whatever tab makes it. It ends with the turn, and says so where that failed or was cancelled. */
export async function* chunksOfTurn(registry: ProcessRegistry, turnId: string, signal?: AbortSignal): AsyncGenerator<UIMessageChunk, void> {
  const codec = new Codec();
  const there = (await registry.listStreams(turnId)).find(({ name }) => name === STREAM)?.chunks ?? 0;
  const before: UIMessageChunk[] = [];
  for await (const { index, value } of registry.readStream(turnId, STREAM, signal && { signal })) {
    const chunk = codec.decode(value);
    if (index >= there) yield chunk;
    else if (before.push(chunk) === there) yield* settled(before);
  }
  const status = await registry.awaitTerminal(turnId, signal && { signal });
  if (status.type === "failure") yield { type: "error", errorText: status.message };
  if (status.type === "cancelled") yield { type: "abort", reason: status.message };
}

/** An iteration as a stream. What its reader lets go of ends. */
export function streamOf<T>(chunks: AsyncGenerator<T, void>): ReadableStream<T> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return();
    },
  });
}
