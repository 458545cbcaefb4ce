/**
 * Durable chats with the AI SDK: {@link LongwaitChatTransport} for `useChat`, {@link chatTurns} for a driver, and models and tools whose calls are
 * steps of a run.
 *
 * @module
 */
export { durableModel, type AnyLanguageModel, type DurableModelOptions } from "../ai/model.js";
export { durableTools, type ToolRun } from "../ai/tools.js";
export { LongwaitChatTransport, type ApprovalResponse, type LongwaitChatTransportOptions } from "../ai/transport.js";
export { chatTurns, type ChatAnswer, type ChatTurn, type ChatTurnResult } from "../ai/turn.js";
