/** Forced collections in Chromium. */
import { chromiumFlags } from "../../scripts/setup/browsers.mjs";
import { forget } from "./forget.mjs";

/** How Chromium is launched for them: its pages have a global `gc`. */
export const collecting = { args: [...chromiumFlags, "--js-flags=--expose-gc"] };

/** {@link forget} in a tab, over IndexedDB. */
export function forgetInTab(tab, options, count) {
  const work = ([source, options, count]) =>
    new Function(`return ${source}`)()({ openRegistry: globalThis.longwait.openRegistry, gc: globalThis.gc, options, count });
  return tab.run(work, [String(forget), options, count]);
}
