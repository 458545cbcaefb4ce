/** The log of a process, of any length: events are read as they are scrolled to. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { ref } from "lit/directives/ref.js";
import { repeat } from "lit/directives/repeat.js";
import type { ProcessEvent } from "../../types/public.js";
import { LogPages } from "../data/log-pages.js";
import type { Reader } from "../data/reader.js";
import { Virtual } from "../data/virtual.js";
import { clock, count, duration, exact, plural } from "../model/words.js";
import { icons } from "./icons.js";
import { oneLine } from "./json.js";
import { emit } from "./events.js";
import { base } from "./styles.js";

const ROW = 32;

export class ProcessLog extends LitElement {
  static override properties = {
    reader: { attribute: false },
    processId: {},
    createdAtMs: { attribute: false },
    last: { type: Number },
    wanted: { type: Number },
    newestFirst: { state: true },
  };
  static override styles = [
    base,
    css`
      :host { display: grid; grid-template-rows: auto minmax(0, 1fr); min-height: 0; container-type: inline-size; }
      .bar { display: flex; align-items: center; gap: 0.75rem; padding: 0.375rem 1rem; border-bottom: 1px solid var(--line); color: var(--dim); }
      .bar > .grow { flex: 1; }
      .scroller { overflow: auto; min-height: 0; height: 100%; contain: strict; overscroll-behavior: contain; }
      .rows { position: relative; width: 100%; }
      .event { position: absolute; inset: 0 0 auto; border-bottom: 1px solid var(--line); }
      .event.wanted { background: var(--accent-tint); }
      .line { display: grid; grid-template-columns: 1rem 4.5rem 6.75rem minmax(8rem, 14rem) minmax(0, 1fr); gap: 0 0.75rem; align-items: center; width: 100%; height: ${ROW - 1}px; min-height: 0; padding: 0 1rem; border: 0; border-radius: 0; background: none; font-weight: 400; text-align: start; justify-content: stretch; }
      .line:focus-visible { outline-offset: -2px; }
      .line > .icon { color: var(--dim); }
      .sequence, .time { color: var(--dim); font-variant-numeric: tabular-nums; }
      .sequence { text-align: end; }
      .type { font-weight: 500; }
      .type[data-tone="bad"] { color: var(--failed); }
      .type[data-tone="good"] { color: var(--completed); }
      .type[data-tone="wait"] { color: var(--waiting); }
      .payload { color: var(--dim); }
      .body { display: grid; gap: 0.5rem; padding: 0.25rem 1rem 0.75rem 2.75rem; }
      .facts { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; color: var(--dim); font-size: 0.75rem; }
      @container (max-width: 40rem) {
        .line { grid-template-columns: 1rem 2.75rem minmax(0, 1fr) minmax(0, 1fr); gap: 0 0.5rem; padding: 0 0.75rem; }
        .time { display: none; }
        .body { padding-inline-start: 1rem; }
      }
    `,
  ];

  declare reader: Reader | undefined;
  declare processId: string;
  declare createdAtMs: number;
  /** The sequence of the last event. */
  declare last: number;
  /** An event to show, opened. */
  declare wanted: number | undefined;
  declare newestFirst: boolean;
  private pages: LogPages | undefined;
  private readonly open = new Set<number>();
  /** Those that were ever opened: only these have another height than the rest, or had one. */
  private readonly turned = new Set<number>();
  private active = 1;

  private readonly virtual = new Virtual(this, {
    scroller: () => this.renderRoot?.querySelector<HTMLElement>(".scroller") ?? null,
    count: () => this.last,
    rowHeight: () => ROW,
    keyOf: (index) => this.sequenceAt(index),
    kept: () => (this.active <= this.last ? this.indexOf(this.active) : undefined),
  });

  constructor() {
    super();
    this.last = 0;
    this.newestFirst = false;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("reader") || changed.has("processId") || changed.has("createdAtMs")) {
      this.open.clear();
      this.turned.clear();
      this.active = 1;
      this.pages =
        this.reader &&
        new LogPages(
          this.reader.registry,
          this.processId,
          () => this.requestUpdate(),
          (error) => this.fault(error),
        );
    }
    if (changed.has("wanted") && this.wanted !== undefined) {
      this.open.add(this.wanted);
      this.turned.add(this.wanted);
      this.active = this.wanted;
    }
  }

  private fault(error: unknown): void {
    emit(this, "inspector-fault", error);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("wanted") && this.wanted !== undefined) this.virtual.scrollTo(this.indexOf(this.wanted), "center");
  }

  private sequenceAt(index: number): number {
    return this.newestFirst ? this.last - index : index + 1;
  }

  private indexOf(sequence: number): number {
    return this.newestFirst ? this.last - sequence : sequence - 1;
  }

  override render(): TemplateResult {
    if (this.last === 0)
      return html`<div class="empty"><strong>Nothing recorded yet</strong><p>Steps, waits, signals and events of your own show here as they are committed.</p></div>`;
    return html`
      <div class="bar">
        <span class="number">${plural(this.last, "event")}</span><span class="grow"></span>
        <button class="quiet" aria-pressed=${this.newestFirst} @click=${this.turn}>${this.newestFirst ? "Newest first" : "Oldest first"}</button>
      </div>
      <div class="scroller" role="list" aria-label="Events" @keydown=${this.onKey}>
        <div class="rows" role="presentation" .style=${`height:${this.virtual.height}px`}>
          ${repeat(
            this.virtual.rows,
            ({ index }) => this.sequenceAt(index),
            ({ index, start }) => this.row(index, start),
          )}
        </div>
      </div>
    `;
  }

  private row(index: number, start: number): TemplateResult {
    const sequence = this.sequenceAt(index);
    const event = this.pages?.at(sequence);
    const isOpen = this.open.has(sequence) && event !== undefined;
    return html`<div
      class=${`event${sequence === this.wanted ? " wanted" : ""}`}
      role="listitem"
      aria-setsize=${this.last}
      aria-posinset=${index + 1}
      data-index=${index}
      .style=${`transform:translateY(${start}px)`}
      ${this.turned.has(sequence) ? ref(this.virtual.measure) : nothing}
    >
      <button
        class="line"
        aria-expanded=${isOpen}
        tabindex=${sequence === this.active || (this.active > this.last && index === 0) ? 0 : -1}
        data-sequence=${sequence}
        @focus=${() => (this.active = sequence)}
        @click=${() => this.toggle(sequence)}
      >
        ${isOpen ? icons.open : icons.closed}
        <span class="sequence">#${count(sequence)}</span>
        ${
          event === undefined
            ? html`<span class="dim">…</span>`
            : html`<span class="time" title=${`${exact(event.occurredAtMs)}, ${duration(event.occurredAtMs - this.createdAtMs)} after it was created`}>${clock(event.occurredAtMs)}</span>
              <span class="type cut" data-tone=${tone(event)} title=${event.eventType}>${event.eventType}</span>
              <code class="payload cut">${oneLine(event.payload)}</code>`
        }
      </button>
      ${isOpen ? body(event) : nothing}
    </div>`;
  }

  private readonly turn = (): void => {
    this.newestFirst = !this.newestFirst;
    this.virtual.remeasure();
    this.virtual.scrollTo(0);
  };

  private toggle(sequence: number): void {
    this.turned.add(sequence);
    if (!this.open.delete(sequence)) this.open.add(sequence);
    this.requestUpdate();
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLElement) || !event.target.matches(".line")) return;
    const at = this.indexOf(this.active);
    const moves: { [key: string]: number } = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + 12,
      PageUp: at - 12,
      Home: 0,
      End: this.last - 1,
    };
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      if (this.open.has(this.active) !== (event.key === "ArrowRight")) this.toggle(this.active);
      return;
    }
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    void this.focusRow(Math.min(Math.max(to, 0), this.last - 1));
  };

  private async focusRow(index: number): Promise<void> {
    this.active = this.sequenceAt(index);
    this.virtual.scrollTo(index);
    this.requestUpdate();
    await this.updateComplete;
    // The active row is an element wherever the list is scrolled to.
    this.renderRoot.querySelector<HTMLElement>(`[data-sequence="${this.active}"]`)?.focus({ preventScroll: true });
  }
}

function tone({ eventType, semantics }: ProcessEvent): string {
  const state = semantics.terminal?.state;
  if (state === "failed" || eventType.endsWith("_failed")) return "bad";
  if (state === "completed") return "good";
  return ["process.waiting", "process.timer", "process.paused"].includes(eventType) ? "wait" : "";
}

function body({ payload, replayKey, semantics, eventType, occurredAtMs }: ProcessEvent): TemplateResult {
  return html`<div class="body">
    <p class="facts">
      <code>${eventType}</code><span>${exact(occurredAtMs)}</span>
      ${replayKey === undefined ? nothing : html`<span>replay key <code>${replayKey}</code></span>`}
      ${semantics.terminal === undefined ? nothing : html`<span>ends the process: ${semantics.terminal.state}</span>`}
      ${semantics.wake === undefined ? nothing : html`<span>wakes its session: “${semantics.wake.input}”</span>`}
    </p>
    <longwait-inspector-json label="payload" .value=${payload}></longwait-inspector-json>
  </div>`;
}
