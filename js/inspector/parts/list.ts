/** The processes that fit, as rows of which those on the screen alone are elements. Pages are read as they are scrolled to. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { ProcessesQuery } from "../../types/observe.js";
import type { ProcessRecord } from "../../types/public.js";
import { Leases } from "../data/leases.js";
import type { Reader } from "../data/reader.js";
import { Virtual } from "../data/virtual.js";
import { Watch } from "../data/watch.js";
import { type Choice, EVERYTHING, hasText, isFiltered, listFilter } from "../model/filter.js";
import { endWords, stateOf, STATE_WORDS, waitWords } from "../model/state.js";
import { count, duration, exact, relative } from "../model/words.js";
import { stateIcon } from "./icons.js";
import { emit } from "./events.js";
import { base } from "./styles.js";

/** How many processes are read at a time. */
const PAGE = 200;
const ROW = 48;

export class ProcessList extends LitElement {
  static override properties = {
    reader: { attribute: false },
    choice: { attribute: false },
    selected: {},
    nowMs: { attribute: false },
    limit: { state: true },
    active: { state: true },
  };
  static override styles = [
    base,
    css`
      :host { display: grid; grid-template-rows: auto minmax(0, 1fr); min-height: 0; container-type: inline-size; }
      .scroller { overflow: auto; min-height: 0; contain: strict; height: 100%; overscroll-behavior: contain; }
      .rows { position: relative; width: 100%; }
      .row, .head { display: grid; grid-template-columns: 7.25rem minmax(0, 2fr) minmax(0, 1fr) minmax(0, 1.6fr) 5rem 6rem; gap: 0 0.875rem; align-items: center; padding: 0 1rem; }
      .head { height: 2rem; border-bottom: 1px solid var(--line); color: var(--dim); font-size: 0.75rem; font-weight: 500; }
      .row { position: absolute; inset: 0 0 auto; height: ${ROW}px; border-bottom: 1px solid var(--line); cursor: pointer; scroll-margin: 2rem; }
      .row:hover { background: var(--raised); }
      .row[aria-selected="true"] { background: var(--accent-tint); box-shadow: inset 2px 0 var(--accent); }
      .row:focus-visible { outline-offset: -2px; }
      .name { display: grid; min-width: 0; }
      .name > strong { font-weight: 500; }
      .name > .mono { color: var(--dim); }
      .end { text-align: end; }
      .what { color: var(--dim); }
      .row[data-state="failed"] .what { color: var(--failed); }
      .compact { display: none; }
      .blank { color: var(--dim); grid-column: 1 / -1; }
      .foot { padding: 0.5rem 1rem; color: var(--dim); }
      .scan { display: flex; align-items: center; gap: 0.5rem; padding: 0.25rem 1rem; border-bottom: 1px solid var(--line); color: var(--dim); font-size: 0.75rem; }
      @container (max-width: 46rem) {
        .head { display: none; }
        .row { grid-template-columns: 1.0625rem minmax(0, 1fr) auto; gap: 0 0.625rem; }
        .row > .state > .word, .row > .kind, .row > .wide { display: none; }
        .row > .when { display: grid; }
        .compact { display: block; }
        .name > .mono { display: none; }
      }
    `,
  ];

  declare reader: Reader | undefined;
  declare choice: Choice;
  declare selected: string | undefined;
  declare nowMs: number;
  declare limit: number;
  /** The row that the Tab key goes to. */
  declare active: string | undefined;
  private shown: readonly ProcessRecord[] = [];
  private leases: Leases | undefined;
  private endLeases: (() => void) | undefined;

  private readonly list = new Watch<ProcessesQuery>(
    this,
    () => ({
      reader: this.reader,
      query: { type: "processes", filter: listFilter(this.choice), order: this.choice.order, limit: this.limit },
    }),
    () => this.publish(),
  );
  private readonly virtual = new Virtual(this, {
    scroller: () => this.renderRoot?.querySelector<HTMLElement>(".scroller") ?? null,
    count: () => this.shown.length,
    rowHeight: () => ROW,
    kept: () => (this.active === undefined ? undefined : this.indexOf(this.active)),
  });

