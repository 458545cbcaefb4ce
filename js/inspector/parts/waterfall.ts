/** One process as bars over time, with its children as a tree. Each row is read out as a sentence. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { saveAttachment } from "../actions.js";
import { Reading } from "../data/reading.js";
import { Virtual } from "../data/virtual.js";
import { apart, Axis, idleOf } from "../model/axis.js";
import { range, type Mark, type Phase, type Row, rowWords, SORT_WORDS, type Span, waterfall } from "../model/waterfall.js";
import { count, duration, exact } from "../model/words.js";
import { icons } from "./icons.js";
import { emit } from "./events.js";
import { base } from "./styles.js";

const ROW = 30;

/** A row, and where it stands in the tree. */
interface Placed {
  readonly row: Row;
  readonly depth: number;
  /** Unique in the tree. */
  readonly path: string;
  readonly reading: Reading;
}

export class ProcessWaterfall extends LitElement {
  static override properties = {
    reading: { attribute: false },
    version: { attribute: false },
    nowMs: { attribute: false },
    picked: { state: true },
    isShort: { state: true },
  };
  static override styles = [
    base,
    css`
      :host { display: grid; grid-template-rows: auto minmax(0, 1fr) auto; min-height: 0; container-type: inline-size; --names: clamp(9rem, 26cqi, 19rem); --notes: clamp(4.5rem, 16cqi, 11rem); }
      .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.875rem; padding: 0.375rem 1rem; color: var(--dim); font-size: 0.75rem; }
      .legend { display: flex; flex-wrap: wrap; gap: 0.25rem 0.875rem; flex: 1; }
      .legend li { display: inline-flex; align-items: center; gap: 0.375rem; }
      .legend i.span { position: static; flex: none; translate: none; width: 1.25rem; height: 0.625rem; }
      .axis { display: grid; grid-template-columns: var(--names) minmax(0, 1fr) var(--notes); height: 1.5rem; border-block: 1px solid var(--line); padding: 0 1rem; }
      .ticks { position: relative; overflow: hidden; }
      .tick { position: absolute; inset-block: 0; padding-inline-start: 0.25rem; border-inline-start: 1px solid var(--line); color: var(--dim); font-size: 0.6875rem; line-height: 1.5rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
      .scroller { overflow: auto; min-height: 5rem; overscroll-behavior: contain; }
      .rows { position: relative; }
      .row { position: absolute; inset: 0 0 auto; display: grid; grid-template-columns: var(--names) minmax(0, 1fr) var(--notes); align-items: center; height: ${ROW}px; padding: 0 1rem; cursor: pointer; }
      .row:hover { background: var(--raised); }
      .row[aria-selected="true"] { background: var(--accent-tint); }
      .row:focus-visible { outline-offset: -2px; }
      .name { display: flex; align-items: center; gap: 0.375rem; min-width: 0; padding-inline-end: 0.75rem; }
      .name > .sort { flex: none; color: var(--dim); font-size: 0.6875rem; }
      .name > button { min-height: 1.25rem; padding: 0; border: 0; background: none; color: var(--dim); }
      .row[data-sort="run"] .label { font-weight: 600; }
      .row[data-failed] .label, .row[data-failed] .note { color: var(--failed); }
      .lane { position: relative; height: 100%; overflow: hidden; }
      .note { padding-inline-start: 0.75rem; color: var(--dim); font-size: 0.75rem; text-align: end; }

      .span { position: absolute; inset-block-start: 50%; height: 0.75rem; min-width: 3px; translate: 0 -50%; border-radius: 0.1875rem; box-sizing: border-box; }
      .span[data-phase="working"] { background: var(--working); }
      .span[data-phase="begun"] { border: 1px solid var(--working); background: color-mix(in srgb, var(--working) 30%, var(--panel)); }
      .span[data-phase="queued"] { border: 1px dotted var(--queued); background: transparent; }
      .span[data-phase="waiting"] { border: 1px solid var(--waiting); background: repeating-linear-gradient(135deg, color-mix(in srgb, var(--waiting) 55%, transparent) 0 2px, transparent 2px 6px); }
      .span[data-phase="sleeping"] { height: 0.375rem; border: 1px solid var(--sleeping); background: color-mix(in srgb, var(--sleeping) 25%, transparent); }
      .span[data-phase="retrying"] { border: 1px dashed var(--retrying); background: repeating-linear-gradient(90deg, color-mix(in srgb, var(--retrying) 55%, transparent) 0 2px, transparent 2px 5px); }
      .span[data-phase="paused"] { border-inline: 3px double var(--paused); border-block: 1px solid var(--paused); }
      .span[data-estimated][data-phase="working"] { background: linear-gradient(90deg, color-mix(in srgb, var(--working) 40%, var(--panel)), var(--working) min(2rem, 80%)); }
      .span[data-failed][data-phase] { background: var(--failed); }
      .span[data-failed][data-estimated] { background: linear-gradient(90deg, color-mix(in srgb, var(--failed) 40%, var(--panel)), var(--failed) min(2rem, 80%)); }
      .span[data-open] { border-start-end-radius: 0; border-end-end-radius: 0; }
      .mark { position: absolute; inset-block-start: 50%; width: 0.5rem; height: 0.5rem; translate: -50% -50%; background: var(--text); border-radius: 50%; box-shadow: 0 0 0 1.5px var(--panel); }
      .mark[data-sort="signal"] { background: var(--waiting); border-radius: 0; rotate: 45deg; }
      .mark[data-sort="failure"], .mark[data-sort="cancel"] { background: var(--failed); border-radius: 1px; }
      .mark[data-sort="end"] { width: 3px; height: 1.125rem; border-radius: 1px; }
      .row[data-failed] .mark[data-sort="end"] { background: var(--failed); }
      .mark[data-sort="due"] { width: 1px; height: 1.125rem; background: var(--dim); border-radius: 0; }

      .picked { display: grid; gap: 0.5rem; overflow: auto; padding: 0.75rem 1rem; border-top: 1px solid var(--line); background: var(--raised); max-height: 16rem; }
      .picked header { display: flex; align-items: center; gap: 0.5rem; }
      .picked h3 { flex: 1; }
      .parts { display: grid; gap: 0.25rem; }
      .parts li { display: grid; grid-template-columns: 4.5rem minmax(0, 1fr) auto; gap: 0.75rem; align-items: baseline; }
      .parts .took { color: var(--dim); font-variant-numeric: tabular-nums; }
      .parts button { min-height: 1.25rem; padding: 0 0.25rem; }
      @container (max-width: 40rem) {
        :host { --names: 8.5rem; --notes: 0rem; }
        .row > .note { display: none; }
        .name > .sort, .tick:nth-child(even) { display: none; }
        .row, .axis { padding: 0 0.75rem; }
      }
    `,
  ];

