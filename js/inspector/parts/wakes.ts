/** What woke which wait, and how long it took: of one process, or of all. */
import { css, html, LitElement, type TemplateResult } from "lit";
import type { Reader } from "../data/reader.js";
import { clock, duration, exact } from "../model/words.js";
import { emit } from "./events.js";
import { base } from "./styles.js";

const WORDS = {
  tick: ["tick", "A commit of this registry."],
  hint: ["hint", "A notification of another tab or worker."],
  poll: ["poll", "No notification came: the poller found the change."],
} as const;

const WAITS = {
  terminal: "its end",
  event: "an event",
  events: "the next events",
  signal: "a signal",
  stream: "the next chunks of a stream",
} as const;

export class WakeList extends LitElement {
  static override properties = { reader: { attribute: false }, processId: {}, isOfAll: { state: true } };
  static override styles = [
    base,
    css`
      :host { display: grid; grid-template-rows: auto minmax(0, 1fr); min-height: 0; }
      .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 1rem; padding: 0.375rem 1rem; border-bottom: 1px solid var(--line); color: var(--dim); }
      .bar > label { display: flex; align-items: center; gap: 0.375rem; margin-inline-start: auto; }
      .scroller { overflow: auto; min-height: 0; }
      table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
      th { position: sticky; inset-block-start: 0; background: var(--panel); color: var(--dim); font-size: 0.75rem; font-weight: 500; text-align: start; }
      th, td { padding: 0.375rem 0.75rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
      th:first-child, td:first-child { padding-inline-start: 1rem; }
      td.id { width: 100%; white-space: normal; overflow-wrap: anywhere; }
      .end { text-align: end; }
      .by { display: inline-flex; align-items: center; gap: 0.375rem; }
      .by::before { content: ""; width: 0.5rem; height: 0.5rem; border-radius: 50%; background: var(--completed); }
      .by[data-by="hint"]::before { border-radius: 1px; background: var(--working); }
      .by[data-by="poll"]::before { border-radius: 0; rotate: 45deg; background: var(--waiting); }
      button.quiet { padding: 0; min-height: 0; white-space: normal; text-align: start; }
    `,
  ];

  declare reader: Reader | undefined;
  declare processId: string;
  declare isOfAll: boolean;
  private end: (() => void) | undefined;

  constructor() {
    super();
    this.isOfAll = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.end?.();
    this.end = undefined;
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (!changed.has("reader") && this.end !== undefined) return;
    this.end?.();
    this.end = this.reader?.wakes.onHeard(() => this.requestUpdate());
  }

  override render(): TemplateResult {
    const all = this.reader?.wakes.heard ?? [];
    const shown = this.isOfAll ? all : all.filter(({ processId }) => processId === this.processId);
    return html`
      <div class="bar">
        <span>Waits of this tab, since the inspector can be seen</span>
        <label><input type="checkbox" .checked=${this.isOfAll} @change=${({ target }: Event) => (this.isOfAll = (target as HTMLInputElement).checked)} /> of all processes</label>
      </div>
      ${
        shown.length === 0
          ? html`<div class="empty">
              <strong>No wait was woken yet</strong>
              <p>Once a wait of this tab gets its answer, this says whether a commit of this tab woke it, a notification of another one, or the poller.</p>
            </div>`
          : html`<div class="scroller" tabindex="0" role="region" aria-label="Wakes">
              <table>
                <thead><tr><th>Time</th><th>Woken by</th><th class="end">Answered after</th><th>Waited for</th><th>Process</th></tr></thead>
                <tbody>
                  ${shown.map(
                    ({ processId, wait, by, afterMs, atMs }) =>
                      html`<tr>
                        <td title=${exact(atMs)}>${clock(atMs)}</td>
                        <td><span class="by" data-by=${by} title=${WORDS[by][1]}>${WORDS[by][0]}</span></td>
                        <td class="end">${duration(afterMs)}</td>
                        <td>${WAITS[wait]}</td>
                        <td class="id"><button class="quiet" @click=${() => emit(this, "inspector-select", processId)}>${processId}</button></td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
      }
    `;
  }
}
