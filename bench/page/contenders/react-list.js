/** A list of processes in React, as `longwait/react` has it: counts what is rendered. */
import { createElement as h, memo } from "react";
import { createRoot } from "react-dom/client";
import { RegistryProvider, useProcesses } from "longwait/react";

/** Shows the newest processes, so many of them. Resolves with `{ rows, lists, close }`, counters of what was rendered, once they are there. */
export async function list(registry, limit) {
  const container = document.createElement("ol");
  document.body.append(container);
  const shown = { rows: 0, lists: 0, container };
  const Row = memo(({ record: { id, status } }) => {
    shown.rows++;
    return h("li", { id }, id, ": ", status.state);
  });
  function List() {
    shown.lists++;
    const { value = [] } = useProcesses({ filter: { status: "any" }, order: "newest", limit });
    return value.map((record) => h(Row, { key: record.id, record }));
  }
  const root = createRoot(container);
  const mounted = next(container, () => container.childElementCount === limit);
  root.render(h(RegistryProvider, { registry }, h(List)));
  await mounted;
  return Object.assign(shown, {
    /** Resolves once the row says so. */
    says: (id, words) => next(container, () => document.getElementById(id).textContent === `${id}: ${words}`),
    close() {
      root.unmount();
      container.remove();
    },
  });
}

/** Resolves when that holds, at the change of the page that makes it so. */
function next(container, holds) {
  return new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (!holds()) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(container, { childList: true, characterData: true, subtree: true });
  });
}
