/** What goes wrong outside of any form, in words, until it is dismissed or over. */

import { byId, codeWord, element, say } from "./dom.js";
import { explain } from "./words.js";

/** Shows an error; answers the function that takes it away. The same words are shown once. */
export function notice(error, { again } = {}) {
  const { code, words, detail, help } = explain(error);
  const known = [...byId("notices").children].find(({ dataset }) => dataset.detail === `${code} ${detail}`);
  if (known) return () => known.remove();
  const box = element(
    "div",
    { class: "notice", "data-detail": `${code} ${detail}` },
    element("p", {}, element("strong", {}, words), " ", element("span", { class: "detail" }, detail), " ", codeWord(code, help)),
    again && element("button", { type: "button", class: "small", onclick: again }, "Try again"),
    element("button", { type: "button", class: "small quiet", onclick: () => box.remove() }, "Dismiss"),
  );
  byId("notices").append(box);
  return () => box.remove();
}

/** Nothing may fail in silence: what no code has caught is shown as well. */
export function showUncaught() {
  addEventListener("error", ({ error, message }) => notice(error ?? new Error(message)));
  addEventListener("unhandledrejection", ({ reason }) => notice(reason));
}

/** Has a screen reader speak a sentence, for those who do not see where it happened. */
export const announce = (words) => say(byId("announcer"), words);
