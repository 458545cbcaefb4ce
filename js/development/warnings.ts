/** How the build for development speaks: each warning once for a page, with the section of docs/development-mode.md that says what to do. */
import { warn } from "../platform/report.js";

const given = new Set<string>();

/** Warns with these words, unless it has done so. `section`: the anchor of the guide. */
export function warnOnce(words: string, section: string): void {
  if (given.has(words)) return;
  given.add(words);
  warn(`longwait: ${words}\n${__HOMEPAGE__}/development-mode#${section}`);
}
