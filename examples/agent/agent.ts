/** The agent: how it answers, and the registry, the transport and the driver of this tab. */
import { convertToModelMessages, stepCountIs, streamText, type UIMessage } from "ai";
import { openRegistry } from "longwait";
import { chatTurns, durableModel, LongwaitChatTransport } from "longwait/ai";
import { z } from "zod";
import { modelFor, type ModelChoice } from "./models/choice.js";
import { RETRY } from "./policy.js";
import { researching } from "./researcher.js";
import { tab } from "./tab.js";
import { agentTools, type AgentTools } from "./tools.js";

/** `run`: which tab has answered, one for each run. `child`: the process of a tool call, by the id of the call. */
export type AgentMessage = UIMessage<never, { run: { tab: string; attempt: number }; child: { processId: string } }, AgentTools>;

// A page with a content security policy has no `eval`.
z.config({ jitless: true });

export const registry = await openRegistry({ name: "agent" });

export const transport = new LongwaitChatTransport<AgentMessage>(registry, { policy: { retry: RETRY } });

const turns = chatTurns<AgentMessage>(registry, async (turn) => {
  await turn.setState({ tab });
  await turn.write({ type: "data-run", id: `run ${turn.attempt}`, data: { tab, attempt: turn.attempt } });
  const model = (turn.body as { model?: ModelChoice } | undefined)?.model ?? null;
  return streamText({
    model: durableModel(await modelFor(model, "agent", turn), turn),
    tools: agentTools(turn, model),
    system:
      "You find out how long it takes to walk somewhere, at 5 kilometres an hour. Have the distance looked up, calculate, and offer to save a note.",
    messages: await convertToModelMessages(turn.messages),
    stopWhen: stepCountIs(8),
    abortSignal: turn.signal,
    maxRetries: 0, // The retries of the turn count for all tabs.
    onError() {},
  });
});

export const driver = registry.driver({ processes: [turns, researching] });