  declare reading: Reading | undefined;
  /** Another one each time that something was read. */
  declare version: number;
  declare nowMs: number;
  /** The path of the row whose parts are shown. */
  declare picked: string | undefined;
  /** Whether long waits are shortened. Until a person says so, where they take up most of the time. */
  declare isShort: boolean | undefined;
  private placed: readonly Placed[] = [];
  private active = "run";
  private readonly open = new Map<string, Reading>();
  private readOf: Reading | undefined;

  private readonly virtual = new Virtual(this, {
    scroller: () => this.renderRoot?.querySelector<HTMLElement>(".scroller") ?? null,
    count: () => this.placed.length,
    rowHeight: () => ROW,
  });

  constructor() {
    super();
    this.nowMs = Date.now();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.closeAll();
  }

  protected override willUpdate(): void {
    if (this.reading !== this.readOf) {
      this.closeAll();
      [this.readOf, this.picked, this.isShort, this.active] = [this.reading, undefined, undefined, "run"];
    }
    this.placed = this.reading === undefined ? [] : this.place(this.reading, 0, "");
  }

  private closeAll(): void {
    for (const reading of this.open.values()) reading.end();
    this.open.clear();
  }

  private place(reading: Reading, depth: number, above: string): Placed[] {
    const seen = reading.seen(this.nowMs);
    if (seen === undefined) return [];
    return waterfall(seen).flatMap((row) => {
      const path = `${above}${row.key}`;
      const inner = this.open.get(path);
      if (inner === undefined) return [{ row, depth, path, reading }];
      const [run, ...rows] = this.place(inner, depth + 1, `${path}/`);
      const own = run === undefined ? row : { ...row, spans: run.row.spans, marks: run.row.marks };
      return [{ row: own, depth, path, reading }, ...rows];
    });
  }

