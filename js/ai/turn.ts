/** The run of a turn: it has the app answer, and keeps the answer in a stream. */
import type { UIMessage, UIMessageChunk } from "ai";
import { isProcessError, NonRetryableError } from "../types/errors.js";
import type { RegistrySource } from "../types/observe.js";
import type { Implementation, Json, ProcessRegistry, RunContext, StreamWriter } from "../types/public.js";
import { AnswerWriter } from "./answer.js";
import { Codec, isPreliminary, standing } from "./chunks.js";
import { History, lastAnswer, requestOf } from "./history.js";
import { plain } from "./json.js";
import { CALLS, type CallStore } from "./model.js";
import { KIND, STREAMS } from "./names.js";
import { Shown } from "./shown.js";
import { between } from "./stored.js";

/** What an app answers, and the run that it does so in: see `RunContext`. */
export interface ChatTurn<M extends UIMessage = UIMessage> extends RunContext {
  readonly chatId: string;
  /** All messages of the chat, that of the user at the end; or that of the assistant that is to be continued. */
  readonly messages: M[];
  readonly trigger: "submit-message" | "regenerate-message";
  /** What the page gave with the request. Headers are not kept, as they may hold secrets. */
  readonly body?: Json;
  readonly metadata?: Json;
  /**
   * Shows a chunk, such as a data part, beside what the answer has. Of a later run, one that was shown is not shown again; give data parts ids.
   * Resolves once it is accepted.
   */
  write(chunk: UIMessageChunk): Promise<void>;
}

/** What an app answers with: what `streamText()` gives, or a stream of chunks, as that of `createUIMessageStream()`. */
export type ChatAnswer =
  | ReadableStream<UIMessageChunk>
  | { toUIMessageStream(options: { originalMessages: never[]; onError: (error: unknown) => string }): ReadableStream<UIMessageChunk> };

/** What a turn gives: the id of the message that answers. */
export interface ChatTurnResult {
  readonly messageId: string;
}

/**
 * Runs the turns of all chats of a registry: `respond` is given each, and answers with a stream of the AI SDK. To be given to a driver, in every tab:
 * `registry.driver({ processes: [chatTurns(registry, respond)] }).start()`.
 *
 * Where a tab dies in the middle, another one runs the turn again, and readers get what is missing. Use `durableModel` and `durableTools`, so that this costs nothing
 * that was paid already.
 */
export function chatTurns<M extends UIMessage = UIMessage>(
  registry: RegistrySource,
  respond: (turn: ChatTurn<M>) => ChatAnswer | Promise<ChatAnswer>,
): Implementation<{ messageId: string }> {
  let history: Promise<History<M>> | undefined;
  const opened = () => (history ??= Promise.resolve(registry).then((registry) => new History<M>(registry)));
  return { kind: KIND, run: async (context) => answered(context, await registry, await opened(), respond) };
}

async function answered<M extends UIMessage>(
  context: RunContext,
  registry: ProcessRegistry,
  history: History<M>,
  respond: (turn: ChatTurn<M>) => ChatAnswer | Promise<ChatAnswer>,
): Promise<{ messageId: string }> {
  const { process, signal } = context;
  const { chatId, trigger, body, metadata } = requestOf<M>(process);
  const messages = await history.for(process);
  const messageId = lastAnswer(messages)?.id ?? process.id;

  const out = await context.stream(STREAMS.live, { resume: true, keep: "untilTerminal" });
  const codec = new Codec();
  const all: UIMessageChunk[] = [];
  for await (const value of between(registry, process.id, STREAMS.live, 0, out.nextIndex)) all.push(codec.decode(value));
  const shown = new Shown(standing(all));
  const calls = new Calls();
  const show = async (chunk: UIMessageChunk): Promise<void> => {
    const shows = shown.next(plain(chunk));
    all.push(...shows);
    await Promise.all(shows.map((chunk) => out.append(codec.encode(chunk))));
    if (chunk.type === "tool-input-available") calls.of(chunk.toolCallId).show();
  };
  const write = async (chunk: UIMessageChunk): Promise<void> => {
    if (chunk.type === "tool-approval-request" || isPreliminary(chunk)) await calls.of(chunk.toolCallId).isShown;
    await show(chunk);
  };

  const answer = new AnswerWriter(context, registry);
  /** The end of the turn removes the live stream, and may come without this run, as when its tab crashes once too often. */
  const keep = async (): Promise<void> => {
    await out.flush();
    await answer.keep(all);
  };
  if (all.length > 0) await keep();

  // Before all that the app shows; the start of its answer names another message.
  await show({ type: "start", messageId });

  const given = { ...(body !== undefined && { body }), ...(metadata !== undefined && { metadata }) };
  const turn = { ...context, chatId, messages, trigger, ...given, write, [CALLS]: callsOf(context, registry) };
  try {
    await shownWhole(await respond(turn), show, signal);
  } catch (error) {
    // A run that is over, as its lease is lost, can keep nothing.
    if (!isProcessError(signal.reason)) await keep();
    throw isRefused(error) ? new NonRetryableError(error.message, { cause: error }) : error;
  }
  await keep();
  return { messageId };
}

/**
 * Whether a provider has refused a request, so that another attempt would fail as well: a wrong key, for example. The AI SDK also calls an answer that broke off not
 * retryable, but that has the status of an answer.
 */
function isRefused(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { isRetryable, statusCode = 0 } = error as { isRetryable?: unknown; statusCode?: number };
  return isRetryable === false && statusCode >= 400;
}

/** Shows an answer to its end. @throws what its model threw; the reason of `signal`. */
async function shownWhole(answer: ChatAnswer, show: (chunk: UIMessageChunk) => Promise<void>, signal: AbortSignal): Promise<void> {
  const errors = new Map<string, unknown>();
  const onError = (error: unknown): string => {
    const words = error instanceof Error ? error.message : String(error);
    errors.set(words, error);
    return words;
  };
  const stream = "toUIMessageStream" in answer ? answer.toUIMessageStream({ originalMessages: [], onError }) : answer;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      if (value.type === "error") throw errors.get(value.errorText) ?? new Error(value.errorText);
      if (value.type !== "start") await show(value);
      else if (value.messageMetadata !== undefined) await show({ type: "message-metadata", messageMetadata: value.messageMetadata });
    }
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw signal.aborted && !isProcessError(error) ? signal.reason : error;
  }
}

/** Keeps what models answer in a stream, so that the log does not hold it for ever. */
function callsOf({ process, stream }: RunContext, registry: ProcessRegistry): CallStore {
  let opened: Promise<StreamWriter> | undefined;
  const open = () => (opened ??= stream(STREAMS.calls, { resume: true, keep: "untilTerminal" }));
  return {
    async keep(parts) {
      const out = await open();
      const place = out.nextIndex;
      await out.append(parts);
      await out.flush();
      return place;
    },
    async read(place) {
      const { nextIndex } = await open();
      for await (const parts of between(registry, process.id, STREAMS.calls, place, Math.min(place + 1, nextIndex))) return parts;
      throw new Error(`what the model answered is not kept with the turn ${process.id}, as in a fork`);
    },
  };
}

/** Which tool calls readers know of: a tool is run as soon as its call is read, which may be before that is shown. */
class Calls {
  private readonly known = new Map<string, { readonly isShown: Promise<void>; readonly show: () => void }>();

  of(id: string) {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    let show = (): void => {};
    const isShown = new Promise<void>((shown) => (show = shown));
    const made = { isShown, show };
    this.known.set(id, made);
    return made;
  }
}
