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

export const choose = (choice) => sessionStorage.setItem(KEY, JSON.stringify(choice));

/** The model of this tab, as it is set now. */
export function model() {
  const { base, model, key } = chosen();
  return base && model ? openai({ base, model, key, tools }) : scripted;
}
