/** Tool calls that will have no result any more, as their turn has ended. A model is given no message with a call that is open. */
import type { UIMessage, UIMessageChunk } from "ai";
import { isPreliminary } from "./chunks.js";

/** Why there is none. */
const ENDED = "the turn ended before the tool had";

/** Errors for the calls that chunks leave open. */
export function closing(chunks: readonly UIMessageChunk[]): UIMessageChunk[] {
  const open = new Set<string>();
  for (const chunk of chunks) {
    if (chunk.type === "tool-input-available") open.add(chunk.toolCallId);
    if (/^tool-(output-|input-error)/.test(chunk.type) && !isPreliminary(chunk)) open.delete((chunk as { toolCallId: string }).toolCallId);
  }
  return [...open].map((toolCallId) => ({ type: "tool-output-error", toolCallId, errorText: ENDED }));
}

/** The messages, with errors for the calls that are open, but for the last message: the turn that answers it may close those. */
export function closed<M extends UIMessage>(messages: readonly M[]): M[] {
  return messages.map((message, n) => (n === messages.length - 1 ? message : { ...message, parts: message.parts.map(closedPart) }));
}

function closedPart<P extends UIMessage["parts"][number]>(part: P): P {
  if (!("toolCallId" in part)) return part;
  const { output, preliminary, ...call } = part as typeof part & { output?: unknown; preliminary?: boolean };
  if (part.state.startsWith("output-") && preliminary !== true) return part;
  return { ...call, state: "output-error", errorText: ENDED } as unknown as P;
}
