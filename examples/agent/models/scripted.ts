/**
 * A model without a model: a script reads the conversation and says what comes next. It works offline, says the same each time, and streams as real ones do.
 */
import type { LanguageModelV3, LanguageModelV3Prompt, LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { pause } from "../tab.js";

/** What it says, and which tools it calls then. */
export interface Saying {
  readonly text: string;
  readonly calls?: readonly { readonly toolName: string; readonly input: object }[];
}

/** The conversation since the user's last message: what was asked, and the result of each tool, by its name. One that failed is `undefined`. */
export interface Asked {
  readonly question: string;
  readonly results: ReadonlyMap<string, readonly unknown[]>;
}

export function scripted(next: (asked: Asked) => Saying): LanguageModelV3 {
  return {
    specificationVersion: "v3",
    provider: "script",
    modelId: "script",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("the script streams, and does nothing else")),
    doStream: async ({ prompt, abortSignal }) => ({ stream: streamOf(spoken(next(read(prompt)), abortSignal)) }),
  };
}

const usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};

/** A word every 35 milliseconds, about as fast as a small model. */
async function* spoken({ text, calls = [] }: Saying, signal?: AbortSignal): AsyncGenerator<LanguageModelV3StreamPart, void> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "text" };
  for (const delta of text.match(/\S+\s*/g) ?? []) {
    await pause(35, signal);
    yield { type: "text-delta", id: "text", delta };
  }
  yield { type: "text-end", id: "text" };
  for (const { toolName, input } of calls)
    yield { type: "tool-call", toolCallId: crypto.randomUUID(), toolName, input: JSON.stringify(input) };
  yield { type: "finish", usage, finishReason: { unified: calls.length > 0 ? "tool-calls" : "stop", raw: undefined } };
}

// `ReadableStream.from` is not in all browsers.
function streamOf<T>(items: AsyncGenerator<T, void>): ReadableStream<T> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await items.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await items.return();
    },
  });
}

function read(prompt: LanguageModelV3Prompt): Asked {
  const last = prompt.findLastIndex(({ role }) => role === "user");
  const asked = prompt[last]?.content ?? [];
  const results = new Map<string, unknown[]>();
  for (const { role, content } of prompt.slice(last))
    if (role === "tool")
      for (const part of content)
        if (part.type === "tool-result") results.set(part.toolName, [...(results.get(part.toolName) ?? []), valueOf(part.output)]);
  const question = typeof asked === "string" ? asked : asked.map((part) => (part.type === "text" ? part.text : "")).join(" ");
  return { question, results };
}

const valueOf = (output: { readonly type: string; readonly value?: unknown }): unknown =>
  output.type === "text" || output.type === "json" ? output.value : undefined;
