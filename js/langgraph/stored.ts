/** How what LangGraph's serializers make is kept as JSON: as text wherever it is text, which can be read in a log and is smaller than base64. */
import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { fromBase64, inBase64 } from "../platform/base64.js";

/** A serialized value, with the type that its serializer gave it. */
export type Stored = { readonly type: string; readonly text: string } | { readonly type: string; readonly base64: string };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export async function store(serde: SerializerProtocol, value: unknown): Promise<Stored> {
  const [type, bytes] = await serde.dumpsTyped(value);
  try {
    return { type, text: decoder.decode(bytes) };
  } catch {
    return { type, base64: inBase64(bytes) };
  }
}

export function load(serde: SerializerProtocol, stored: Stored): Promise<unknown> {
  if ("base64" in stored) return serde.loadsTyped(stored.type, fromBase64(stored.base64));
  // JSON is parsed from text. Other types were bytes, and are again.
  return serde.loadsTyped(stored.type, stored.type === "json" ? stored.text : encoder.encode(stored.text));
}

/** How long it is, in characters. */
export const lengthOf = (stored: Stored): number => ("text" in stored ? stored.text : stored.base64).length;
