/** The chunks that make a message as it is, for a page that is to show a message that is being continued from its beginning. */
import type { UIMessage, UIMessageChunk } from "ai";

interface Part {
  readonly type: string;
  readonly [field: string]: any;
}

export function chunksOf(message: UIMessage): UIMessageChunk[] {
  const { id: messageId, metadata } = message;
  const start = { type: "start", messageId, ...(metadata !== undefined && { messageMetadata: metadata }) };
  const parts = (message.parts as readonly Part[]).flatMap((part, place) => [...ofPart(part, `${messageId}:${place}`)]);
  return [start, ...parts] as UIMessageChunk[];
}

function* ofPart(part: Part, id: string): Generator<Part> {
  const { type, providerMetadata } = part;
  const beside = providerMetadata === undefined ? {} : { providerMetadata };
  if (type === "text" || type === "reasoning") {
    yield { type: `${type}-start`, id, ...beside };
    yield { type: `${type}-delta`, id, delta: part.text };
    yield { type: `${type}-end`, id };
  } else if (type === "step-start") yield { type: "start-step" };
  else if (type === "dynamic-tool" || type.startsWith("tool-")) yield* ofTool(part);
  // Files, sources and data are in a message as they are in a stream.
  else yield part;
}

function* ofTool({ type, toolName, toolCallId, title, providerExecuted, callProviderMetadata, ...part }: Part): Generator<Part> {
  const { state, input, rawInput, output, errorText, approval, preliminary } = part;
  const isDynamic = type === "dynamic-tool";
  const tool = { toolCallId, toolName: isDynamic ? toolName : type.slice("tool-".length), ...(isDynamic && { dynamic: true }) };
  const beside = {
    ...(title !== undefined && { title }),
    ...(providerExecuted !== undefined && { providerExecuted }),
    ...(callProviderMetadata !== undefined && { providerMetadata: callProviderMetadata }),
  };
  if (state === "input-streaming") {
    yield { type: "tool-input-start", ...tool, ...beside };
    if (rawInput !== undefined) yield { type: "tool-input-delta", toolCallId, inputTextDelta: rawInput };
    return;
  }
  yield { type: "tool-input-available", ...tool, input: input ?? rawInput, ...beside };
  if (approval !== undefined) yield { type: "tool-approval-request", toolCallId, approvalId: approval.id };
  if (state === "output-available")
    yield { type: "tool-output-available", toolCallId, output, ...(preliminary === true && { preliminary }) };
  if (state === "output-error") yield { type: "tool-output-error", toolCallId, errorText };
  if (state === "output-denied") yield { type: "tool-output-denied", toolCallId };
}
