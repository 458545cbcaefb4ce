/** Which model answers: a script, or an endpoint that the user names. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { LanguageModelV3 } from "@ai-sdk/provider";
import type { ProcessRegistry } from "longwait";
import { scripted } from "./scripted.js";
import { asAgent, asResearcher } from "./scripts.js";

/** What the user entered, for this tab alone: a key must not lie in storage that outlives it. */
export interface Entered {
  readonly base: string;
  readonly model: string;
  readonly key: string;
}

/** Which model a turn is answered by, in whatever tab it runs: `null` is the script. The key stays out. */
export type ModelChoice = { base: string; model: string; needsKey: boolean } | null;

const NAME = "agent model";

/** The signal that says that a key was entered, and nothing more. */
export const KEY_SIGNAL = "key";

export function entered(): Entered {
  const nothing = { base: "", model: "", key: "" };
  try {
    return { ...nothing, ...(JSON.parse(sessionStorage.getItem(NAME) ?? "{}") as Partial<Entered>) };
  } catch {
    return nothing;
  }
}

export const enter = ({ base, ...rest }: Entered): void =>
  sessionStorage.setItem(NAME, JSON.stringify({ ...rest, base: base.replace(/\/+$/, "") }));

export function choice(): ModelChoice {
  const { base, model, key } = entered();
  return base && model ? { base, model, needsKey: key !== "" } : null;
}

/** Wakes all that waits for a key. */
export async function keyEntered(registry: ProcessRegistry): Promise<void> {
  const waiting = await registry.listProcesses({ waiting: true });
  const forKey = waiting.filter(({ wait }) => wait?.kind === "signal" && wait.name === KEY_SIGNAL);
  await Promise.all(forKey.map(({ id }) => registry.signal(id, KEY_SIGNAL)));
}

interface Run {
  waitForSignal(name: string): Promise<unknown>;
}

/** The model of a run. Where this tab has not got its key, the run waits until its user enters one. */
export async function modelFor(choice: ModelChoice, role: "agent" | "researcher", run: Run): Promise<LanguageModelV3> {
  if (choice === null) return scripted(role === "agent" ? asAgent : asResearcher);
  const key = () => (entered().base === choice.base ? entered().key : "");
  while (choice.needsKey && key() === "") await run.waitForSignal(KEY_SIGNAL);
  const endpoint = createOpenAICompatible({ name: "endpoint", baseURL: choice.base, ...(choice.needsKey && { apiKey: key() }) });
  return endpoint.chatModel(choice.model);
}