  override render(): TemplateResult | typeof nothing {
    const { reading } = this;
    const record = reading?.record.value;
    if (reading === undefined || record === undefined) return nothing;
    const { fromMs, untilMs = Math.max(this.nowMs, fromMs) } = range({ record, events: reading.events.value ?? [] });
    const run = this.placed[0]?.row;
    const idle = idleOf(run, untilMs);
    const shortened = new Axis(fromMs, untilMs, idle);
    const isShort = this.isShort ?? isMostlyIdle(idle, untilMs - fromMs);
    const axis = isShort ? shortened : new Axis(fromMs, Math.max(untilMs, fromMs + 1));
    const phases = new Set(this.placed.flatMap(({ row }) => row.spans.map(({ phase }) => phase)));
    return html`
      <div>
        <div class="bar">
          <ul class="legend" aria-label="Legend">
            ${PHASES.filter(([phase]) => phases.has(phase)).map(
              ([phase, words]) => html`<li><i class="span" data-phase=${phase}></i>${words}</li>`,
            )}
          </ul>
          ${
            reading.hasEarlier
              ? html`<button class="quiet" @click=${() => reading.readEarlier()}>Read earlier events (${count((reading.events.value?.[0]?.sequence ?? 1) - 1)})</button>`
              : nothing
          }
          ${
            shortened.isShortened
              ? html`<button class="quiet" aria-pressed=${isShort} @click=${() => (this.isShort = !isShort)}>Shorten waits</button>`
              : nothing
          }
        </div>
        <div class="axis" aria-hidden="true">
          <span></span>
          <div class="ticks">
            ${axis.ticks(6).map(({ at, atMs }) => html`<span class="tick" title=${exact(atMs)} .style=${`left:${at * 100}%`}>${atMs === fromMs ? "0" : `+${duration(atMs - fromMs)}`}</span>`)}
          </div>
        </div>
      </div>
      <div class="scroller">
        <div class="rows" role="tree" aria-label="Timeline" .style=${`height:${this.virtual.height}px`} @keydown=${this.onKey}>
          ${repeat(
            this.virtual.rows,
            ({ index }) => this.placed[index]?.path,
            ({ index, start }) => this.row(this.placed[index], start, axis),
          )}
        </div>
      </div>
      ${this.details()}
    `;
  }

