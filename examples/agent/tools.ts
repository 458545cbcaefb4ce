/** What the agent can do. */
import { tool, type InferUITools } from "ai";
import { durableTools, type ToolRun } from "longwait/ai";
import { z } from "zod";
import { calculate as calculated } from "./calculate.js";
import type { ModelChoice } from "./models/choice.js";
import { RETRY } from "./policy.js";
import { notes } from "./stored.js";

const calculate = tool({
  description: "Calculates with + - * / and parentheses.",
  inputSchema: z.object({ expression: z.string() }),
  execute: ({ expression }) => calculated(expression),
});

const clock = tool({
  description: "Gives the date and the time of day.",
  inputSchema: z.object({}),
  execute: () => new Date().toISOString(),
});

const save_note = tool({
  description: "Saves a note in this browser.",
  inputSchema: z.object({ title: z.string(), text: z.string() }),
  needsApproval: true,
  execute(note, { toolCallId: id }) {
    // Under the id of the call: should the tab die before the step is recorded, saving it again changes nothing.
    notes.write([{ id, ...note }, ...notes.read().filter((other) => other.id !== id)]);
    return "saved";
  },
});

/** The tools of a turn. The first three are steps of it; the researcher is a child, which is durable by itself. */
export const agentTools = (turn: ToolRun, model: ModelChoice) => ({
  ...durableTools({ calculate, clock, save_note }, turn),
  research: tool({
    description: "Has a researcher look up one thing in an almanac.",
    inputSchema: z.object({ question: z.string() }),
    async execute({ question }, { toolCallId: key }) {
      const child = await turn.startChild(
        { input: { type: "engine", kind: "research", payload: { question, model } }, retry: RETRY },
        { key },
      );
      await turn.write?.({ type: "data-child", id: key, data: { processId: child.id } });
      return String(await child.result());
    },
  }),
});

export type AgentTools = InferUITools<ReturnType<typeof agentTools>>;
