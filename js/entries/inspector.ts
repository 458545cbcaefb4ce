/**
 * The inspector: an element `<longwait-inspector>` that shows the processes of a registry, and {@link inspectorPlugin}, which shows it in
 * TanStack Devtools. Importing this defines the element, once its code has arrived; on a server it does nothing.
 *
 * @module
 */
import type { RegistrySource } from "../types/observe.js";

export type { RegistrySource } from "../types/observe.js";

/** The element `<longwait-inspector>`. It reads while it can be seen, and nothing while it is hidden. */
export interface LongwaitInspector extends HTMLElement {
  /** What is shown: a registry, or the promise of one. It is the page's to close. */
  registry: RegistrySource | undefined;
  /** The id of the process that is open. A `longwait-select` event says that a person opened another one. */
  selected: string | undefined;
  /** Default: what the user prefers. */
  theme: "light" | "dark" | undefined;
}

declare global {
  interface HTMLElementTagNameMap {
    "longwait-inspector": LongwaitInspector;
  }
}

/** What TanStack Devtools takes as a plugin. */
export interface InspectorPlugin {
  id: string;
  name: string;
  /** Shows the inspector in an element. Calling it again for one changes its theme. */
  render(element: HTMLElement, props: { readonly theme: "light" | "dark" }): void;
}

/** A plugin for TanStack Devtools that shows the inspector of a registry. */
export function inspectorPlugin(registry: RegistrySource): InspectorPlugin {
  return {
    id: "longwait",
    name: "longwait",
    render(element, { theme }) {
      let inspector = element.querySelector("longwait-inspector");
      if (inspector === null) {
        inspector = document.createElement("longwait-inspector");
        element.append(inspector);
      }
      inspector.registry = registry;
      inspector.theme = theme;
    },
  };
}

// Elements cannot even be declared where there is no document: they extend a class of the browser.
if (typeof customElements !== "undefined") void import("../inspector/define.js");