  private row(placed: Placed | undefined, start: number, axis: Axis): TemplateResult | typeof nothing {
    if (placed === undefined) return nothing;
    const { row, depth, path } = placed;
    const isOpen = row.childId === undefined ? undefined : this.open.has(path);
    const tabStop = this.placed.some(({ path }) => path === this.active) ? this.active : "run";
    return html`<div
      class="row"
      role="treeitem"
      data-sort=${row.sort}
      data-path=${path}
      ?data-failed=${row.isFailed}
      aria-level=${depth + 1}
      aria-expanded=${isOpen ?? nothing}
      aria-selected=${path === this.picked}
      aria-label=${rowWords(row, this.nowMs)}
      tabindex=${path === tabStop ? 0 : -1}
      .style=${`transform:translateY(${start}px)`}
      @click=${() => this.pick(path)}
      @focus=${() => (this.active = path)}
    >
      <span class="name" .style=${`padding-left:${depth}rem`}>
        ${
          isOpen === undefined
            ? nothing
            : html`<button tabindex="-1" aria-hidden="true" @click=${(event: Event) => (event.stopPropagation(), this.turn(placed))}>${isOpen ? icons.open : icons.closed}</button>`
        }
        <span class="label cut" title=${row.label}>${row.label}</span>
        ${row.sort === "run" ? nothing : html`<span class="sort">${SORT_WORDS[row.sort].toLowerCase()}</span>`}
      </span>
      <span class="lane">
        ${apart(
          row.spans,
          ({ fromMs }) => axis.place(fromMs),
          ({ isFailed, fromMs, untilMs }) =>
            isFailed === true || untilMs === undefined || axis.place(untilMs) - axis.place(fromMs) > 1 / 800,
          800,
        ).map((span) => this.span(span, axis))}
        ${apart(
          row.marks,
          ({ atMs }) => axis.place(atMs),
          ({ sort }) => sort === "end",
          400,
        ).map((mark) => markOf(mark, axis))}
      </span>
      <span class="note cut" title=${row.note}>${row.note || took(row, this.nowMs)}</span>
    </div>`;
  }

  private span({ phase, fromMs, untilMs, label, isFailed, isEstimated }: Span, axis: Axis): TemplateResult {
    const from = axis.place(fromMs);
    const width = axis.place(untilMs ?? axis.untilMs) - from;
    const about = isEstimated ? "about " : "";
    return html`<i
      class="span"
      data-phase=${phase}
      ?data-failed=${isFailed}
      ?data-open=${untilMs === undefined}
      ?data-estimated=${isEstimated}
      title=${`${label}: ${about}${duration((untilMs ?? this.nowMs) - fromMs)}`}
      .style=${`left:min(${(from * 100).toFixed(3)}%, 100% - 3px);width:${(width * 100).toFixed(3)}%`}
    ></i>`;
  }

  // ── What is picked ────────────────────────────────────────────────────────

  private pick(path: string): void {
    this.active = path;
    this.picked = this.picked === path ? undefined : path;
    // What is said of a row takes room from the rows.
    if (this.picked !== undefined)
      void this.updateComplete.then(() => this.virtual.scrollTo(this.placed.findIndex((placed) => placed.path === path)));
  }

  private turn({ row, path, reading }: Placed): void {
    const open = this.open.get(path);
    if (open !== undefined) {
      for (const [below, inner] of [...this.open])
        if (below === path || below.startsWith(`${path}/`)) {
          inner.end();
          this.open.delete(below);
        }
    } else if (row.childId !== undefined) {
      const failed = (error: unknown): void => void emit(this, "inspector-fault", error);
      this.open.set(path, new Reading(reading.reader, row.childId, () => this.requestUpdate(), failed));
    }
    this.requestUpdate();
  }

