/** Makes and keeps DOM nodes. Data goes in as text nodes and attributes alone, so it can never become markup. */

/** An element of index.html that must be there. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** An element with attributes, and listeners by their `on…` names. Absent children are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** A code, which leads to the page about it where there is one. */
export function codeWord(code, help) {
  const word = element("code", { class: "code" }, code);
  return help ? element("a", { href: help, target: "_blank" }, word) : word;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the symbols of index.html. Beside words, never instead of them. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Shows a changing list of items as the children of `parent`.
 *
 * The node of an item that stays is kept and updated: a list that is redrawn while a person
 * is in it would take the focus and the selection away from under them.
 */
export function keyed(parent, { key, create, update }) {
  let shown = new Map();
  return (items) => {
    const before = shown;
    shown = new Map();
    for (const item of items) shown.set(key(item), before.get(key(item)) ?? create(item));
    for (const [known, node] of before) if (!shown.has(known)) node.remove();
    let place = parent.firstElementChild;
    for (const item of items) {
      const node = shown.get(key(item));
      if (node === place) place = place.nextElementSibling;
      else parent.insertBefore(node, place);
      update(node, item);
    }
  };
}

/** Replaces what a node says, unless it says it already: a live region would read it out again. */
export function say(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
