/** The list of processes: one of them is selected, and arrow keys move through it. */

import { byId, element, icon, keyed, say } from "./dom.js";
import { time } from "./time.js";
import { hasEnded, plural, stateOf } from "./words.js";

/** More rows than this are of no use; the filter is. */
const MOST = 200;

/**
 * Shows records whenever it is called with them. `select(id)` is told of a process that the keys have moved to,
 * `open(id)` of one that was chosen to work with.
 */
export function processList({ select, open }) {
  const list = byId("process-list");
  const filter = byId("filter");
  const show = keyed(list, { key: ({ id, createdAtMs }) => `${createdAtMs} ${id}`, create, update });
  let records = [];
  let selected;
  let known = false;

  filter.addEventListener("change", draw);
  list.addEventListener("click", ({ target }) => {
    const row = target.closest("li");
    if (row) open(row.dataset.id);
  });
  list.addEventListener("keydown", (key) => {
    const row = key.target.closest("li");
    if (!row || key.ctrlKey || key.metaKey || key.altKey) return;
    const move = {
      ArrowDown: row.nextElementSibling,
      ArrowUp: row.previousElementSibling,
      Home: list.firstElementChild,
      End: list.lastElementChild,
    };
    if (key.key === "Enter" || key.key === " ") open(row.dataset.id);
    else if (move[key.key]) {
      move[key.key].focus();
      select(move[key.key].dataset.id);
    } else return;
    key.preventDefault();
  });

  function create({ id, identity: { kind, label } }) {
    const [name, below] = label === undefined ? [element("code", {}, id), kind] : [label, element("code", {}, id)];
    return element(
      "li",
      { role: "option", "data-id": id },
      element("span", { class: "row-name" }, name),
      element("span", { class: "state" }),
      element("span", { class: "row-below" }, below),
      element("span", { class: "row-time" }),
    );
  }

  function update(row, record) {
    row.setAttribute("aria-selected", String(record.id === selected));
    const state = stateOf(record);
    const version = `${state} ${record.updatedAtMs}`;
    if (row.dataset.version === version) return;
    row.dataset.version = version;
    showState(row.querySelector(".state"), state);
    row.querySelector(".row-time").replaceChildren(time(record.updatedAtMs));
  }

  function draw() {
    const fits = records.filter((record) => filter.value === "all" || stateOf(record) === filter.value);
    const rows = fits.slice(0, MOST);
    show(rows);
    // One stop for the Tab key: the selected row, else the first.
    const stop = rows.find(({ id }) => id === selected) ?? rows[0];
    for (const row of list.children) row.tabIndex = row.dataset.id === stop?.id ? 0 : -1;
    say(byId("process-count"), String(records.length || ""));
    byId("clear").hidden = !records.some(hasEnded);
    list.hidden = rows.length === 0;
    byId("no-processes").hidden = rows.length > 0 || !known;
    say(
      byId("no-processes"),
      records.length === 0
        ? "No processes yet. Start one above."
        : `None of ${plural(records.length, "process", "processes")} is ${filter.value}.`,
    );
    byId("more-processes").hidden = fits.length <= MOST;
    say(byId("more-processes"), `and ${fits.length - MOST} older ones`);
  }

  return {
    show(newRecords, newSelected) {
      [records, selected, known] = [newRecords, newSelected, true];
      draw();
    },
    focus: () => list.querySelector("[tabindex='0']")?.focus(),
  };
}

/** A state as a sign and a word. */
export function showState(node, state) {
  if (node.dataset.state === state) return;
  node.dataset.state = state;
  node.replaceChildren(icon(state), state);
}
