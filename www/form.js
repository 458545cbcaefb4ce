/** Forms that work by keyboard and say beside the field what is wrong with it. */

import { codeWord, element, say } from "./dom.js";
import { explain } from "./words.js";

/** What the page itself finds wrong with a field. */
export class FieldFault extends Error {
  constructor(field, words) {
    super(words);
    this.field = field;
  }
}

/**
 * Runs `work` with the form's values when it is submitted, one submission at a time.
 *
 * What `work` answers is said as the outcome. What it throws is said beside the field that `fieldOf` gives
 * for the error's code, else as the outcome; the first field at fault gets the focus. Ctrl+Enter (⌘+Enter)
 * submits from a field of several lines, where Enter is a new line.
 */
export function onSubmit(form, work, fieldOf = {}) {
  let busy = false;
  form.addEventListener("submit", async (submission) => {
    submission.preventDefault();
    if (busy) return;
    busy = true;
    clear(form);
    try {
      say(outcome(form), (await work(Object.fromEntries(new FormData(form)))) ?? "");
    } catch (error) {
      show(form, error, fieldOf);
    } finally {
      busy = false;
    }
  });
  form.addEventListener("keydown", (key) => {
    if (key.key === "Enter" && (key.ctrlKey || key.metaKey)) form.requestSubmit();
  });
  form.addEventListener("input", ({ target }) => mark(target));
}

/** Takes away all that was said about earlier submissions. */
export function clear(form) {
  say(outcome(form), "");
  outcome(form).classList.remove("wrong");
  for (const field of form.elements) mark(field);
}

function show(form, error, fieldOf) {
  const { code, words, detail, help } = error instanceof FieldFault ? { words: error.message } : explain(error);
  const field = form.elements[error instanceof FieldFault ? error.field : fieldOf[code]];
  const parts = [words, detail && element("span", { class: "detail" }, detail), code && codeWord(code, help)];
  if (field instanceof HTMLElement) {
    mark(field, parts);
    field.focus();
  } else {
    outcome(form).classList.add("wrong");
    outcome(form).replaceChildren(...parts.filter(Boolean).flatMap((part) => [part, " "]));
  }
}

/** Says what is wrong with a field, or with nothing to say takes it back. */
function mark(field, parts) {
  const id = `${field.id}-fault`;
  const described = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((known) => known && known !== id);
  document.getElementById(id)?.remove();
  if (parts) {
    const fault = element("p", { id, class: "fault" });
    fault.append(...parts.filter(Boolean).flatMap((part) => [part, " "]));
    (field.closest(".inline") ?? field).after(fault);
    described.push(id);
    field.setAttribute("aria-invalid", "true");
  } else {
    field.removeAttribute("aria-invalid");
  }
  if (described.length > 0) field.setAttribute("aria-describedby", described.join(" "));
  else field.removeAttribute("aria-describedby");
}

const outcome = (form) => form.querySelector(".outcome");

/** A number that a field holds; `undefined` when it is empty. */
export function readNumber(fields, name, words, fits) {
  const text = fields[name].trim();
  if (text === "") return undefined;
  const number = Number(text);
  if (!fits(number)) throw new FieldFault(name, words);
  return number;
}
