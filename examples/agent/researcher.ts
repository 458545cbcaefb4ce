/** The researcher: an agent that the agent calls. It is a process of its own, which any tab may run. */
import { APICallError, stepCountIs, streamText, tool } from "ai";
import { defineProcess, NonRetryableError } from "longwait";
import { durableModel, durableTools } from "longwait/ai";
import { z } from "zod";
import { almanac, shelves, type Shelf } from "./almanac.js";
import { modelFor, type ModelChoice } from "./models/choice.js";
import { pause, tab } from "./tab.js";

export const research = defineProcess<{ question: string; model: ModelChoice }, string>({ kind: "research" });

/** What it says and does, as its stream has it. */
export type Said = { text: string } | { shelf: Shelf; by: string };

/** The name of that stream. */
export const REPORT = "report";

const read_shelf = tool({
  description: "Reads a shelf of the almanac. Slow.",
  inputSchema: z.object({ shelf: z.enum(shelves) }),
  execute: async ({ shelf }, { abortSignal }) => {
    await pause(1_200, abortSignal);
    return { shelf, lines: almanac[shelf], by: tab };
  },
});

/** What a provider refuses, such as a wrong key, is not asked again. A turn of a chat does this by itself. */
function runError(error: unknown): unknown {
  const isRefused = APICallError.isInstance(error) && !error.isRetryable && (error.statusCode ?? 0) >= 400;
  return isRefused ? new NonRetryableError(error.message, { cause: error }) : error;
}

export const researching = research.implement(async (run) => {
  await run.setState({ tab });
  const report = await run.stream<Said>(REPORT);
  const { fullStream } = streamText({
    model: durableModel(await modelFor(run.input.model, "researcher", run), run),
    tools: durableTools({ read_shelf }, run),
    system: "You look things up in an almanac, shelf by shelf, and answer in one sentence, with the number and its unit.",
    prompt: run.input.question,
    stopWhen: stepCountIs(10),
    abortSignal: run.signal,
    maxRetries: 0, // The retries of the process count for all tabs.
    onError() {},
  });
  let answer = "";
  for await (const part of fullStream) {
    if (part.type === "error") throw runError(part.error);
    if (part.type === "start-step") answer = "";
    if (part.type === "text-delta") {
      answer += part.text;
      await report.append({ text: part.text });
    }
    if (part.type === "tool-result" && !part.dynamic) await report.append({ shelf: part.output.shelf, by: part.output.by });
  }
  run.signal.throwIfAborted();
  return answer;
});
