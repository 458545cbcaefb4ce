/** A durable chat, as a user has it. Compiling this file is the test, with `exactOptionalPropertyTypes` and without (tsconfig.json here). */
import { convertToModelMessages, createUIMessageStream, streamText, tool, type ChatTransport, type UIMessage } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { z } from "zod";
import {
  chatTurns,
  durableModel,
  durableTools,
  LongwaitChatTransport,
  type ApprovalResponse,
  type ChatTurn,
  type LongwaitChatTransportOptions,
} from "../../js/entries/ai.js";
import type { ProcessRegistry, RunContext } from "../../js/entries/index.js";

type Message = UIMessage<{ tokens: number }, { progress: { found: number } }>;

const options: LongwaitChatTransportOptions = { policy: { requires: "network", retry: { maxAttempts: 2 } } };

const given = {
  add: tool({ inputSchema: z.object({ n: z.number() }), execute: async ({ n }) => n + 1 }),
  ask: tool({ inputSchema: z.object({}), needsApproval: true, execute: async () => "yes" }),
};

export async function everywhere(registry: ProcessRegistry, run: RunContext) {
  const transport: ChatTransport<Message> = new LongwaitChatTransport<Message>(registry, options);
  const chat = new LongwaitChatTransport<Message>(Promise.resolve(registry));
  const messages: Message[] = await chat.loadMessages("a");
  const off: () => void = chat.onTurn("a", () => {});
  const response: ApprovalResponse = { id: "a", approved: false, reason: "no" };
  await chat.answerApproval(response);
  await chat.stop("a");
  await chat.deleteChat("a");
  // @ts-expect-error: turns of a chat have a concurrency key already
  new LongwaitChatTransport(registry, { policy: { concurrencyKey: "a" } });

  const model: MockLanguageModelV3 = durableModel(new MockLanguageModelV3(), run, { key: "summary" });
  const tools: typeof given = durableTools(given, run, { retry: { maxAttempts: 3 } });
  // @ts-expect-error: no run to record it in
  durableModel(new MockLanguageModelV3());

  const turns = chatTurns(registry, async (turn: ChatTurn<Message>) => {
    await turn.write({ type: "data-progress", data: { found: 1 } });
    const answer = streamText({
      model: durableModel(model, turn),
      tools: durableTools(given, turn),
      messages: await convertToModelMessages(turn.messages),
    });
    return turn.attempt > 1 ? answer : createUIMessageStream({ execute: ({ writer }) => writer.merge(answer.toUIMessageStream()) });
  });
  registry.driver({ processes: [turns] });
  // @ts-expect-error: a turn answers with a stream
  chatTurns(registry, () => "text");
  return [transport, messages, off, tools];
}