  private details(): TemplateResult | typeof nothing {
    const placed = this.placed.find(({ path }) => path === this.picked);
    if (placed === undefined) return nothing;
    const { row, reading } = placed;
    const isNested = reading !== this.reading;
    const parts = [
      ...row.spans.map((span) => ({ ...span, atMs: span.fromMs })),
      ...row.marks.map((mark) => ({ ...mark, untilMs: mark.atMs })),
    ]
      .sort((one, other) => one.atMs - other.atMs)
      .slice(-50);
    const sequence = parts.findLast(({ sequence }) => sequence !== undefined)?.sequence;
    const event = sequence === undefined ? undefined : reading.events.value?.find((event) => event.sequence === sequence);
    return html`<section class="picked" aria-label=${`${SORT_WORDS[row.sort]} ${row.label}`}>
      <header>
        <h3>${SORT_WORDS[row.sort]} <code>${row.label}</code></h3>
        ${row.childId === undefined ? nothing : html`<button @click=${() => this.select(row.childId ?? "")}>Open this process</button>`}
        ${row.sort === "attachment" ? html`<button @click=${() => void this.download(reading, row.label)}>Download</button>` : nothing}
        <button class="quiet" @click=${() => this.pick(placed.path)}>Close</button>
      </header>
      <ul class="parts">
        ${parts.map(
          ({ label, atMs, untilMs = this.nowMs, sequence }) =>
            html`<li>
              <span class="took" title=${exact(atMs)}>${untilMs === atMs ? `+${duration(atMs - (reading.record.value?.createdAtMs ?? atMs))}` : duration(untilMs - atMs)}</span>
              <span>${label}</span>
              ${sequence === undefined || isNested ? html`<span></span>` : html`<button class="quiet" title="Show it in the log" @click=${() => this.show(sequence)}>#${count(sequence)}</button>`}
            </li>`,
        )}
      </ul>
      ${row.sort === "stream" ? html`<longwait-inspector-stream .reader=${reading.reader} .processId=${reading.id} .name=${row.label}></longwait-inspector-stream>` : nothing}
      ${event === undefined ? nothing : html`<longwait-inspector-json label="payload" depth="1" .value=${event.payload}></longwait-inspector-json>`}
    </section>`;
  }

  private async download({ reader, id }: Reading, name: string): Promise<void> {
    try {
      await saveAttachment(reader.registry, id, name);
    } catch (error) {
      emit(this, "inspector-fault", error);
    }
  }

  private select(id: string): void {
    emit(this, "inspector-select", id);
  }

  private show(sequence: number): void {
    emit(this, "inspector-event", sequence);
  }

  // ── Keyboard ──────────────────────────────────────────────────────────────

  private readonly onKey = (event: KeyboardEvent): void => {
    const at = this.placed.findIndex(({ path }) => path === this.active);
    const placed = this.placed[at];
    if (placed === undefined) return;
    const isOpen = this.open.has(placed.path);
    const moves: { [key: string]: number } = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.placed.length - 1 };
    if (event.key === "Enter" || event.key === " ") this.pick(placed.path);
    else if (event.key === "ArrowRight" && placed.row.childId !== undefined && !isOpen) this.turn(placed);
    else if (event.key === "ArrowLeft" && isOpen) this.turn(placed);
    else if (event.key === "Escape" && this.picked !== undefined) this.picked = undefined;
    else if (event.key in moves) void this.focusRow(Math.min(Math.max(moves[event.key] ?? at, 0), this.placed.length - 1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  private async focusRow(index: number): Promise<void> {
    this.active = this.placed[index]?.path ?? "run";
    this.virtual.scrollTo(index);
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>('.row[tabindex="0"]')?.focus({ preventScroll: true });
  }
}

const PHASES: readonly (readonly [Phase, string])[] = [
  ["queued", "queued"],
  ["begun", "queued, then working"],
  ["working", "working"],
  ["waiting", "waiting"],
  ["sleeping", "sleeping"],
  ["retrying", "waits for a retry"],
  ["paused", "paused"],
];

function markOf({ atMs, sort, label }: Mark, axis: Axis): TemplateResult {
  const at = axis.place(atMs);
  return html`<i class="mark" data-sort=${sort} title=${`${label}, ${exact(atMs)}`} .style=${`left:clamp(4px, ${(at * 100).toFixed(3)}%, 100% - 4px)`}></i>`;
}

/** How long a row took, from its first to its last moment. */
function took({ spans }: Row, nowMs: number): string {
  const [first, last] = [spans[0], spans.at(-1)];
  return first === undefined || last === undefined ? "" : duration((last.untilMs ?? nowMs) - first.fromMs);
}

function isMostlyIdle(idle: readonly { fromMs: number; untilMs: number }[], spanMs: number): boolean {
  const idleMs = idle.reduce((sum, { fromMs, untilMs }) => sum + untilMs - fromMs, 0);
  return idleMs > spanMs * 0.75;
}
