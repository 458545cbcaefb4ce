/** How the build for development speaks: each warning once for a page, with the section of docs/development-mode.md that says what to do. */
import { warn } from "../platform/report.js";

const given = new Set<string>();

/** Warns, unless it has warned of that. `section`: the anchor of the guide. */
export function warnOnce(words: string, section: string, of = words): void {
  if (given.has(of)) return;
  given.add(of);
  warn(`longwait: ${words}\n${__HOMEPAGE__}/development-mode#${section}`);
}
