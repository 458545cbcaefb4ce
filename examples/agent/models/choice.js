/** Which model answers. Kept for this tab alone: the key must not lie around in storage that outlives it, nor in the log. */
import { tools } from "../tools.js";
import { openai } from "./openai.js";
import { scripted } from "./scripted.js";

const KEY = "agent model";

export function chosen() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

export const choose = ({ base = "", ...choice }) =>
  sessionStorage.setItem(KEY, JSON.stringify({ ...choice, base: base.replace(/\/+$/, "") }));

/** The choice as a turn is registered with it, for whatever tab goes on with it: `null` for the script. The key stays out. */
export function chosenForTurn() {
  const { base, model, key } = chosen();
  return base && model ? { base, model, needsKey: Boolean(key) } : null;
}

/**
 * The model of a turn. A tab that has taken it over may lack the key: then the turn waits until a person enters it there. The
 * signal says that something was entered, in one tab or another, and nothing more. To be called before a step: inside of one, no wait may begin.
 */
export async function modelFor(choice, { waitForSignal }) {
  if (!choice) return scripted;
  const key = () => (chosen().base === choice.base ? chosen().key : undefined);
  while (choice.needsKey && !key()) await waitForSignal("key");
  return openai({ ...choice, key: key(), tools });
}
