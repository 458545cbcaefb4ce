/** The element itself: a registry, what of it is chosen and open, and whether it can be seen. Its parts decide what they read and show. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { ListSnapshot, RegistrySource } from "../types/observe.js";
import type { ProcessRecord } from "../types/public.js";
import { exportTo, importForm, pruneForm, startForm } from "./actions.js";
import { Reader } from "./data/reader.js";
import { codeOf, messageOf } from "./model/errors.js";
import { type Choice, EVERYTHING } from "./model/filter.js";
import type { Form } from "./model/form.js";
import type { ActionDialog } from "./parts/dialog.js";
import type { ProcessDetail } from "./parts/detail.js";
import { on } from "./parts/events.js";
import { faultWords } from "./parts/fault.js";
import { icons } from "./parts/icons.js";
import type { ProcessList } from "./parts/list.js";
import { base, tokens } from "./parts/styles.js";

/** Relative times and countdowns are set anew so often. */
const TICK_MS = 1_000;
/** What was done is said for so long. */
const SAID_MS = 6_000;

export class Inspector extends LitElement {
  static override properties = {
    registry: { attribute: false },
    selected: {},
    theme: { reflect: true },
    reader: { state: true },
    choice: { state: true },
    faults: { state: true },
    said: { state: true },
    announced: { state: true },
    nowMs: { state: true },
    kinds: { state: true },
  };
  static override styles = [
    tokens,
    base,
    css`
      :host { display: block; height: 100%; min-height: 20rem; container-type: inline-size; background: var(--panel); }
      .frame { display: flex; flex-direction: column; height: 100%; min-height: inherit; }
      .top { display: flex; flex-wrap: wrap; align-items: center; gap: 0.375rem 0.75rem; padding: 0.5rem 1rem; border-bottom: 1px solid var(--line); }
      .top > h2 { display: flex; align-items: baseline; gap: 0.5rem; margin-inline-end: auto; }
      .about { color: var(--dim); font-size: 0.8125rem; font-weight: 400; }
      .buttons { display: flex; flex-wrap: wrap; gap: 0.375rem; }
      .faults { display: grid; gap: 0.375rem; padding: 0.5rem 1rem; border-bottom: 1px solid var(--line); }
      .faults .callout { --state: var(--failed); align-items: center; }
      .faults .callout > span { flex: 1; }
      .said { position: absolute; inset-block-end: 1rem; inset-inline: 0; display: grid; justify-items: center; pointer-events: none; z-index: 2; }
      .said > span:not(:empty) { max-width: calc(100% - 2rem); padding: 0.5rem 0.875rem; border-radius: 0.375rem; background: var(--text); color: var(--panel); box-shadow: 0 0.25rem 1rem rgb(0 0 0 / 0.25); overflow-wrap: anywhere; }
      .body { flex: 1; display: grid; position: relative; min-height: 0; grid-template-columns: minmax(0, 1fr); }
      .side { display: grid; grid-template-rows: auto minmax(0, 1fr); min-height: 0; min-width: 0; }
      .body[data-open] { grid-template-columns: clamp(17rem, 30cqi, 26rem) minmax(0, 1fr); }
      .body[data-open] > .side { border-inline-end: 1px solid var(--line); }
      @container (max-width: 52rem) {
        .body[data-open] { grid-template-columns: minmax(0, 1fr); }
        .body[data-open] > .side { display: none; }
        .about { display: none; }
      }
    `,
  ];

  declare registry: RegistrySource | undefined;
  /** The id of the process that is open. */
  declare selected: string | undefined;
  declare theme: "light" | "dark" | undefined;
  declare reader: Reader | undefined;
  declare choice: Choice;
  declare faults: readonly unknown[];
  declare said: string;
  declare announced: string;
  declare nowMs: number;
  declare kinds: readonly string[];
  private isOnScreen = false;
  private readonly sight = new IntersectionObserver((entries) => {
    this.isOnScreen = entries.at(-1)?.isIntersecting === true;
    this.look();
  });
  private ticking: ReturnType<typeof setInterval> | undefined;
  private saying: ReturnType<typeof setTimeout> | undefined;
  private listFault: unknown;

  constructor() {
    super();
    this.choice = EVERYTHING;
    this.faults = [];
    this.said = "";
    this.announced = "";
    this.kinds = [];
    this.nowMs = Date.now();
    on(this, "inspector-select", (id) => this.open(id));
    on(this, "inspector-enter", () => void this.updateComplete.then(() => this.find<ProcessDetail>("detail")?.focusTitle()));
    on(this, "inspector-back", () => this.back());
    on(this, "inspector-choose", (choice) => (this.choice = choice));
    on(this, "inspector-fault", (error) => this.fault(error));
    on(this, "inspector-ask", (form) => this.ask(form));
    on(this, "inspector-announce", (words) => (this.announced = words));
    on(this, "inspector-done", (words) => this.say(words));
    on(this, "inspector-export", (id) => void this.export(id));
    on(this, "inspector-start", () => this.start());
    on(this, "inspector-listed", (snapshot) => this.listed(snapshot));
  }

  // ── Seen or not ───────────────────────────────────────────────────────────

  override connectedCallback(): void {
    super.connectedCallback();
    this.sight.observe(this);
    document.addEventListener("visibilitychange", this.look);
    this.look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sight.disconnect();
    document.removeEventListener("visibilitychange", this.look);
    this.isOnScreen = false;
    this.look();
  }

