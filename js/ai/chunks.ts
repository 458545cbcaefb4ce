/** The chunks of a message, as the stream of a turn keeps them. */
import type { UIMessageChunk } from "ai";
import type { Json } from "../types/public.js";
import { plain } from "./json.js";

/** A piece of a text. */
export type Delta = Extract<UIMessageChunk, { type: "text-delta" | "reasoning-delta" }>;

/** A chunk that removes what the message has of the current step. The AI SDK has it since version 7. */
export const RESET = { type: "reset-step" } as unknown as UIMessageChunk;

export const isReset = (chunk: UIMessageChunk): boolean => chunk.type === RESET.type;

export const isDelta = (chunk: UIMessageChunk): chunk is Delta => chunk.type === "text-delta" || chunk.type === "reasoning-delta";

export const isStart = (chunk: UIMessageChunk): chunk is Extract<UIMessageChunk, { type: "text-start" | "reasoning-start" }> =>
  chunk.type === "text-start" || chunk.type === "reasoning-start";

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

/** Fewer chunks that make the same message: pieces of one text are joined, and what was reset or meant for that moment alone is left out. */
export function settled(chunks: Iterable<UIMessageChunk>): UIMessageChunk[] {
  const made: UIMessageChunk[] = [];
  for (const chunk of chunks) {
    const last = made.at(-1);
    if (isReset(chunk)) made.length = made.findLastIndex(({ type }) => type === "start-step") + 1;
    else if (isDelta(chunk) && last !== undefined && isDelta(last) && last.type === chunk.type && last.id === chunk.id)
      made[made.length - 1] = { ...last, ...chunk, delta: last.delta + chunk.delta };
    else if (!("transient" in chunk && chunk.transient === true)) made.push(chunk);
  }
  return made;
}
