/** Signs of state, beside the word in each case. */
import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import type { State } from "../model/state.js";
import { STATE_WORDS } from "../model/state.js";

const circle = svg`<circle cx="8" cy="8" r="5.75"/>`;

const STATE_ICONS: Readonly<Record<State, SVGTemplateResult>> = {
  running: svg`${circle}<circle class="solid" cx="8" cy="8" r="2.5"/>`,
  working: svg`${circle}<circle class="solid" cx="8" cy="8" r="2.5"/>`,
  queued: svg`<circle cx="8" cy="8" r="5.75" stroke-dasharray="2.2 2.3"/>`,
  scheduled: svg`<rect x="2.75" y="3.5" width="10.5" height="9.75" rx="1.5"/><path d="M2.75 6.75h10.5M5.5 2v2.5M10.5 2v2.5"/>`,
  waiting: svg`${circle}<path d="M5.5 8h.01M8 8h.01M10.5 8h.01"/>`,
  sleeping: svg`${circle}<path d="M8 5v3.2l2 1.3"/>`,
  retrying: svg`<path d="M13.25 8a5.25 5.25 0 1 1-1.6-3.75M13.25 2.5v3h-3"/>`,
  paused: svg`${circle}<path d="M6.5 6v4M9.5 6v4"/>`,
  completed: svg`${circle}<path d="m5.6 8.2 1.7 1.7 3.2-3.6"/>`,
  failed: svg`${circle}<path d="m6 6 4 4m0-4-4 4"/>`,
  cancelled: svg`${circle}<path d="m4.2 11.8 7.6-7.6"/>`,
};

const icon = (shape: SVGTemplateResult): TemplateResult => html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${shape}</svg>`;

export const stateIcon = (state: State): TemplateResult => icon(STATE_ICONS[state]);

/** The sign of a state, and its word. */
export const stateWord = (state: State): TemplateResult =>
  html`<span class="state" data-state=${state}>${stateIcon(state)}${STATE_WORDS[state]}</span>`;

export const icons = {
  closed: icon(svg`<path d="m6 4 4 4-4 4"/>`),
  open: icon(svg`<path d="m4 6 4 4 4-4"/>`),
  back: icon(svg`<path d="m10 3.5-4.5 4.5L10 12.5"/>`),
  copy: icon(
    svg`<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 3.75v-.25A1.5 1.5 0 0 0 9 2H4a1.5 1.5 0 0 0-1.5 1.5v5A1.5 1.5 0 0 0 4 10h.25"/>`,
  ),
  done: icon(svg`<path d="m3.5 8.5 3 3 6-7"/>`),
  warning: icon(svg`<path d="M8 2.25 14.25 13H1.75z"/><path d="M8 6.5v3M8 11.25h.01"/>`),
  plus: icon(svg`<path d="M8 3.5v9M3.5 8h9"/>`),
  more: icon(svg`<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.2"/>`),
};
