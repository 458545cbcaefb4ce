/** One process: how it stands, who runs it, and its parts as a waterfall, a log and data. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { Json, ProcessRecord } from "../../types/public.js";
import { cancelForm, deleteForm, forkForm, pauseForm, saveAttachment, signalForm } from "../actions.js";
import type { Reader } from "../data/reader.js";
import { Reading } from "../data/reading.js";
import type { Form } from "../model/form.js";
import { endWords, holderWords, STATE_WORDS, stateOf, waitWords } from "../model/state.js";
import { bytes, count, duration, exact, plural, relative } from "../model/words.js";
import { icons, stateIcon, stateWord } from "./icons.js";
import { emit } from "./events.js";
import { faultWords } from "./fault.js";
import { base } from "./styles.js";

const VIEWS = [
  ["timeline", "Timeline"],
  ["log", "Log"],
  ["data", "Data"],
  ["wakes", "Wakes"],
] as const;
type View = (typeof VIEWS)[number][0];

export class ProcessDetail extends LitElement {
  static override properties = {
    reader: { attribute: false },
    processId: {},
    nowMs: { attribute: false },
    view: { state: true },
    wantedEvent: { state: true },
  };
  static override styles = [
    base,
    css`
      :host { display: grid; grid-template-rows: auto auto minmax(0, 1fr); min-height: 0; min-width: 0; container-type: inline-size; }
      header { display: grid; gap: 0.5rem; padding: 0.75rem 1rem; }
      .title { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem; }
      .title > h2 { min-width: 0; overflow-wrap: anywhere; }
      .title > h2:focus { outline: none; }
      .title > h2:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
      .actions { display: flex; flex-wrap: wrap; gap: 0.375rem; margin-inline-start: auto; }
      .facts { display: flex; flex-wrap: wrap; gap: 0.375rem 1.5rem; }
      .facts > div { display: grid; min-width: 0; }
      .facts dt { color: var(--dim); font-size: 0.75rem; }
      .facts dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
      .id { color: var(--dim); overflow-wrap: anywhere; }
      .tabs { display: flex; gap: 0.25rem; padding: 0 0.75rem; border-bottom: 1px solid var(--line); }
      .tabs > button { min-height: 2rem; border: 0; border-bottom: 2px solid transparent; border-radius: 0; background: none; color: var(--dim); }
      .tabs > button:hover { color: var(--text); background: none; }
      .tabs > button[aria-selected="true"] { color: var(--text); border-bottom-color: var(--accent); }
      .tabs > button:focus-visible { outline-offset: -2px; }
      .view { display: grid; min-height: 0; }
      .data { display: grid; align-content: start; gap: 1rem; padding: 0.875rem 1rem; overflow: auto; }
      .data section { display: grid; gap: 0.25rem; }
      .data ul { display: grid; gap: 0.25rem; }
      .back { margin-inline-start: -0.5rem; justify-self: start; }
      @container (min-width: 46rem) { .back.narrow { display: none; } }
    `,
  ];

  declare reader: Reader | undefined;
  declare processId: string;
  declare nowMs: number;
  declare view: View;
  declare wantedEvent: number | undefined;
  private reading: Reading | undefined;
  private version = 0;

  constructor() {
    super();
    this.view = "timeline";
    this.nowMs = Date.now();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.reading?.end();
    this.reading = undefined;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("reader") && !changed.has("processId") && this.reading !== undefined) return;
    this.reading?.end();
    this.wantedEvent = undefined;
    const read = (): void => {
      this.version++;
      this.requestUpdate();
    };
    this.reading = this.reader && new Reading(this.reader, this.processId, read, (error) => this.fault(error));
  }

  private fault(error: unknown): void {
    emit(this, "inspector-fault", error);
  }

  override render(): TemplateResult | typeof nothing {
    const { reading } = this;
    if (reading === undefined) return nothing;
    const { record } = reading;
    if (record.value !== undefined) return this.process(reading, record.value);
    if (record.status === "loading") return html`<div class="empty" role="status">Reading…</div>`;
    return html`<div class="empty">
      ${
        record.status === "error"
          ? html`<strong>It could not be read</strong><p>${faultWords(record.error)}</p>`
          : html`<strong>There is no process “${this.processId}”</strong><p>It may have been deleted or pruned.</p>`
      }
      <button @click=${this.back}>All processes</button>
    </div>`;
  }

  private process(reading: Reading, record: ProcessRecord): TemplateResult {
    const state = stateOf(record, reading.lease, this.nowMs);
    const { identity, id } = record;
    this.announce(`${identity.label ?? id}: ${STATE_WORDS[state].toLowerCase()}`);
    const end = endWords(record);
    const wait = waitWords(record, this.nowMs);
    const cancel = reading.events.value?.findLast(({ eventType }) => eventType === "process.cancel_requested");
    const label = identity.label ?? id;
    return html`
      <header>
        <button class="quiet back narrow" @click=${this.back}>${icons.back} All processes</button>
        <div class="title">
          <h2 tabindex="-1">${label}</h2>
          ${stateWord(state)}
          <div class="actions">${this.actions(reading, record)}</div>
        </div>
        ${label === id ? nothing : html`<code class="id">${id}</code>`}
        <dl class="facts">${this.facts(reading, record)}</dl>
        ${end === undefined ? nothing : html`<p class="callout" data-state=${state}>${stateIcon(state)}<span>${end}</span></p>`}
        ${wait === undefined ? nothing : html`<p class="callout" data-state=${state}>${stateIcon(state)}<span>${wait[0]?.toUpperCase()}${wait.slice(1)}${sinceWords(record, this.nowMs)}</span></p>`}
        ${
          cancel === undefined || record.status.state !== "running"
            ? nothing
            : html`<p class="callout" data-state="cancelled">${stateIcon("cancelled")}<span>Its cancellation was requested ${relative(cancel.occurredAtMs, this.nowMs)}. It runs until its runner ends it.</span></p>`
        }
      </header>
      <div class="tabs" role="tablist" aria-label="Views" @keydown=${this.onTabKey}>
        ${VIEWS.map(
          ([view, words]) =>
            html`<button role="tab" id=${`tab-${view}`} aria-controls="view" aria-selected=${view === this.view} tabindex=${view === this.view ? 0 : -1} @click=${() => (this.view = view)}>
              ${words}${view === "log" ? html` <span class="dim number">${count(reading.lastSequence)}</span>` : nothing}
            </button>`,
        )}
      </div>
      <div class="view" id="view" role="tabpanel" aria-labelledby=${`tab-${this.view}`} @inspector-event=${this.onEvent}>
        ${this.viewed(reading, record)}
      </div>
    `;
  }

  private announced = "";

  private announce(words: string): void {
    if (words === this.announced) return;
    this.announced = words;
    void this.updateComplete.then(() => emit(this, "inspector-announce", words));
  }

  private viewed(reading: Reading, { id, createdAtMs }: ProcessRecord): TemplateResult {
    const { reader, version, nowMs, wantedEvent } = this;
    switch (this.view) {
      case "timeline":
        return html`<longwait-inspector-waterfall .reading=${reading} .version=${version} .nowMs=${nowMs}></longwait-inspector-waterfall>`;
      case "log":
        return html`<longwait-inspector-log
          .reader=${reader}
          .processId=${id}
          .createdAtMs=${createdAtMs}
          .last=${reading.lastSequence}
          .wanted=${wantedEvent}
        ></longwait-inspector-log>`;
      case "data":
        return this.data(reading);
      case "wakes":
        return html`<longwait-inspector-wakes .reader=${reader} .processId=${id}></longwait-inspector-wakes>`;
    }
  }

  private facts({ lease, holder }: Reading, record: ProcessRecord): TemplateResult[] {
    const {
      identity,
      createdAtMs,
      updatedAtMs,
      status,
      labels = {},
      parentId,
      progress,
      deadlineAtMs,
      version,
      concurrencyKey,
      priority,
    } = record;
    const hasEnded = status.state !== "running";
    const fact = (name: string, value: unknown, title: string | undefined = undefined): TemplateResult =>
      html`<div><dt>${name}</dt><dd title=${title ?? nothing}>${value}</dd></div>`;
    const { nowMs } = this;
    return [
      fact("Kind", html`<code>${identity.kind}</code>${version === undefined ? "" : ` v${version}`}`),
      fact("Created", relative(createdAtMs, nowMs), exact(createdAtMs)),
      hasEnded
        ? fact("Duration", duration(updatedAtMs - createdAtMs), `until ${exact(updatedAtMs)}`)
        : fact("Duration", duration(nowMs - createdAtMs)),
      ...(progress === undefined ? [] : [fact("Progress", progressWords(progress), `as of ${exact(progress.atMs)}`)]),
      ...(lease == null
        ? []
        : [
            fact("Run by", holderWords(lease, holder), `owner ${lease.owner.ownerId}, incarnation ${lease.owner.incarnationId}`),
            fact(
              "Lease",
              lease.expiresAtMs > nowMs
                ? `${duration(Math.ceil((lease.expiresAtMs - nowMs) / 1000) * 1000)} left, fence ${lease.fencingToken}`
                : `expired, fence ${lease.fencingToken}`,
              `until ${exact(lease.expiresAtMs)}, claimed ${exact(lease.claimedAtMs)}`,
            ),
          ]),
      ...(deadlineAtMs === undefined || hasEnded ? [] : [fact("Deadline", relative(deadlineAtMs, nowMs), exact(deadlineAtMs))]),
      ...(concurrencyKey === undefined ? [] : [fact("Concurrency key", html`<code>${concurrencyKey}</code>`)]),
      ...(priority === undefined || priority === 0 ? [] : [fact("Priority", count(priority))]),
      ...(parentId === undefined
        ? []
        : [fact("Parent", html`<button class="quiet" @click=${() => this.select(parentId)}>${parentId}</button>`)]),
      ...(Object.keys(labels).length === 0
        ? []
        : [
            fact(
              "Labels",
              Object.entries(labels).map(([name, value]) => html`<span class="tag">${name}=${value}</span> `),
            ),
          ]),
    ];
  }

  private actions(reading: Reading, record: ProcessRecord): TemplateResult {
    const { registry } = reading.reader;
    const isRunning = record.status.state === "running";
    const steps = (reading.events.value ?? []).flatMap(({ replayKey }) =>
      replayKey?.startsWith("step:") ? [replayKey.slice("step:".length)] : [],
    );
    const select = (id: string): void => this.select(id);
    const fork = () => forkForm(registry, record, [...new Set(steps)], select);
    const isAwaited = record.wait?.kind === "signal";
    return html`
      ${
        isRunning
          ? html`<button class=${isAwaited ? "primary" : ""} @click=${() => this.ask(signalForm(registry, record))}>Signal…</button>
            ${
              record.paused === undefined
                ? html`<button @click=${() => this.ask(pauseForm(registry, record))}>Pause…</button>`
                : html`<button class="primary" @click=${() => this.resume(record)}>Resume</button>`
            }
            <button @click=${() => this.ask(cancelForm(registry, record))}>Cancel…</button>`
          : nothing
      }
      <button class=${record.status.state === "failed" ? "primary" : ""} @click=${() => this.ask(fork())}>${record.status.state === "failed" ? "Retry…" : "Fork…"}</button>
      <button @click=${() => emit(this, "inspector-export", record.id)}>Export</button>
      <button @click=${() => this.ask(deleteForm(registry, record, this.back))}>Delete…</button>
    `;
  }

  private ask(form: Form): void {
    emit(this, "inspector-ask", form);
  }

  private async resume({ id }: ProcessRecord): Promise<void> {
    try {
      await this.reader?.registry.resumeProcess(id);
      emit(this, "inspector-done", "Resumed.");
    } catch (error) {
      this.fault(error);
    }
  }

  private data({ streams, record: { value: record } }: Reading): TemplateResult {
    if (record === undefined) return html``;
    const { input, status, state, attachments = [], eventTypes: _types, ...rest } = record;
    const section = (title: string, value: unknown, depth = 2): TemplateResult =>
      html`<section><h3>${title}</h3><longwait-inspector-json label=${title.toLowerCase()} depth=${depth} .value=${value as Json}></longwait-inspector-json></section>`;
    return html`<div class="data" tabindex="0" role="region" aria-label="Data">
      ${section("Input", input.type === "engine" ? (input.payload ?? null) : input)}
      ${status.state === "running" ? nothing : section("Result", status.awaitOutput.type === "success" ? status.awaitOutput.value : status.awaitOutput)}
      ${state === undefined ? nothing : section("State", state)}
      ${
        attachments.length === 0
          ? nothing
          : html`<section>
            <h3>Attachments</h3>
            <ul>
              ${attachments.map(
                ({ name, size, type }) =>
                  html`<li><button class="quiet" title="Download" @click=${() => this.download(record.id, name)}>${name}</button> <span class="dim">${[bytes(size), type].filter((part) => part !== "").join(", ")}</span></li>`,
              )}
            </ul>
          </section>`
      }
      ${
        streams.length === 0
          ? nothing
          : html`<section>
            <h3>Streams</h3>
            <ul>${streams.map(({ name, chunks, closed, attempt }) => html`<li><code>${name}</code> <span class="dim">${plural(chunks, "chunk")}, attempt ${attempt}${closed ? ", closed" : ""}</span></li>`)}</ul>
          </section>`
      }
      ${section("Record", { ...rest, status: { state: status.state } }, 1)}
    </div>`;
  }

  private async download(id: string, name: string): Promise<void> {
    try {
      if (this.reader) await saveAttachment(this.reader.registry, id, name);
    } catch (error) {
      this.fault(error);
    }
  }

  private select(id: string): void {
    emit(this, "inspector-select", id);
  }

  private readonly back = (): void => void emit(this, "inspector-back");

  private readonly onEvent = ({ detail }: CustomEvent<number>): void => {
    this.view = "log";
    this.wantedEvent = detail;
  };

  private readonly onTabKey = async (event: KeyboardEvent): Promise<void> => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const at = VIEWS.findIndex(([view]) => view === this.view);
    this.view = VIEWS[(at + by + VIEWS.length) % VIEWS.length]?.[0] ?? "timeline";
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`#tab-${this.view}`)?.focus();
  };

  private isEntered = false;

  /** Puts the focus on the title, once that is there. */
  focusTitle(): void {
    this.isEntered = true;
    this.requestUpdate();
  }

  protected override updated(): void {
    const title = this.isEntered ? this.renderRoot.querySelector<HTMLElement>("h2") : null;
    if (title === null) return;
    this.isEntered = false;
    title.focus();
  }
}

function sinceWords({ wait, paused }: ProcessRecord, nowMs: number): string {
  // Where a time is counted down, this says little.
  const sinceMs = paused?.sinceMs ?? (wait !== undefined && "untilMs" in wait ? undefined : wait?.sinceMs);
  return sinceMs === undefined ? "" : ` · ${duration(Math.max(0, nowMs - sinceMs))} so far`;
}

function progressWords({ current, total, message }: NonNullable<ProcessRecord["progress"]>): string {
  const part = total === undefined ? count(current) : `${count(current)} of ${count(total)}`;
  return message === undefined ? part : `${part}, ${message}`;
}
