/** JSON as people type it and as the page shows it. */

import { element } from "./dom.js";
import { FieldFault } from "./form.js";

/** Longer than this, a value is folded; the style cuts what does not fit its line. */
const LINE = 72;

/** What a field holds, as JSON; an empty one is null. */
export function readJson(fields, name) {
  const text = fields[name].trim();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FieldFault(name, `This is not JSON: ${error.message}`);
  }
}

/** A value on one line, or folded behind its beginning. */
export function showJson(value) {
  const line = JSON.stringify(value);
  if (line.length <= LINE) return element("code", { class: "json" }, line);
  return element(
    "details",
    { class: "json" },
    element("summary", {}, element("code", {}, line.slice(0, 4 * LINE))),
    element("pre", {}, JSON.stringify(value, null, 2)),
  );
}
