/** What the parts of the inspector ask of it, as events that it hears wherever they are. */
import type { ListSnapshot } from "../../types/observe.js";
import type { ProcessRecord } from "../../types/public.js";
import type { Choice } from "../model/filter.js";
import type { Form } from "../model/form.js";

export interface InspectorEvents {
  /** Open the process of this id beside the list. */
  "inspector-select": string;
  /** Put the focus on the process that is open. */
  "inspector-enter": undefined;
  /** Close the process that is open. */
  "inspector-back": undefined;
  /** Show what fits this choice. */
  "inspector-choose": Choice;
  /** Show an event of the log, by its sequence. */
  "inspector-event": number;
  /** Ask for the start of a process. */
  "inspector-start": undefined;
  /** Ask for what an action needs, and do it. */
  "inspector-ask": Form;
  /** Export the process of this id. */
  "inspector-export": string;
  /** Say that this was done. */
  "inspector-done": string;
  /** Say this to those who do not see the page. */
  "inspector-announce": string;
  /** Show what went wrong. */
  "inspector-fault": unknown;
  /** This was read of the list. */
  "inspector-listed": ListSnapshot<ProcessRecord> | undefined;
}

export function emit<N extends keyof InspectorEvents>(
  from: HTMLElement,
  name: N,
  ...[detail]: undefined extends InspectorEvents[N] ? [detail?: InspectorEvents[N]] : [detail: InspectorEvents[N]]
): void {
  from.dispatchEvent(new CustomEvent<unknown>(name, { detail, bubbles: true, composed: true }));
}

export function on<N extends keyof InspectorEvents>(target: HTMLElement, name: N, listener: (detail: InspectorEvents[N]) => void): void {
  target.addEventListener(name, (event) => listener((event as CustomEvent<InspectorEvents[N]>).detail));
}
