/** The chunks of a message, as the stream of a turn keeps them. */
import type { UIMessageChunk } from "ai";
import type { Json } from "../types/public.js";
import { plain } from "./json.js";

/** A piece of a text. */
export type Delta = Extract<UIMessageChunk, { type: "text-delta" | "reasoning-delta" }>;

/** What a tool call has given: a result, or an error. */
export type Output = Extract<UIMessageChunk, { type: "tool-output-available" | "tool-output-error" }>;

/** A chunk that removes what the message has of the current step. The AI SDK has it since version 7. */
export const RESET = { type: "reset-step" } as unknown as UIMessageChunk;

export const isReset = (chunk: UIMessageChunk): boolean => chunk.type === RESET.type;

export const isDelta = (chunk: UIMessageChunk): chunk is Delta => chunk.type === "text-delta" || chunk.type === "reasoning-delta";

export const isStart = (chunk: UIMessageChunk): chunk is Extract<UIMessageChunk, { type: "text-start" | "reasoning-start" }> =>
  chunk.type === "text-start" || chunk.type === "reasoning-start";

export const isOutput = (chunk: UIMessageChunk): chunk is Output =>
  chunk.type === "tool-output-available" || chunk.type === "tool-output-error";

/** A result of a tool call that another one takes the place of, as a tool gives several, one after the other. */
export const isPreliminary = (chunk: UIMessageChunk): chunk is Output & { type: "tool-output-available" } =>
  chunk.type === "tool-output-available" && chunk.preliminary === true;

/** Translates chunks to what is kept and back: a piece of the text that was begun last is kept as that text alone. */
export class Codec {
  private type: Delta["type"] = "text-delta";
  private id = "";

  encode(chunk: UIMessageChunk): Json {
    this.follow(chunk);
    const isPlain = isDelta(chunk) && chunk.type === this.type && chunk.id === this.id && chunk.providerMetadata === undefined;
    return isPlain ? chunk.delta : (plain(chunk) as Json);
  }

  decode(kept: Json): UIMessageChunk {
    if (typeof kept === "string") return { type: this.type, id: this.id, delta: kept };
    const chunk = kept as UIMessageChunk;
    this.follow(chunk);
    return chunk;
  }

  private follow(chunk: UIMessageChunk): void {
    if (!isStart(chunk)) return;
    this.type = chunk.type === "text-start" ? "text-delta" : "reasoning-delta";
    this.id = chunk.id;
  }
}

/** What of chunks counts for a message: not what was reset, and not what was meant for that moment alone. Of a part of a message, a reset that concerns what is before it stays. */
export function standing(chunks: Iterable<UIMessageChunk>, { isPart = false } = {}): UIMessageChunk[] {
  const left: UIMessageChunk[] = [];
  for (const chunk of chunks) {
    if (isReset(chunk)) {
      left.length = left.findLastIndex(({ type }) => type === "start-step") + 1;
      if (isPart && left.length === 0) left.push(chunk);
    } else if (!("transient" in chunk && chunk.transient === true)) left.push(chunk);
  }
  return left;
}

/** Fewer chunks that make the same message: of those that stand, pieces of one text are joined, and of a tool call's outputs the last one is left. */
export function settled(chunks: Iterable<UIMessageChunk>, part?: { isPart: boolean }): UIMessageChunk[] {
  const made: UIMessageChunk[] = [];
  for (const chunk of standing(chunks, part)) {
    const last = made.at(-1);
    if (isDelta(chunk) && last !== undefined && isDelta(last) && last.type === chunk.type && last.id === chunk.id) {
      made[made.length - 1] = { ...last, ...chunk, delta: last.delta + chunk.delta };
      continue;
    }
    if (isOutput(chunk)) {
      const before = made.findLastIndex((other) => isPreliminary(other) && other.toolCallId === chunk.toolCallId);
      if (before >= 0) made.splice(before, 1);
    }
    made.push(chunk);
  }
  return made;
}
