/** Tools whose calls are steps of a run, and whose approvals are signals to it. */
import type { UIMessageChunk } from "ai";
import type { Json, RunContext, StepContext, StepOptions } from "../types/public.js";
import { approvalId, signalOf } from "./names.js";
import { each, isGenerator, lastOf, latest, type Show } from "./results.js";
import { either } from "./signals.js";

/** What this package needs of a tool. */
interface AnyTool {
  readonly needsApproval?: unknown;
  readonly execute?: unknown;
}

interface Call {
  readonly toolCallId: string;
  readonly abortSignal?: AbortSignal;
}

/** A run, and how it shows a chunk where it is that of a chat's turn. */
export type ToolRun = RunContext & { readonly write?: (chunk: UIMessageChunk) => Promise<void> };

/** What the signal that answers an approval says. */
export interface ApprovalAnswer {
  readonly approved: boolean;
  readonly reason?: string;
}

/**
 * The tools, with each call being a step of `run` under the id of the call: its result is recorded, and a later run is given that instead of
 * calling the tool again. A tool that throws is not recorded; `options` are those of `RunContext.step`, for tools that may be tried again.
 *
 * A tool that needs an approval (`needsApproval`) waits for a signal, in this run and in later ones, for as long as it takes; a chat shows it as
 * `approval-requested`, and `LongwaitChatTransport.answerApproval` sends the signal. One that is denied fails, with the reason.
 * A tool that gives several results one after the other, by `async *execute`, gives them here, too, as preliminary ones: the last one is recorded, and the only one
 * that a later run is given. Tools without `execute` stay as they are.
 */
export function durableTools<T extends { readonly [name: string]: object }>(tools: T, run: ToolRun, options: StepOptions = {}): T {
  const keys = new Map<string, number>();
  /** The id of the call. Some models give one a second time, to another call. */
  const keyOf = (toolCallId: string): string => {
    const count = (keys.get(toolCallId) ?? 0) + 1;
    keys.set(toolCallId, count);
    return count === 1 ? toolCallId : `${toolCallId}#${count}`;
  };
  const durable = (tool: AnyTool): AnyTool => {
    const { needsApproval, execute, ...rest } = tool;
    if (typeof execute !== "function") return tool;
    const called = async (key: string, input: unknown, call: Call, show: Show): Promise<unknown> => {
      if (await isAsked(run, key, needsApproval, input, call)) await approval(run, key, call.toolCallId);
      const work = ({ signal }: StepContext) =>
        lastOf(execute.call(tool, input, { ...call, abortSignal: either(call.abortSignal, signal) }), show, signal);
      return run.step(key, work, options);
    };
    return {
      ...rest,
      execute(input: unknown, call: Call): unknown {
        const key = keyOf(call.toolCallId);
        if (isGenerator(execute)) return each((show) => called(key, input, call, show));
        return called(key, input, call, shownBy(run, call.toolCallId));
      },
    };
  };
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, durable(tool)])) as T;
}

/** Whether the user is asked. What a function answers is recorded, since another answer later would pass over the question. */
async function isAsked(run: RunContext, key: string, needsApproval: unknown, input: unknown, call: Call): Promise<boolean> {
  if (typeof needsApproval !== "function") return needsApproval === true;
  return run.step(`${key}/needs-approval`, async () => (await needsApproval(input, call)) === true);
}

/** Waits for the answer. @throws where it is no. */
async function approval({ process, waitForSignal, write }: ToolRun, key: string, toolCallId: string): Promise<void> {
  const signal = signalOf(key);
  const id = approvalId(process.id, signal);
  await write?.({ type: "tool-approval-request", approvalId: id, toolCallId });
  const { approved, reason } = (await waitForSignal<Json>(signal)).payload as unknown as ApprovalAnswer;
  const response = { type: "tool-approval-response", approvalId: id, approved, ...(reason !== undefined && { reason }) };
  // Of version 7 of the AI SDK; version 6 passes over it.
  await write?.(response as unknown as UIMessageChunk);
  if (!approved) throw new Error(reason ?? "The user has denied this.");
}

/**
 * Shows results of a tool beside what the model's answer has. The AI SDK wants to know of a call at once whether it gives several, which of a function that is no generator
 * is not known before it is called; and a call on record is not made.
 */
function shownBy({ write }: ToolRun, toolCallId: string): Show {
  if (write === undefined) return () => {};
  return latest((output) => write({ type: "tool-output-available", toolCallId, output, preliminary: true }));
}
