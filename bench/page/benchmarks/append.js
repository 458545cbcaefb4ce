/** Appends to one process: one at a time, and many at once. The floor is there twice, also with the indexes that longwait has. */
import { indexed, name as bare } from "../contenders/bare.js";
import { contenders, withContenders } from "../contenders/index.js";
import { each, inFlight, payload, race } from "../harness.js";

export function run({ rounds, quick }) {
  return withContenders(
    async (logs) => {
      for (const { log } of logs) await log.register("p");
      const append = (log) => (n) => log.append("p", payload(n));
      const [few, many] = quick ? [50, 250] : [200, 1000];
      return [
        {
          work: "append, one at a time",
          figures: await race(logs, rounds, ({ log }) => each(few, append(log))),
          atMost: { [bare]: 1.25, [indexed.name]: 1.25 },
        },
        {
          work: "append, 50 in flight",
          figures: await race(logs, rounds, ({ log }) => inFlight(many, 50, append(log))),
        },
      ];
    },
    [...contenders, indexed],
  );
}
