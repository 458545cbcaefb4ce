/** Times in words that stay true: relative ones on the page, the exact one on hover. */

import { element, say } from "./dom.js";
import { plural } from "./words.js";

const SECOND = 1000;
const units = [
  ["day", 24 * 3600 * SECOND],
  ["hour", 3600 * SECOND],
  ["minute", 60 * SECOND],
  ["second", SECOND],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

const unitOf = (ms) => units.find(([, length]) => Math.abs(ms) >= length) ?? units.at(-1);

/** A `<time>` that says "3min ago" or "in 20s" and is kept up to date while it is on the page. */
export function time(atMs) {
  const at = new Date(atMs);
  const node = element("time", { datetime: at.toISOString(), title: exact.format(at) });
  refresh(node);
  return node;
}

function refresh(node) {
  const ms = Date.parse(node.dateTime) - Date.now();
  const [unit, length] = unitOf(ms);
  say(node, relative.format(Math.trunc(ms / length), unit));
}

/** Calls back once a second while the page can be seen, after its times are brought up to date. */
export function everySecond(then) {
  const tick = () => {
    if (document.hidden) return;
    for (const node of document.querySelectorAll("time")) refresh(node);
    then();
  };
  setInterval(tick, SECOND);
  document.addEventListener("visibilitychange", tick);
}

/** A measured duration: "40 ms", "3.2 s", "2 minutes". */
export function duration(ms) {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  const [unit, length] = unitOf(ms);
  return unit === "second" ? `${(ms / SECOND).toFixed(1)} s` : plural(Math.trunc(ms / length), unit);
}
