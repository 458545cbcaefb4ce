/** The first page: an inspector of what this site stores, and a driver that runs the demonstration's jobs in it. */

import "longwait/inspector";
import { begin, runners, startReport } from "./report-job.js";
import { open, showStorage } from "./storage.js";

const inspector = document.querySelector("longwait-inspector");
const opened = open();
inspector.registry = opened;
showStorage();

/** The address names the process that is open, so that it can be reloaded and shared between tabs. */
const named = () => decodeURIComponent(location.hash.slice(1)) || undefined;
inspector.selected = named();
addEventListener("hashchange", () => (inspector.selected = named()));
inspector.addEventListener("longwait-select", ({ detail: { id } }) =>
  history.replaceState(null, "", id === undefined ? location.pathname + location.search : `#${encodeURIComponent(id)}`),
);

const again = document.getElementById("again");
again.addEventListener("click", () => attempt(async () => show(await startReport(await opened))));

await attempt(async () => {
  const registry = await opened;
  // For trying more than the page has buttons for: it is there in the console.
  globalThis.registry = registry;
  registry.driver({ runners, onRunError() {} }).start();
  const first = await begin(registry);
  // On a small screen the list comes first, as it is where a person begins.
  if (inspector.selected === undefined && matchMedia("(min-width: 52rem)").matches) show(first);
});

function show(id) {
  inspector.selected = id;
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    document.getElementById("fault").textContent = `${error.message} (${error.code ?? error.name})`;
  }
}
