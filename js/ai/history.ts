/** The messages of a chat, from its turns. Each turn keeps what its user changed, and its stream the message that answers; nothing is kept twice. */
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import type { Json, ProcessRecord, ProcessRegistry } from "../types/public.js";
import { answerOf } from "./answer.js";
import { alike } from "./json.js";
import { KIND, LABEL, numberOf } from "./names.js";
import { closed } from "./open-calls.js";

/** What a turn is registered with. */
export interface TurnRequest<M extends UIMessage = UIMessage> {
  readonly chatId: string;
  readonly trigger: "submit-message" | "regenerate-message";
  /** Ids of messages that are no longer in the chat. */
  readonly remove: readonly string[];
  /** Messages that are added behind the rest. */
  readonly add: readonly M[];
  /** What the page gave with the request, as `body` and `metadata`. */
  readonly body?: Json;
  readonly metadata?: Json;
}

export const requestOf = <M extends UIMessage>({ input }: ProcessRecord): TurnRequest<M> => input.payload as unknown as TurnRequest<M>;

/** What is known of a chat at some moment. */
export interface Known<M extends UIMessage> {
  /** Those that are complete: of a turn that has not ended, only what the user added. */
  readonly messages: M[];
  /** By id, and so in order. */
  readonly turns: ProcessRecord[];
}

const hasEnded = ({ status }: ProcessRecord): boolean => status.state !== "running";

/** The turns of a chat that have not ended, in their order. */
export const activeOf = (turns: readonly ProcessRecord[]): ProcessRecord[] => turns.filter((turn) => !hasEnded(turn));

/** Reads chats. The answer of a turn that has ended is read once. */
export class History<M extends UIMessage> {
  /** By the ids of turns, of the chat that was read last. */
  private answers = new Map<string, Promise<M | undefined>>();

  constructor(private readonly registry: ProcessRegistry) {}

  turns(chatId: string): Promise<ProcessRecord[]> {
    return this.registry.listProcesses({ kind: KIND, labels: { [LABEL]: chatId }, status: "any" });
  }

  async of(chatId: string): Promise<Known<M>> {
    const turns = await this.turns(chatId);
    return { turns, messages: await this.after(turns) };
  }

  /** What the run of a turn is to answer. */
  async for(turn: ProcessRecord): Promise<M[]> {
    const turns = await this.turns(requestOf(turn).chatId);
    const before = turns.filter((other) => numberOf(other) < numberOf(turn));
    return closed(changed(await this.after(before), requestOf<M>(turn)));
  }

  /** The messages after these turns. One that is being continued is left out, as the turn gives it as a whole. */
  private async after(turns: readonly ProcessRecord[]): Promise<M[]> {
    const kept = new Map<string, Promise<M | undefined>>();
    let messages: M[] = [];
    for (const turn of turns) {
      messages = changed(messages, requestOf<M>(turn));
      const continued = lastAnswer(messages);
      if (!hasEnded(turn)) {
        if (continued !== undefined) messages = messages.slice(0, -1);
        continue;
      }
      const key = `${turn.id} ${turn.createdAtMs}`;
      const answer = this.answers.get(key) ?? this.answer(turn, continued);
      kept.set(key, answer);
      const message = await answer;
      if (message !== undefined) messages = [...(continued === undefined ? messages : messages.slice(0, -1)), message];
    }
    this.answers = kept;
    return messages;
  }

  private async answer(turn: ProcessRecord, continued: M | undefined): Promise<M | undefined> {
    return folded(await answerOf(this.registry, turn.id, turn.status.state === "completed"), continued);
  }
}

/** The message of an assistant that the next answer continues. */
export function lastAnswer<M extends UIMessage>(messages: readonly M[]): M | undefined {
  const last = messages.at(-1);
  return last?.role === "assistant" ? last : undefined;
}

function changed<M extends UIMessage>(messages: readonly M[], { remove, add }: TurnRequest<M>): M[] {
  const gone = new Set([...remove, ...add.map(({ id }) => id)]);
  return [...messages.filter(({ id }) => !gone.has(id)), ...add];
}

/** What a turn has to be registered with, so that the chat becomes what the page shows. What the page has not seen stays. */
export function difference<M extends UIMessage>(stored: readonly M[], shown: readonly M[], hasSeen: (id: string) => boolean) {
  const known = new Set(shown.map(({ id }) => id));
  const seen = stored.filter(({ id }) => hasSeen(id) || known.has(id));
  let same = 0;
  while (same < seen.length && same < shown.length && alike(seen[same], shown[same])) same++;
  return { remove: seen.slice(same).map(({ id }) => id), add: shown.slice(same) };
}

/** The message that chunks make, as a page that reads them has it. */
async function folded<M extends UIMessage>(chunks: readonly UIMessageChunk[], continued: M | undefined): Promise<M | undefined> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const reader = readUIMessageStream<M>({ stream, ...(continued !== undefined && { message: structuredClone(continued) }) }).getReader();
  let message: M | undefined;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return message;
    message = value;
  }
}
