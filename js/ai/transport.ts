/** What `useChat` sends messages through: each turn is a process, in whatever tab it runs. */
import type { ChatRequestOptions, ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { reportError } from "../platform/report.js";
import { isProcessError, ProcessError } from "../types/errors.js";
import { withHelp } from "../types/help.js";
import type { RegistrySource } from "../types/observe.js";
import type { Json, JsonLike, ProcessPolicy, ProcessRecord, ProcessRegistry } from "../types/public.js";
import { activeOf, difference, History, lastAnswer, type TurnRequest } from "./history.js";
import { plain } from "./json.js";
import { approvalOf, KIND, LABEL, numberOf, prefixOf, turnId } from "./names.js";
import { chunksOf } from "./parts.js";
import { chunksOfTurn, streamOf } from "./reading.js";

/** Why a turn was cancelled. */
const STOPPED = "stopped";

/** How turns are registered. */
export interface LongwaitChatTransportOptions {
  /**
   * The policy of each turn: `{ requires: "network" }` has messages that are sent offline wait for the network, `{ retry: { maxAttempts: 5 } }` has turns that fail
   * tried again. Turns of one chat are made one after the other in any case.
   */
  policy?: Pick<ProcessPolicy, "retry" | "requires" | "crashLimit" | "priority" | "version">;
}

/** What is given with a request; see `ChatTransport`. */
type SendOptions<M extends UIMessage> = Parameters<ChatTransport<M>["sendMessages"]>[0];
type ReconnectOptions = { chatId: string; abortSignal?: AbortSignal } & ChatRequestOptions;

/** An answer to a question for approval. */
export interface ApprovalResponse {
  /** The id of the approval: `part.approval.id`. */
  id: string;
  approved: boolean;
  /** Why: the model gets it where the answer is no. */
  reason?: string;
}

/** A chat of the AI SDK whose turns outlive the page. {@link chatTurns} runs them. */
export class LongwaitChatTransport<M extends UIMessage = UIMessage> implements ChatTransport<M> {
  /** A page that reconnects gets the answer from its beginning. */
  readonly resumeStreamIsReplay = true;
  private readonly opened: Promise<{ readonly registry: ProcessRegistry; readonly history: History<M> }>;
  /** Ids of messages that this page has shown: only these can be removed by it. */
  private readonly seen = new Set<string>();
  /** Ids of turns that this page began or has loaded. */
  private readonly known = new Set<string>();
  /** Of each chat that was loaded: the turn that had not ended then. */
  private readonly awaited = new Map<string, string>();
  private readonly reconnected = new Map<string, AbortSignal | undefined>();

  constructor(
    registry: RegistrySource,
    private readonly options: LongwaitChatTransportOptions = {},
  ) {
    this.opened = Promise.resolve(registry).then((registry) => ({ registry, history: new History<M>(registry) }));
    this.opened.catch(() => {}); // Each call rejects with it.
  }

  /**
   * Begins a turn, and gives its answer. Aborting the signal, as `stop()` of `useChat` does, cancels the turn; leaving the page does not.
   * @throws ProcessError as `registerProcess`.
   */
  async sendMessages({ chatId, messages, trigger, abortSignal, body, metadata }: SendOptions<M>): Promise<ReadableStream<UIMessageChunk>> {
    const { registry, history } = await this.opened;
    const known = await history.of(chatId);
    const request: TurnRequest<M> = plain({
      chatId,
      trigger,
      ...difference(known.messages, messages, (id) => this.seen.has(id)),
      ...(body !== undefined && { body: body as Json }),
      ...(metadata !== undefined && { metadata: metadata as Json }),
    });
    const id = await this.register(registry, request, lastNumber(known.turns));
    for (const message of messages) this.seen.add(message.id);
    this.seen.add(lastAnswer(messages)?.id ?? id);
    whenAborted(abortSignal, () => cancel(registry, id));
    return streamOf(chunksOfTurn(registry, id, abortSignal));
  }

  /**
   * The answer that is under way, from its beginning, or `null` where there is none: for `useChat({ resume: true })`. Aborting the signal cancels
   * the turn.
   */
  async reconnectToStream({ chatId, abortSignal }: ReconnectOptions): Promise<ReadableStream<UIMessageChunk> | null> {
    this.reconnected.set(chatId, abortSignal);
    const { registry, history } = await this.opened;
    const turns = await history.turns(chatId);
    const awaited = turns.find(({ id }) => id === this.awaited.get(chatId));
    const turn = activeOf(turns).at(-1) ?? awaited;
    this.awaited.delete(chatId);
    if (turn === undefined) return null;
    const { id } = turn;
    this.known.add(id);
    const continued = lastAnswer(await history.for(turn));
    this.seen.add(continued?.id ?? id);
    whenAborted(abortSignal, async () => {
      // A second call takes the place of the first, as in React's strict mode, which aborts that; nothing was stopped then.
      await undefined;
      if (this.reconnected.get(chatId) === abortSignal) cancel(registry, id);
    });
    async function* chunks(): AsyncGenerator<UIMessageChunk, void> {
      if (continued !== undefined) yield* chunksOf(continued);
      yield* chunksOfTurn(registry, id, abortSignal);
    }
    return streamOf(chunks());
  }

  /** The messages of a chat, for `useChat({ messages })`. The answer that is under way is not among them: `resume: true` gives it. */
  async loadMessages(chatId: string): Promise<M[]> {
    const { history } = await this.opened;
    const { messages, turns } = await history.of(chatId);
    for (const { id } of messages) this.seen.add(id);
    for (const { id } of turns) this.known.add(id);
    const active = activeOf(turns).at(-1);
    if (active !== undefined) this.awaited.set(chatId, active.id);
    return messages;
  }

  /**
   * Calls `listener` when another tab has begun a turn of the chat: load its messages and reconnect then. Returns the function that ends it.
   */
  onTurn(chatId: string, listener: () => void): () => void {
    let isOver = false;
    let end: (() => void) | undefined;
    this.opened.then(
      ({ registry }) => {
        if (isOver) return;
        const look = async (id: string): Promise<void> => {
          // A chat that was deleted may begin again, and its turns have the ids that they had.
          if ((await registry.getProcess(id)) === undefined) this.known.delete(id);
          else if (!isOver && !this.known.has(id)) {
            this.known.add(id);
            listener();
          }
        };
        end = registry.onChange((id) => {
          if (id === turnId(chatId, numberOf({ id }))) look(id).catch(reportError);
        });
      },
      () => {},
    );
    return () => {
      isOver = true;
      end?.();
    };
  }

  /**
   * Answers a tool that waits for an approval: `part.approval.id`. The first answer counts, from whatever tab.
   * @throws `invalid_argument` for an id of another origin; `unknown_process`.
   */
  async answerApproval({ id, approved, reason }: ApprovalResponse): Promise<void> {
    const approval = approvalOf(id);
    if (approval === undefined)
      throw new ProcessError(withHelp("id: is not that of an approval that a durable tool asked for", "invalid_argument"), {
        code: "invalid_argument",
      });
    const { registry } = await this.opened;
    await registry.signal(approval.processId, approval.signal, { approved, ...(reason !== undefined && { reason }) });
  }

  /** Cancels the turns of a chat that have not ended, in whatever tab they run. */
  async stop(chatId: string): Promise<void> {
    const { registry, history } = await this.opened;
    await Promise.all(activeOf(await history.turns(chatId)).map(({ id }) => registry.requestCancel(id, STOPPED)));
  }

  /** Deletes a chat with all its turns, and what they have started. One that is being made is aborted. */
  async deleteChat(chatId: string): Promise<void> {
    const { registry, history } = await this.opened;
    for (const turn of await history.turns(chatId)) await remove(registry, turn);
    this.awaited.delete(chatId);
    this.reconnected.delete(chatId);
  }

  /** Registers a turn behind the last one. Where another tab has just begun that one, behind that. */
  private async register(registry: ProcessRegistry, request: TurnRequest<M>, last: number): Promise<string> {
    const id = turnId(request.chatId, last + 1);
    this.known.add(id);
    try {
      await registry.registerProcess({
        ...this.options.policy,
        id,
        input: { type: "engine", kind: KIND, payload: request as JsonLike },
        labels: { [LABEL]: request.chatId },
        concurrencyKey: prefixOf(request.chatId),
      });
      return id;
    } catch (error) {
      if (!isProcessError(error, "registration_conflict")) throw error;
      this.known.delete(id);
      return this.register(registry, request, last + 1);
    }
  }
}

function whenAborted(signal: AbortSignal | undefined, then: () => void): void {
  if (signal?.aborted === true) then();
  else signal?.addEventListener("abort", then, { once: true });
}

/** Where that fails, the turn is answered to its end. */
const cancel = (registry: ProcessRegistry, turn: string): void => void registry.requestCancel(turn, STOPPED).catch(reportError);

/** Deletes a process with its children, but for those that were to outlive it. */
async function remove(registry: ProcessRegistry, { id, status }: ProcessRecord): Promise<void> {
  // A run could start a child once more. Without a run, what is left when this is cut off is found by another call.
  if (status.state === "running") await removeOne(registry, id);
  for (const child of await registry.listProcesses({ parentId: id, status: "any" }))
    if (child.onParentEnd !== "abandon") await remove(registry, child);
  if (status.state !== "running") await removeOne(registry, id);
}

/** Deletes a process, in whatever state, if it is there. */
async function removeOne(registry: ProcessRegistry, id: string): Promise<void> {
  await registry.deleteProcess(id, { force: true }).catch((error: unknown) => {
    if (!isProcessError(error, "unknown_process")) throw error;
  });
}

const lastNumber = (turns: readonly ProcessRecord[]): number => Math.max(0, ...turns.map(numberOf));
