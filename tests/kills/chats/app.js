/** What runs in each tab: a driver of chats, and a reader of each chat. The model says what the question asks it to; see plan.mjs. */
import { Chat } from "@ai-sdk/react";
import { convertToModelMessages, stepCountIs, streamText, tool } from "ai";
import { openRegistry } from "longwait";
import { chatTurns, durableModel, durableTools, LongwaitChatTransport } from "longwait/ai";
import { Mock } from "mock";
import { z } from "zod";

const TOOLS = ["look", "send"];
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };

/** The nth word of a call. */
export const word = ({ chat, words }, call, n) => words?.[n % words.length] ?? `${chat}.${call}.${n} `;

/** The question that a prompt ends with, and which call for it this is. */
function asked(prompt) {
  const last = prompt.findLastIndex(({ role }) => role === "user");
  return { plan: JSON.parse(prompt[last].content[0].text), call: prompt.slice(last).filter(({ role }) => role === "tool").length };
}

/** The model of a run. `ran` hears of what it says. */
const modelOf = ({ attempt }, tab, ran) =>
  new Mock({
    async doStream({ prompt, abortSignal }) {
      const { plan, call } = asked(prompt);
      const { chat, calls, pause, holds } = plan;
      const stream = new ReadableStream({
        async start(controller) {
          controller.enqueue({ type: "stream-start", warnings: [] });
          controller.enqueue({ type: "text-start", id: "0" });
          for (let n = 0; n < calls[call]; n++) {
            if (attempt === 1 && call === holds && n === calls[call] - 1)
              await new Promise((over) => abortSignal.addEventListener("abort", over));
            if (n % 8 === 0) ran({ id: chat, key: `call ${call}`, n, tab });
            controller.enqueue({ type: "text-delta", id: "0", delta: word(plan, call, n) });
            await new Promise((over) => setTimeout(over, pause));
            if (abortSignal.aborted) return controller.error(abortSignal.reason);
          }
          controller.enqueue({ type: "text-end", id: "0" });
          // Another id each time, as providers give them.
          const toolCall = { type: "tool-call", toolCallId: crypto.randomUUID(), toolName: TOOLS[call], input: "{}" };
          const isLast = call === calls.length - 1;
          if (!isLast) controller.enqueue(toolCall);
          controller.enqueue({ type: "finish", usage, finishReason: { unified: isLast ? "stop" : "tool-calls", raw: "" } });
          controller.close();
        },
      });
      return { stream };
    },
  });

export async function open({ name, tab, drives = true, ran = () => {} }) {
  const registry = await openRegistry({ name });
  const transport = new LongwaitChatTransport(registry);

  const turns = chatTurns(registry, async (turn) => {
    const { plan } = asked(await convertToModelMessages(turn.messages));
    const fence = turn.fencingToken;
    const execute = async (_input, { toolCallId }) => {
      ran({ id: plan.chat, key: "tool", toolCallId, fence, tab });
      await new Promise((over) => setTimeout(over, plan.pause));
      return { fence };
    };
    const slowly = async function* (input, call) {
      for (const so of ["a", "b"]) {
        yield { so };
        await new Promise((over) => setTimeout(over, plan.pause));
      }
      yield await execute(input, call);
    };
    const inputSchema = z.object({});
    const tools = { look: tool({ inputSchema, execute: slowly }), send: tool({ inputSchema, execute, needsApproval: plan.asks }) };
    const write = async (chunk) => {
      await turn.write(chunk);
      if (chunk.type === "tool-approval-request") ran({ id: plan.chat, key: "asked", approval: chunk.approvalId, tab });
    };
    return streamText({
      model: durableModel(modelOf(turn, tab, ran), turn),
      tools: durableTools(tools, { ...turn, write }),
      messages: await convertToModelMessages(turn.messages),
      abortSignal: turn.signal,
      stopWhen: stepCountIs(5),
    });
  });
  if (drives) registry.driver({ processes: [turns] }).start();
  Object.assign(globalThis, { registry, transport, chats: new Map() });
}

/** The reader of a chat, from now on. */
export async function read(id) {
  const chat = new Chat({ id, transport, messages: await transport.loadMessages(id) });
  const one = { chat, reading: undefined };
  chats.set(id, one);
  const join = async () => {
    chat.messages = await transport.loadMessages(id);
    await chat.resumeStream();
  };
  one.join = () => (one.reading = join());
  transport.onTurn(id, one.join);
  one.reading = chat.resumeStream();
}

/** Sends the question of a chat, where no tab has done so yet. */
export async function begin(plan) {
  const one = chats.get(plan.chat);
  if ((await turnsOf(plan.chat)).length === 0) one.reading = one.chat.sendMessage({ text: JSON.stringify(plan) });
  while ((await turnsOf(plan.chat)).length === 0);
}

export const turnsOf = (chat) => registry.listProcesses({ labels: { chat }, status: "any" });

export const textOf = (message) =>
  (message?.role === "assistant" ? message.parts : []).map((part) => (part.type === "text" ? part.text : "")).join("");

/** What its tools have given, as the message has it. */
const outputsOf = (message) =>
  message.parts.flatMap(({ toolCallId, output, preliminary }) => (toolCallId ? [{ output, preliminary }] : []));

/** What the reader of a chat has in the end, and what a page that is loaded then has. */
export async function ended(id) {
  const [turn, ...others] = await turnsOf(id);
  const output = await registry.awaitTerminal(turn.id);
  const one = chats.get(id);
  await one.reading;
  // Where it has not heard of the turn.
  if (one.chat.lastMessage?.role !== "assistant") await one.join();
  const events = await registry.eventsAfter(turn.id, 0);
  const later = new LongwaitChatTransport(registry);
  const stored = (await later.loadMessages(id)).at(-1);
  return {
    output,
    turns: others.length + 1,
    events,
    text: textOf(one.chat.lastMessage),
    stored: textOf(stored),
    outputs: [one.chat.lastMessage, stored].map(outputsOf),
  };
}
