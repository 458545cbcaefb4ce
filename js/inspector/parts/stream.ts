/** What a stream says: the chunks of its last attempt, as they come. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { StreamQuery } from "../../types/observe.js";
import type { Json } from "../../types/public.js";
import type { Reader } from "../data/reader.js";
import { Watch } from "../data/watch.js";
import { plural } from "../model/words.js";
import { oneLine } from "./json.js";
import { base } from "./styles.js";

/** How many of the last chunks are shown. */
const MOST = 500;

export class StreamView extends LitElement {
  static override properties = { reader: { attribute: false }, processId: {}, name: {} };
  static override styles = [
    base,
    css`
      .text { max-height: 12rem; overflow: auto; padding: 0.5rem 0.625rem; border: 1px solid var(--line); border-radius: 0.375rem; background: var(--panel); }
      .dim { margin-block-end: 0.25rem; font-size: 0.75rem; }
    `,
  ];

  declare reader: Reader | undefined;
  declare processId: string;
  declare name: string;

  private readonly stream = new Watch<StreamQuery>(this, () => ({
    reader: this.reader,
    query: { type: "stream", id: this.processId, name: this.name, throttleMs: 200 },
  }));

  override render(): TemplateResult | typeof nothing {
    const content = this.stream.snapshot?.value;
    if (content === undefined) return nothing;
    const { values, attempt, isEnded } = content;
    const last = values.slice(-MOST);
    const isText = last.every((value) => typeof value === "string");
    const words = [plural(values.length, "chunk"), attempt > 1 ? `of attempt ${attempt}` : "", isEnded ? "" : "live"].filter(
      (part) => part !== "",
    );
    return html`
      <p class="dim">${words.join(", ")}</p>
      <pre class="text" tabindex="0" role="region" aria-label=${`Stream ${this.name}`}>${values.length > last.length ? "… " : nothing}${isText ? joined(last as string[]) : last.map((value) => `${oneLine(value as Json, 500)}\n`)}</pre>
    `;
  }
}

/** Tokens bring their spaces along; words do not. */
const joined = (texts: readonly string[]): string => texts.join(texts.some((text) => /\s/.test(text)) ? "" : " ");
