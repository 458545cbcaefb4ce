/** What went wrong: its message, and its code, which leads to the page that explains it. */
import { html, nothing, type TemplateResult } from "lit";
import { codeOf, helpOf, messageOf } from "../model/errors.js";

export function faultWords(error: unknown): TemplateResult {
  const [code, help] = [codeOf(error), helpOf(error)];
  const shown = help === undefined ? code : html`<a href=${help} target="_blank" rel="noreferrer">${code}</a>`;
  return html`${messageOf(error)} ${code === undefined ? nothing : html`<code class="code">${shown}</code>`}`;
}
