/** What the parts look like in common. Colours come from the host element, in light and dark. */
import { css } from "lit";

/** The colours, sizes and fonts, for the outermost element; a page may set them otherwise. */
export const tokens = css`
  :host {
    --ground: light-dark(#f6f6f8, #101013);
    --panel: light-dark(#ffffff, #17171b);
    --raised: light-dark(#f6f6f9, #1f1f25);
    --line: light-dark(#e4e4ea, #2b2b32);
    --line-strong: light-dark(#8c8d99, #6f707c);
    --text: light-dark(#1c1c22, #ececf1);
    --dim: light-dark(#5c5d69, #a3a4b0);
    --accent: light-dark(#4a55cc, #a3acff);
    --accent-fill: light-dark(#4f5bd5, #5c67de);
    --accent-tint: light-dark(#eeeffc, #24263f);
    --queued: light-dark(#5c5d69, #a3a4b0);
    --working: light-dark(#1d5fc2, #85b8ff);
    --waiting: light-dark(#8a5300, #f0b95c);
    --sleeping: light-dark(#6b3fb5, #c3a4ff);
    --retrying: light-dark(#b34700, #ff9d66);
    --paused: light-dark(#5c5d69, #b3b4bf);
    --completed: light-dark(#15703a, #6fd596);
    --failed: light-dark(#b8202f, #ff939b);
    --cancelled: light-dark(#5c5d69, #b3b4bf);
    --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace;
    --sans: system-ui, "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif;
    color-scheme: light dark;
    color: var(--text);
    font: 0.8125rem/1.4 var(--sans);
  }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
`;

/** What each part needs. */
export const base = css`
  * { box-sizing: border-box; }
  [hidden] { display: none !important; }
  h2, h3, p, dl, dd, ul, ol, figure { margin: 0; padding: 0; }
  h2 { font-size: 1rem; line-height: 1.3; font-weight: 600; }
  h3 { font-size: 0.8125rem; font-weight: 600; }
  ul, ol { list-style: none; }
  code, pre, .mono { font-family: var(--mono); font-size: 0.75rem; }
  pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  a { color: var(--accent); }
  .dim { color: var(--dim); }
  .number { font-variant-numeric: tabular-nums; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .cut { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
  .icon { width: 1em; height: 1em; flex: none; fill: none; stroke: currentcolor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; vertical-align: -0.125em; }
  .icon .solid { fill: currentcolor; stroke: none; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }

  [data-state="running"], [data-state="working"] { --state: var(--working); }
  [data-state="queued"], [data-state="scheduled"] { --state: var(--queued); }
  [data-state="waiting"] { --state: var(--waiting); }
  [data-state="sleeping"] { --state: var(--sleeping); }
  [data-state="retrying"] { --state: var(--retrying); }
  [data-state="paused"] { --state: var(--paused); }
  [data-state="completed"] { --state: var(--completed); }
  [data-state="failed"] { --state: var(--failed); }
  [data-state="cancelled"] { --state: var(--cancelled); }
  .state { display: inline-flex; align-items: center; gap: 0.375rem; color: var(--state); font-weight: 500; white-space: nowrap; }
  .state .icon { width: 1.0625em; height: 1.0625em; }

  .tag { display: inline-block; max-width: 16rem; padding: 0 0.375rem; border: 1px solid var(--line); border-radius: 0.25rem; color: var(--dim); font-size: 0.75rem; line-height: 1.125rem; vertical-align: middle; }
  .code { padding: 0 0.3rem; border-radius: 0.25rem; background: color-mix(in srgb, currentcolor 10%, transparent); font-family: var(--mono); font-size: 0.75rem; }
  .code a { color: inherit; }
  .callout { display: flex; gap: 0.5rem; padding: 0.5rem 0.75rem; border: 1px solid color-mix(in srgb, var(--state) 35%, transparent); border-radius: 0.375rem; background: color-mix(in srgb, var(--state) 7%, var(--panel)); overflow-wrap: anywhere; }
  .callout > .icon { margin-top: 0.2em; color: var(--state); }
  .empty { display: grid; align-content: start; justify-items: center; gap: 0.375rem; padding: 3rem 1.5rem; color: var(--dim); text-align: center; }
  .empty strong { color: var(--text); font-size: 0.875rem; font-weight: 600; }
  .empty p { max-width: 30rem; }

  button, select, input, textarea { font: inherit; color: inherit; }
  button { display: inline-flex; align-items: center; justify-content: center; gap: 0.375rem; min-height: 1.75rem; padding: 0 0.625rem; border: 1px solid var(--line-strong); border-radius: 0.375rem; background: var(--panel); font-weight: 500; cursor: pointer; white-space: nowrap; }
  button:hover { background: var(--raised); border-color: var(--text); }
  button.primary { background: var(--accent-fill); border-color: transparent; color: #fff; }
  button.primary:hover { background: color-mix(in srgb, var(--accent-fill) 88%, #000); }
  button.danger { background: light-dark(#b8202f, #c53a47); border-color: transparent; color: #fff; }
  button.danger:hover { background: color-mix(in srgb, #b8202f 88%, #000); }
  button.quiet { border-color: transparent; background: none; color: var(--dim); }
  button[aria-pressed="true"] { border-color: var(--accent); background: var(--accent-tint); color: var(--text); }
  button.quiet:hover { color: var(--text); background: var(--raised); }
  button:disabled { opacity: 0.55; cursor: default; }
  input:not([type="checkbox"], [type="radio"]), select, textarea { width: 100%; min-height: 1.75rem; padding: 0.1875rem 0.5rem; border: 1px solid var(--line-strong); border-radius: 0.375rem; background: var(--panel); }
  textarea { resize: vertical; }
  textarea, input.mono { font-family: var(--mono); font-size: 0.75rem; }
  ::placeholder { color: var(--dim); opacity: 1; }
`;
