/** Deleting the processes that have ended, after asking. */

import { byId, say } from "./dom.js";
import { announce, notice } from "./notices.js";
import { hasEnded, plural } from "./words.js";

/** Wires the button and its dialog. */
export function deletion(registry, processes) {
  const dialog = byId("clear-dialog");
  let cutoffMs = 0;

  byId("clear").addEventListener("click", () => {
    const ended = processes.newestFirst().filter(hasEnded);
    // What ends while the question is open was not asked about.
    cutoffMs = Math.max(...ended.map(({ updatedAtMs }) => updatedAtMs)) + 1;
    say(byId("clear-title"), `Delete ${plural(ended.length, "ended process", "ended processes")}?`);
    dialog.returnValue = "keep";
    dialog.showModal();
  });

  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "delete") return;
    try {
      const { prunedProcesses, prunedEvents } = await registry.pruneTerminalProcesses(cutoffMs);
      announce(`Deleted ${plural(prunedProcesses, "process", "processes")} with ${plural(prunedEvents, "event")}.`);
    } catch (error) {
      notice(error);
    }
  });
}
