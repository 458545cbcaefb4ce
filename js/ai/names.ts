/** What the turns of a chat are called. */
import type { ProcessRecord } from "../types/public.js";

/** The kind of the processes. */
export const KIND = "chat";

/** The streams of a turn. */
export const STREAMS = {
  /** The chunks of its message, one by one, until it has ended. */
  live: "message",
  /** What is kept of them, in few chunks. */
  answer: "answer",
  /** What models have answered, a list of parts each, until it has ended. */
  calls: "calls",
} as const;

/** The label by which the turns of a chat are found. */
export const LABEL = "chat";

const DIGITS = 8;

/** What all turns of a chat begin with. It holds two of them back from being made at once, too. */
export const prefixOf = (chatId: string): string => `chat:${chatId}/`;

/** The id of the nth turn of a chat: in the order of ids they are in that of the chat, whatever the clocks say. */
export const turnId = (chatId: string, number: number): string => `${prefixOf(chatId)}${String(number).padStart(DIGITS, "0")}`;

/** Which turn of its chat it is. */
export const numberOf = ({ id }: Pick<ProcessRecord, "id">): number => Number(id.slice(-DIGITS));

/** The name of the signal that answers an approval. */
export const signalOf = (toolCallId: string): string =>
  `approval_${toolCallId.replace(/[^A-Za-z0-9-]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)}`;

/** The id of an approval: it says which process is to be answered, and how. */
export const approvalId = (processId: string, signal: string): string => `${processId}/${signal}`;

/** What the id of an approval says; nothing where it is another one's. */
export function approvalOf(id: string): { readonly processId: string; readonly signal: string } | undefined {
  const [, processId, signal] = /^(.+)\/(approval_[\w-]+)$/s.exec(id) ?? [];
  return processId === undefined || signal === undefined ? undefined : { processId, signal };
}
