/** Puts the page together: one registry, what it holds, and what a person does with it. */

import { actions } from "./actions.js";
import { deletion } from "./deletion.js";
import { byId, say } from "./dom.js";
import { announce, notice, showUncaught } from "./notices.js";
import { processDetail } from "./process-detail.js";
import { processList } from "./process-list.js";
import { selection } from "./selection.js";
import { startForm } from "./start.js";
import { open, showStorage } from "./storage.js";
import { followProcesses } from "./store.js";
import { everySecond } from "./time.js";
import { openWaits } from "./waits.js";
import { sentenceOf, waitList } from "./wait-list.js";
import { durability } from "./words.js";

showUncaught();
showStorage();
await begin();

async function begin() {
  let registry;
  try {
    registry = await open();
  } catch (error) {
    say(byId("fact-durability"), "not open");
    const close = notice(error, {
      again() {
        close();
        begin();
      },
    });
    return;
  }
  run(registry);
}

function run(registry) {
  // For trying more than the page has buttons for: it is there in the console.
  globalThis.registry = registry;

  let closeFailure;
  const processes = followProcesses(registry, {
    changed: showProcesses,
    failed(error) {
      closeFailure?.();
      closeFailure = error && notice(error);
    },
  });
  const selected = selection(showSelected);
  const detail = processDetail(registry, { failed: logFailed });
  const list = processList({
    select: selected.move,
    open(id) {
      selected.open(id);
      workWithIt();
    },
  });

  const waits = openWaits(registry, (settled) => {
    showWaits();
    if (settled) announce(sentenceOf(settled));
  });
  const showCards = waitList(waits, (id) => {
    selected.open(id);
    workWithIt();
  });

  const fitActions = actions(registry, detail, waits);
  startForm(registry, async (id) => {
    await processes.refresh();
    selected.open(id);
    workWithIt();
  });
  deletion(registry, processes);

  byId("back").addEventListener("click", backToList);
  byId("detail-body").addEventListener("keydown", (key) => {
    if (key.key === "Escape" && !key.defaultPrevented) backToList();
  });

  byId("main").hidden = false;
  say(byId("fact-durability"), durability[registry.durability]);
  say(byId("fact-name"), registry.name);
  document.body.dataset.view = selected.id === undefined ? "list" : "detail";
  showWaits();
  showFacts();
  processes.refresh();
  everySecond(() => {
    processes.refresh();
    showFacts();
  });

  function showProcesses() {
    const all = processes.newestFirst();
    if (all.length > 0 && !byId("start").dataset.seen) byId("start").open = false;
    byId("start").dataset.seen = "yes";
    list.show(all, selected.id);
    detail.show(selected.id, processes.get(selected.id));
    fitActions();
    showFacts();
  }

  function showSelected() {
    document.body.dataset.view = selected.id === undefined ? "list" : "detail";
    showProcesses();
  }

  /** On a small screen the list gives way to the process; on any, the keyboard goes on from its title. */
  function workWithIt() {
    document.body.dataset.view = "detail";
    byId(byId("detail-body").hidden ? "detail-empty-words" : "detail-title").focus();
  }

  function backToList() {
    document.body.dataset.view = "list";
    list.focus();
  }

  function showWaits() {
    showCards();
    showFacts();
  }

  function showFacts() {
    say(byId("fact-waits"), String(waits.pending().length));
    say(byId("fact-tracked"), String(registry.hub.trackedProcesses));
  }

  /** A process that is deleted while it is looked at ends its log; the list tells of that already. */
  function logFailed(error) {
    if (error.code !== "unknown_process") notice(error);
  }
}
