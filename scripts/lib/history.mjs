/** What browsers did, judged by the checker of the simulation: tests/history/main.rs. */

import { attempt } from "./run.mjs";

/** Judges a file of histories; answers as `attempt` does. */
export const checkHistory = (file, options = {}) =>
  attempt("cargo", ["test", "--test", "history"], { ...options, env: { LONGWAIT_HISTORY: file } });
