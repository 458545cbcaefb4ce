/** The answer of a turn, as a page reads it. */
import type { UIMessageChunk } from "ai";
import type { ProcessRegistry } from "../types/public.js";
import { answerOf } from "./answer.js";
import { Codec, settled, standing } from "./chunks.js";
import { STREAMS } from "./names.js";
import { Shown } from "./shown.js";

/**
 * What there is, in few chunks, then what is to come, once each, whatever tab makes it. It ends with the turn, and says so where that failed or was
 * cancelled.
 */
export async function* chunksOfTurn(registry: ProcessRegistry, turnId: string, signal?: AbortSignal): AsyncGenerator<UIMessageChunk, void> {
  const until = signal && { signal };
  const codec = new Codec();
  const there = (await registry.listStreams(turnId)).find(({ name }) => name === STREAMS.live)?.chunks ?? 0;
  const given: UIMessageChunk[] = [];
  const before: UIMessageChunk[] = [];
  for await (const { index, value } of registry.readStream(turnId, STREAMS.live, until)) {
    const chunk = codec.decode(value);
    if (index < there) before.push(chunk);
    else {
      given.push(chunk);
      yield chunk;
    }
    if (index !== there - 1) continue;
    given.push(...before);
    yield* settled(before);
  }
  const output = await registry.awaitTerminal(turnId, until);
  // The end of the turn has removed what was not read by then.
  const shown = new Shown(standing(given));
  for (const chunk of await answerOf(registry, turnId, output.type === "success")) yield* shown.next(chunk);
  if (output.type === "failure") yield { type: "error", errorText: output.message };
  if (output.type === "cancelled") yield { type: "abort", reason: output.message };
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
