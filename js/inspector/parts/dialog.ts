/** The dialog of an action: what it asks for, what it is about to do, and what went wrong. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { type Field, FieldFault, type Form, type Given } from "../model/form.js";
import { icons } from "./icons.js";
import { emit } from "./events.js";
import { faultWords } from "./fault.js";
import { base } from "./styles.js";

export class ActionDialog extends LitElement {
  static override properties = { form: { state: true }, fault: { state: true }, isBusy: { state: true } };
  static override styles = [
    base,
    css`
      dialog { width: min(32rem, calc(100vw - 2rem)); max-height: calc(100vh - 2rem); padding: 0; border: 1px solid var(--line); border-radius: 0.625rem; background: var(--panel); color: var(--text); font: inherit; box-shadow: 0 1rem 3rem rgb(0 0 0 / 0.25); }
      dialog::backdrop { background: rgb(0 0 0 / 0.35); }
      form { display: grid; gap: 0.875rem; padding: 1.125rem 1.25rem 1rem; }
      .field { display: grid; gap: 0.25rem; }
      label { font-weight: 500; }
      .field > p { color: var(--dim); font-size: 0.75rem; }
      .check { display: flex; align-items: center; gap: 0.5rem; }
      .check > label { font-weight: 400; }
      .wrong { color: var(--failed); overflow-wrap: anywhere; }
      .field > p.wrong { color: var(--failed); }
      [aria-invalid="true"] { border-color: var(--failed); }
      footer { display: flex; justify-content: end; gap: 0.5rem; }
      .callout { --state: var(--failed); }
    `,
  ];

  declare form: Form | undefined;
  declare fault: unknown;
  declare isBusy: boolean;

  /** Asks. What was done is an `inspector-done` event. */
  async ask(form: Form): Promise<void> {
    [this.form, this.fault, this.isBusy] = [form, undefined, false];
    await this.updateComplete;
    const dialog = this.renderRoot.querySelector("dialog");
    if (dialog?.open === false) dialog.showModal();
    // The harmless answer has the focus where there is nothing to fill in.
    this.renderRoot.querySelector<HTMLElement>("input, textarea, select, button[value=keep]")?.focus();
  }

  override render(): TemplateResult {
    const { form, fault } = this;
    return html`<dialog aria-labelledby="title" @close=${this.onClose}>
      ${
        form === undefined
          ? nothing
          : html`<form novalidate autocomplete="off" @submit=${this.onSubmit} @keydown=${this.onKey}>
            <h2 id="title">${form.title}</h2>
            ${form.text === undefined ? nothing : html`<p>${form.text}</p>`}
            ${form.fields.map((field) => this.field(field))}
            ${
              fault === undefined || fault instanceof FieldFault
                ? nothing
                : html`<p class="callout" role="alert">${icons.warning}<span>${faultWords(fault)}</span></p>`
            }
            <footer>
              <button type="button" value="keep" @click=${this.close}>${form.isDangerous ? "Keep" : "Cancel"}</button>
              <button class=${form.isDangerous ? "danger" : "primary"} ?disabled=${this.isBusy}>${form.submit}</button>
            </footer>
          </form>`
      }
    </dialog>`;
  }

  private field({ name, label, sort, hint, value = "", isRequired, options = [] }: Field): TemplateResult {
    const fault = this.fault instanceof FieldFault && this.fault.field === name ? this.fault.message : undefined;
    const described = fault !== undefined ? `${name}-fault` : hint !== undefined ? `${name}-hint` : nothing;
    const invalid = fault === undefined ? nothing : "true";
    const words = html`${hint === undefined ? nothing : html`<p id=${`${name}-hint`}>${hint}</p>`}
    ${fault === undefined ? nothing : html`<p id=${`${name}-fault`} class="wrong" role="alert">${fault}</p>`}`;
    if (sort === "check")
      return html`<div class="check"><input type="checkbox" id=${name} name=${name} ?checked=${value !== ""} /><label for=${name}>${label}</label></div>`;
    return html`<div class="field">
      <label for=${name}>${label}</label>
      ${
        sort === "json"
          ? html`<textarea id=${name} name=${name} rows="4" spellcheck="false" .value=${value} aria-invalid=${invalid} aria-describedby=${described}></textarea>`
          : sort === "choice"
            ? html`<select id=${name} name=${name} aria-describedby=${described}>${options.map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select>`
            : sort === "file"
              ? html`<input type="file" id=${name} name=${name} aria-invalid=${invalid} aria-describedby=${described} />`
              : html`<input id=${name} name=${name} list=${options.length > 0 ? `${name}-list` : nothing} spellcheck="false" autocapitalize="off" ?required=${isRequired} .value=${value} aria-invalid=${invalid} aria-describedby=${described} />
                ${options.length > 0 ? html`<datalist id=${`${name}-list`}>${options.map(([value]) => html`<option value=${value}></option>`)}</datalist>` : nothing}`
      }
      ${words}
    </div>`;
  }

  private readonly close = (): void => this.renderRoot.querySelector("dialog")?.close();

  private readonly onClose = (): void => {
    this.form = undefined;
  };

  /** Ctrl+Enter or ⌘+Enter submits from a field of several lines. Escape closes this dialog, and nothing behind it. */
  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) (event.currentTarget as HTMLFormElement).requestSubmit();
    event.stopPropagation();
  };

  private readonly onSubmit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const { form } = this;
    if (form === undefined || this.isBusy) return;
    [this.isBusy, this.fault] = [true, undefined];
    try {
      const done = await form.run(this.given(form, event.target as HTMLFormElement));
      if (this.form === form) this.close();
      emit(this, "inspector-done", done);
    } catch (fault) {
      this.fault = fault;
      await this.updateComplete;
      if (fault instanceof FieldFault) this.renderRoot.querySelector<HTMLElement>(`#${fault.field}`)?.focus();
    } finally {
      this.isBusy = false;
    }
  };

  private given({ fields }: Form, element: HTMLFormElement): Given {
    const data = new FormData(element);
    const given = Object.fromEntries(
      fields.map(({ name, sort }) => [name, sort === "check" ? data.has(name) : (data.get(name) ?? undefined)]),
    );
    for (const { name, label, isRequired } of fields)
      if (isRequired === true && String(given[name] ?? "").trim() === "") throw new FieldFault(name, `${label}: say what.`);
    return given;
  }
}
