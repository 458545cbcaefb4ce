/** What of the processes is shown: their status, each with its live count, and further filters. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { CountQuery } from "../../types/observe.js";
import type { Reader } from "../data/reader.js";
import { Watch } from "../data/watch.js";
import { type Choice, EVERYTHING, isFiltered, STATUS_CHOICES, statusFilter, type StatusChoice } from "../model/filter.js";
import { count } from "../model/words.js";
import { stateIcon } from "./icons.js";
import { emit } from "./events.js";
import { base } from "./styles.js";

/** How long a person types before the list is read anew. */
const TYPING_MS = 200;

export class ProcessFilters extends LitElement {
  static override properties = {
    reader: { attribute: false },
    choice: { attribute: false },
    kinds: { attribute: false },
    isOpen: { state: true },
  };
  static override styles = [
    base,
    css`
      :host { display: grid; gap: 0.5rem; padding: 0.625rem 1rem; border-bottom: 1px solid var(--line); container-type: inline-size; }
      .statuses { display: flex; flex-wrap: wrap; gap: 0.125rem; margin-inline: -0.25rem; }
      .statuses button { flex: none; min-height: 1.75rem; padding: 0 0.5rem; border: 0; background: none; color: var(--dim); font-weight: 500; }
      .statuses button:hover { color: var(--text); background: var(--raised); }
      .statuses button[aria-pressed="true"] { color: var(--text); background: var(--accent-tint); }
      .statuses .icon { color: var(--state); }
      .number { color: var(--dim); font-weight: 400; }
      .more { display: grid; grid-template-columns: minmax(8rem, 2fr) minmax(6rem, 1fr) minmax(6rem, 1fr) auto auto; gap: 0.5rem; }
      .more select { width: auto; }
      .toggle { display: none; }
      @container (max-width: 46rem) {
        .more { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto auto; }
        .more > .text { grid-column: 1 / 3; grid-row: 1; }
        .more > .order { grid-column: 3; grid-row: 1; }
        .more > .toggle { display: inline-flex; grid-column: 4; grid-row: 1; }
        .more > .clear { grid-column: 1 / -1; justify-self: start; }
        .more:not([data-open]) > .further { display: none; }
      }
    `,
  ];

  declare reader: Reader | undefined;
  declare choice: Choice;
  declare kinds: readonly string[];
  /** Whether the further filters are shown where there is little room. */
  declare isOpen: boolean;
  private typing: ReturnType<typeof setTimeout> | undefined;
  private typed: Partial<Choice> = {};

  private readonly counts = new Map(
    STATUS_CHOICES.map(({ status }) => [
      status,
      new Watch<CountQuery>(this, () => ({ reader: this.reader, query: { type: "count", filter: statusFilter(status) } })),
    ]),
  );

  constructor() {
    super();
    this.choice = EVERYTHING;
    this.kinds = [];
    this.isOpen = false;
  }

  override render(): TemplateResult {
    const { choice } = this;
    const isNarrowed = choice.kind !== "" || choice.labels !== "";
    return html`
      <div class="statuses" role="group" aria-label="Status">
        ${STATUS_CHOICES.map(({ status, label, state }) => {
          const counted = this.counts.get(status)?.snapshot?.value;
          return html`<button data-state=${state ?? nothing} aria-pressed=${status === choice.status} @click=${() => this.choose({ status: status as StatusChoice })}>
            ${state === undefined ? nothing : stateIcon(state)}${label}
            <span class="number" data-count=${status}>${counted === undefined ? "…" : count(counted)}</span>
          </button>`;
        })}
      </div>
      <div class="more" ?data-open=${this.isOpen || isNarrowed}>
        <input class="text" type="search" aria-label="Search in id, label and kind" placeholder="Search id, label, kind…" .value=${choice.text} @input=${this.onType("text")} />
        <input class="mono further" aria-label="Kind" placeholder="kind" list="kinds" .value=${choice.kind} spellcheck="false" autocapitalize="off" @input=${this.onType("kind")} />
        <datalist id="kinds">${this.kinds.map((kind) => html`<option value=${kind}></option>`)}</datalist>
        <input class="mono further" aria-label="Labels" placeholder="label=value" .value=${choice.labels} spellcheck="false" autocapitalize="off" @input=${this.onType("labels")} />
        <span class="order"
          ><select aria-label="Order" .value=${choice.order} @change=${({ target }: Event) => this.choose({ order: (target as HTMLSelectElement).value as Choice["order"] })}>
            <option value="newest">Newest first</option>
            <option value="oldest">Oldest first</option>
            <option value="id">By id</option>
          </select></span
        >
        <button class="quiet toggle" aria-expanded=${this.isOpen || isNarrowed} @click=${() => (this.isOpen = !this.isOpen)}>Filters</button>
        ${isFiltered(choice) ? html`<button class="quiet clear" @click=${() => this.choose({ ...EVERYTHING, order: choice.order })}>Clear</button>` : nothing}
      </div>
    `;
  }

  private onType(name: "text" | "kind" | "labels") {
    return ({ target }: Event): void => {
      clearTimeout(this.typing);
      this.typed = { ...this.typed, [name]: (target as HTMLInputElement).value };
      this.typing = setTimeout(() => this.choose({}), TYPING_MS);
    };
  }

  private choose(changed: Partial<Choice>): void {
    clearTimeout(this.typing);
    emit(this, "inspector-choose", { ...this.choice, ...this.typed, ...changed });
    this.typed = {};
  }
}