  constructor() {
    super();
    this.choice = EVERYTHING;
    this.limit = PAGE;
    this.nowMs = Date.now();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.endLeases?.();
    this.endLeases = undefined;
    this.leases = undefined;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("choice")) {
      if (isOtherList(changed.get("choice"), this.choice)) this.limit = PAGE;
      this.toTop();
    }
    this.sift();
    if ((changed.has("reader") || this.leases === undefined) && this.reader !== undefined) {
      this.endLeases?.();
      this.leases = new Leases(
        this.reader,
        () => this.visible(),
        () => this.requestUpdate(),
      );
      this.endLeases = this.leases.begin();
    }
  }

  /** Which of what was read is shown. */
  private sift(): void {
    const all = this.list.snapshot?.value ?? [];
    const { text } = this.choice;
    this.shown = text.trim() === "" ? all : all.filter((record) => hasText(record, text));
    if (this.active === undefined || this.indexOf(this.active) === undefined) this.active = this.selected ?? this.shown[0]?.id;
  }

  private toTop(): void {
    const scroller = this.renderRoot?.querySelector(".scroller");
    if (scroller) scroller.scrollTop = 0;
  }

  /** What was read of the list, for what else shows it. */
  private publish(): void {
    emit(this, "inspector-listed", this.list.snapshot);
  }

  private visible(): ProcessRecord[] {
    return this.virtual.rows.flatMap(({ index }) => this.shown[index] ?? []);
  }

  private indexOf(id: string): number | undefined {
    const at = this.shown.findIndex((record) => record.id === id);
    return at < 0 ? undefined : at;
  }

  override render(): TemplateResult {
    const { snapshot } = this.list;
    const all = snapshot?.value ?? [];
    const tabStop = this.active !== undefined && this.indexOf(this.active) !== undefined ? this.active : this.shown[0]?.id;
    const isScanning = this.choice.text.trim() !== "" && snapshot?.hasMore === true;
    return html`
      <div>
        <div class="head" aria-hidden="true">
          <span>State</span><span>Process</span><span>Kind</span><span>What it does</span><span class="end">Duration</span><span class="end">Created</span>
        </div>
        ${isScanning ? html`<p class="scan" role="status">Looked through ${count(all.length)} so far…</p>` : nothing}
      </div>
      ${
        snapshot?.status === "error" && all.length === 0
          ? nothing
          : this.shown.length === 0 && snapshot !== undefined && !isScanning
            ? this.nothingThere()
            : html`<div
              class="scroller"
              role="listbox"
              aria-label="Processes"
              tabindex=${this.shown.length === 0 ? 0 : -1}
              @keydown=${this.onKey}
              @scroll=${this.onScroll}
            >
              <div class="rows" .style=${`height:${this.virtual.height}px`}>
                ${repeat(
                  this.virtual.rows,
                  ({ index }) => this.shown[index]?.id,
                  ({ index, start }) => this.row(this.shown[index], index, start, tabStop),
                )}
              </div>
            </div>`
      }
    `;
  }

  protected override updated(): void {
    this.readOn();
  }

  /** Reads the next page where the end of what was read is near, or none of it has the text. */
  private readOn(): void {
    const { snapshot } = this.list;
    if (snapshot?.status !== "present" || !snapshot.hasMore || snapshot.isLoadingMore) return;
    const last = this.virtual.rows.at(-1)?.index ?? 0;
    if (last < this.shown.length - PAGE / 4) return;
    if (snapshot.value.length >= this.limit) this.limit += PAGE;
  }

  private row(
    record: ProcessRecord | undefined,
    index: number,
    start: number,
    tabStop: string | undefined,
  ): TemplateResult | typeof nothing {
    if (record === undefined) return nothing;
    const { id, identity, createdAtMs, updatedAtMs, status, progress } = record;
    const state = stateOf(record, this.leases?.of(id), this.nowMs);
    const hasEnded = status.state !== "running";
    const isOff = state === "scheduled" || state === "queued";
    const took = isOff ? "" : duration((hasEnded ? updatedAtMs : Math.max(this.nowMs, createdAtMs)) - createdAtMs);
    const said = endWords(record) ?? waitWords(record, this.nowMs) ?? (hasEnded ? "" : progressWords(progress));
    return html`<div
      class="row"
      role="option"
      id=${`row-${index}`}
      data-id=${id}
      data-state=${state}
      aria-selected=${id === this.selected}
      aria-setsize=${this.list.snapshot?.hasMore === true ? -1 : this.shown.length}
      aria-posinset=${index + 1}
      tabindex=${id === tabStop ? 0 : -1}
      .style=${`transform:translateY(${start}px)`}
      @click=${() => this.choose(id)}
      @focus=${() => (this.active = id)}
    >
      <span class="state">${stateIcon(state)}<span class="word">${STATE_WORDS[state]}</span></span>
      <span class="name">
        <strong class="cut" title=${id}>${identity.label ?? id}</strong>
        ${identity.label === undefined ? nothing : html`<span class="mono cut" title=${id}>${id}</span>`}
        <span class="compact dim cut">${[STATE_WORDS[state], said || identity.kind].join(" · ")}</span>
      </span>
      <span class="kind cut" title=${identity.kind}>${identity.kind}</span>
      <span class="what wide cut" title=${said}>${said}</span>
      <span class="end number wide">${took}</span>
      <span class="end number dim when" title=${exact(createdAtMs)}><span>${relative(createdAtMs, this.nowMs)}</span><span class="compact">${took}</span></span>
    </div>`;
  }

  private nothingThere(): TemplateResult {
    if (isFiltered(this.choice))
      return html`<div class="empty">
        <strong>No process fits these filters</strong>
        <p>Loosen a filter, or look at all of them.</p>
        <button @click=${() => emit(this, "inspector-choose", { ...EVERYTHING, order: this.choice.order })}>Clear the filters</button>
      </div>`;
    return html`<div class="empty">
      <strong>No processes yet</strong>
      <p>What is registered in any tab shows here as it happens. Start one here, or call <code>registry.start()</code> in your app.</p>
      <button class="primary" @click=${() => emit(this, "inspector-start")}>Start a process</button>
    </div>`;
  }

  private choose(id: string): void {
    this.active = id;
    emit(this, "inspector-select", id);
  }

  private readonly onScroll = (): void => this.readOn();

  private readonly onKey = (event: KeyboardEvent): void => {
    const at = this.active === undefined ? -1 : (this.indexOf(this.active) ?? -1);
    const page = Math.max(1, Math.floor((this.renderRoot.querySelector(".scroller")?.clientHeight ?? ROW) / ROW) - 1);
    const moves: { [key: string]: number } = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: this.shown.length - 1,
    };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (this.active !== undefined) {
        this.choose(this.active);
        emit(this, "inspector-enter");
      }
      return;
    }
    const to = moves[event.key];
    if (to === undefined || this.shown.length === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    void this.focusRow(Math.min(Math.max(to, 0), this.shown.length - 1), this.selected !== undefined);
  };

  /** Puts the focus on a row; with a process open beside the list, that of the row is opened. */
  private async focusRow(index: number, alsoOpen: boolean): Promise<void> {
    const id = this.shown[index]?.id;
    if (id === undefined) return;
    this.active = id;
    this.virtual.scrollTo(index);
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`#row-${index}`)?.focus({ preventScroll: true });
    if (alsoOpen && this.offsetParent !== null) this.choose(id);
  }

  /** Puts the focus back on the row of the process that is selected, or on the first. */
  focusSelected(): void {
    const at = this.selected === undefined ? 0 : (this.indexOf(this.selected) ?? 0);
    void this.focusRow(at, false);
  }
}

/** Whether the registry is asked for another list: the text is looked for in what was read. */
function isOtherList(before: Choice | undefined, choice: Choice): boolean {
  return before === undefined || JSON.stringify({ ...before, text: "" }) !== JSON.stringify({ ...choice, text: "" });
}

function progressWords(progress: ProcessRecord["progress"]): string {
  if (progress === undefined) return "";
  const { current, total, message } = progress;
  return [message, total === undefined ? count(current) : `${count(current)} of ${count(total)}`]
    .filter((part) => part !== undefined)
    .join(", ");
}
