/** Reads of one row: a process, and the result of one that has ended. */
import { withContenders } from "../contenders/index.js";
import { each, race } from "../harness.js";

export function run({ rounds, quick }) {
  return withContenders(async (logs) => {
    for (const { log } of logs) {
      await log.register("running");
      await log.register("ended");
      await log.end("ended", { pages: 12 });
    }
    const times = quick ? 100 : 500;
    return [
      {
        work: "read one process",
        figures: await race(logs, rounds, ({ log }) => each(times, () => log.read("running"))),
      },
      {
        work: "await a process that has ended",
        figures: await race(logs, rounds, ({ log }) => each(times, () => log.result("ended"))),
        atMost: 1.5,
      },
    ];
  });
}