  /** Whether it can be seen: only then is anything read. */
  private readonly look = (): void => {
    const isSeen = this.isOnScreen && this.isConnected && document.visibilityState === "visible";
    this.reader?.show(isSeen);
    clearInterval(this.ticking);
    this.ticking = undefined;
    if (!isSeen) return;
    const tick = () => (this.nowMs = Date.now());
    tick();
    this.ticking = setInterval(tick, TICK_MS);
  };

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("registry")) void this.use(this.registry);
  }

  private async use(source: RegistrySource | undefined): Promise<void> {
    this.reader?.show(false);
    [this.reader, this.faults, this.kinds] = [undefined, [], []];
    if (source === undefined) return;
    try {
      const registry = await source;
      if (this.registry !== source) return;
      this.reader = new Reader(registry);
      this.look();
    } catch (error) {
      if (this.registry === source) this.fault(error);
    }
  }

  // ── What it shows ─────────────────────────────────────────────────────────

  override render(): TemplateResult {
    const { reader, selected, nowMs, choice } = this;
    return html`<div class="frame">
      <div class="top">
        <h2>Processes ${reader === undefined ? nothing : html`<span class="about" title=${DURABILITY[reader.registry.durability]}>in <code>${reader.registry.name}</code>, ${reader.registry.durability}</span>`}</h2>
        <div class="buttons">
          <button @click=${() => this.start()} ?disabled=${reader === undefined}>${icons.plus} Start…</button>
          <button @click=${() => reader && this.ask(importForm(reader.registry))} ?disabled=${reader === undefined}>Import…</button>
          <button @click=${() => void this.export()} ?disabled=${reader === undefined}>Export all</button>
          <button @click=${() => reader && this.ask(pruneForm(reader.registry))} ?disabled=${reader === undefined}>Prune…</button>
        </div>
      </div>
      ${
        this.faults.length === 0
          ? nothing
          : html`<div class="faults">${this.faults.map(
              (fault) =>
                html`<p class="callout" role="alert">
              ${icons.warning}<span>${faultWords(fault)}</span>
              <button class="quiet" @click=${() => (this.faults = this.faults.filter((other) => other !== fault))}>Dismiss</button>
            </p>`,
            )}</div>`
      }
      ${
        reader === undefined
          ? html`<div class="empty">
            ${
              this.registry === undefined
                ? html`<strong>No registry</strong><p>Set the <code>registry</code> property of this element to one that <code>openRegistry()</code> gives.</p>`
                : this.faults.length > 0
                  ? html`<strong>The registry could not be opened</strong>`
                  : html`<span role="status">Opening…</span>`
            }
          </div>`
          : html`<div class="body" ?data-open=${selected !== undefined} @keydown=${this.onKey}>
            <div class="side">
              <longwait-inspector-filters .reader=${reader} .choice=${choice} .kinds=${this.kinds}></longwait-inspector-filters>
              <longwait-inspector-list .reader=${reader} .choice=${choice} .selected=${selected} .nowMs=${nowMs}></longwait-inspector-list>
            </div>
            ${
              selected === undefined
                ? nothing
                : html`<longwait-inspector-detail .reader=${reader} .processId=${selected} .nowMs=${nowMs}></longwait-inspector-detail>`
            }
            <p class="unseen" role="status">${this.announced}</p>
            <p class="said" role="status" aria-live="polite"><span>${this.said}</span></p>
          </div>`
      }
      <longwait-inspector-dialog></longwait-inspector-dialog>
    </div>`;
  }

  private find<T extends HTMLElement>(name: string): T | null {
    return this.renderRoot.querySelector<T>(`longwait-inspector-${name}`);
  }

  private open(id: string): void {
    if (this.selected === id) return;
    this.selected = id;
    this.announce();
  }

  private back(): void {
    const list = this.find<ProcessList>("list");
    void this.updateComplete.then(() => list?.focusSelected());
    this.selected = undefined;
    this.announce();
  }

  /** For the page, which may keep it in its address. */
  private announce(): void {
    this.dispatchEvent(new CustomEvent("longwait-select", { detail: { id: this.selected } }));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.defaultPrevented || this.selected === undefined) return;
    event.preventDefault();
    this.back();
  };

  private listed(snapshot: ListSnapshot<ProcessRecord> | undefined): void {
    if (snapshot === undefined) return;
    if (snapshot.status === "error" && snapshot.error !== this.listFault) this.fault(snapshot.error);
    this.listFault = snapshot.error;
    const kinds = new Set([...this.kinds, ...(snapshot.value ?? []).slice(0, 500).map(({ identity }) => identity.kind)]);
    if (kinds.size > this.kinds.length) this.kinds = [...kinds].sort();
  }

  // ── What is done ──────────────────────────────────────────────────────────

  private start(): void {
    if (this.reader) this.ask(startForm(this.reader.registry, this.kinds, (id) => this.open(id)));
  }

  private async export(id?: string): Promise<void> {
    try {
      if (this.reader) this.say(await exportTo(this.reader.registry, id === undefined ? undefined : [id]));
    } catch (error) {
      this.fault(error);
    }
  }

  private ask(form: Form): void {
    void this.find<ActionDialog>("dialog")?.ask(form);
  }

  private say(words: string): void {
    this.said = words;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.said = ""), SAID_MS);
  }

  /** Shows what went wrong, once for each message. */
  private fault(error: unknown): void {
    const isKnown = this.faults.some((other) => codeOf(other) === codeOf(error) && messageOf(other) === messageOf(error));
    if (!isKnown) this.faults = [...this.faults, error].slice(-5);
  }
}

const DURABILITY = {
  persistent: "Kept until the user or the app deletes it",
  evictable: "Kept until the browser needs the room",
  memory: "Gone when this registry is closed",
  remote: "Kept by servers, for all who reach them",
} as const;
