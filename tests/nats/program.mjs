/** A script that runs in a Node process of its own. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { inRepo } from "../../scripts/lib/paths.mjs";

/**
 * Runs a script of the repository until it ends or is ended.
 *
 * - `said(words)`: resolves with all that it has printed once that has these words. Rejects where it ends without them.
 * - `kill(signal)`: sends it a signal, and resolves with `[code, signal]` of its end.
 */
export function program(file, args = [], env = {}) {
  const child = spawn("node", [inRepo(file), ...args], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  const end = () => child.kill("SIGKILL");
  process.on("exit", end);
  const ended = once(child, "close").finally(() => process.off("exit", end));
  let text = "";
  const waiting = [];
  child.stdout.setEncoding("utf8").on("data", (more) => {
    text += more;
    for (const look of waiting) look();
  });
  return {
    said: (words) =>
      new Promise((done, failed) => {
        const look = () => text.includes(words) && done(text);
        waiting.push(look);
        look();
        void ended.then(() => failed(new Error(`${file} ended and did not say "${words}", but:\n${text}`)));
      }),
    async kill(signal = "SIGKILL") {
      child.kill(signal);
      return ended;
    },
  };
}
