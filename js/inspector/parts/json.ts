/** A JSON value as a tree that opens level by level. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { Json } from "../../types/public.js";
import { exact, plural } from "../model/words.js";
import { icons } from "./icons.js";
import { emit } from "./events.js";
import { base } from "./styles.js";

/** How many entries of an array or object are shown at once. */
const MOST = 100;

export class JsonTree extends LitElement {
  static override properties = { value: { attribute: false }, label: {}, depth: { type: Number } };
  static override styles = [
    base,
    css`
      :host { display: block; font-family: var(--mono); font-size: 0.75rem; line-height: 1.5; overflow-wrap: anywhere; }
      .tree { position: relative; padding-inline-end: 2rem; min-height: 1.5rem; }
      ul { padding-inline-start: 1.125rem; }
      .leaf { padding-inline-start: 1.125rem; text-indent: -0em; }
      button.fold { justify-content: start; min-height: 0; padding: 0 0.25rem 0 0; border: 0; gap: 0.125rem; background: none; font: inherit; white-space: normal; text-align: start; border-radius: 0.25rem; }
      button.fold > .icon { color: var(--dim); }
      .key { color: var(--accent); }
      .string { color: light-dark(#15703a, #8bdcaa); white-space: pre-wrap; }
      .other { color: light-dark(#8a5300, #f0b95c); }
      .copy { position: absolute; inset-block-start: 0; inset-inline-end: 0; min-height: 1.5rem; padding: 0 0.3125rem; }
    `,
  ];

  declare value: Json | undefined;
  declare label: string;
  /** How many levels are open in the beginning. */
  declare depth: number;
  private readonly turned = new Set<string>();
  private readonly shown = new Map<string, number>();
  private isCopied = false;

  constructor() {
    super();
    this.label = "value";
    this.depth = 2;
  }

  override render(): TemplateResult {
    return html`<div class="tree">
      ${this.branch(this.value ?? null, undefined, "$", 0)}
      <button class="quiet copy" title="Copy as JSON" aria-label=${this.isCopied ? "Copied" : `Copy ${this.label} as JSON`} @click=${this.copy}>
        ${this.isCopied ? icons.done : icons.copy}
      </button>
    </div>`;
  }

  private branch(value: Json, key: string | undefined, path: string, level: number): TemplateResult {
    const name = key === undefined ? nothing : html`<span class="key">${key}</span>: `;
    if (typeof value !== "object" || value === null) return html`<div class="leaf">${name}${leaf(value)}${moment(key, value)}</div>`;
    const isArray = Array.isArray(value);
    const entries = isArray ? value.map((item, n) => [String(n), item] as const) : Object.entries(value);
    if (entries.length === 0) return html`<div class="leaf">${name}${isArray ? "[]" : "{}"}</div>`;
    const isOpen = level < this.depth !== this.turned.has(path);
    const most = this.shown.get(path) ?? MOST;
    return html`<div>
      <button class="fold" aria-expanded=${isOpen} @click=${() => this.turn(path)}>
        ${isOpen ? icons.open : icons.closed}<span>${name}<span class="dim">${isArray ? `[${plural(entries.length, "item")}]` : `{${isOpen ? plural(entries.length, "field") : preview(entries)}}`}</span></span>
      </button>
      ${
        isOpen
          ? html`<ul>
            ${entries.slice(0, most).map(([key, item]) => html`<li>${this.branch(item, key, `${path}/${key}`, level + 1)}</li>`)}
            ${
              entries.length > most
                ? html`<li><button class="quiet" @click=${() => this.more(path, most)}>Show more of ${plural(entries.length, "entry", "entries")}</button></li>`
                : nothing
            }
          </ul>`
          : nothing
      }
    </div>`;
  }

  private turn(path: string): void {
    if (!this.turned.delete(path)) this.turned.add(path);
    this.requestUpdate();
  }

  private more(path: string, most: number): void {
    this.shown.set(path, most + 10 * MOST);
    this.requestUpdate();
  }

  private readonly copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(JSON.stringify(this.value ?? null, null, 2));
      this.isCopied = true;
      setTimeout(() => {
        this.isCopied = false;
        this.requestUpdate();
      }, 1_500);
    } catch (error) {
      emit(this, "inspector-fault", error);
    }
    this.requestUpdate();
  };
}

const LONG = 2_000;

function leaf(value: null | boolean | number | string): TemplateResult {
  if (typeof value !== "string") return html`<span class="other">${String(value)}</span>`;
  const text = value.length > LONG ? `${value.slice(0, LONG)}… (${plural(value.length, "character")})` : value;
  return html`<span class="string">"${text}"</span>`;
}

/** A number of milliseconds since 1970 says little: the moment in words beside it. */
function moment(key: string | undefined, value: unknown): TemplateResult | typeof nothing {
  if (typeof value !== "number" || key?.endsWith("Ms") !== true || value < 1e12 || value > 1e13) return nothing;
  return html`<span class="dim"> ${exact(value)}</span>`;
}

function preview(entries: (readonly [string, unknown])[]): string {
  const names = entries.slice(0, 4).map(([key]) => key);
  return ` ${names.join(", ")}${entries.length > names.length ? ", …" : ""} `;
}

/** A value on one line, cut where it is long: what is behind the cut is not made into text. */
export function oneLine(value: Json, most = 160): string {
  const out: string[] = [];
  let left = most;
  const write = (text: string): void => {
    if (left <= 0) return;
    out.push(text.slice(0, left));
    left -= text.length;
  };
  const visit = (value: Json): void => {
    if (left <= 0) return;
    if (typeof value === "string") return write(JSON.stringify(value.slice(0, most)));
    if (typeof value !== "object" || value === null) return write(String(value));
    const isArray = Array.isArray(value);
    write(isArray ? "[" : "{");
    let n = 0;
    for (const key in value) {
      if (left <= 0) return;
      if (n++ > 0) write(", ");
      if (!isArray) write(`${key}: `);
      visit((value as { [key: string]: Json })[key] as Json);
    }
    write(isArray ? "]" : "}");
  };
  visit(value);
  return left < 0 ? `${out.join("")}…` : out.join("");
}
