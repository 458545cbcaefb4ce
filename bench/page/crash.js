/** What is measured from the crash of another tab on, beside the bare hand-over of a Web Lock. */
import { anotherTab } from "./another-tab.js";
import { race } from "./harness.js";

/**
 * Each time `begin(tab, id)` resolves with what is to be done here, begun before the crash and over after it. Answers the
 * figures: its own first.
 */
export function raceAfterCrash(rounds, begin) {
  let count = 0;
  const contenders = [
    { name: "longwait", begin },
    {
      name: "bare Web Lock",
      async begin(tab, id) {
        await tab.ask("lock", id);
        return () => navigator.locks.request(id, () => {});
      },
    },
  ];
  return race(contenders, rounds, async ({ begin }) => {
    const tab = await anotherTab();
    try {
      const done = (await begin(tab, `process ${count++}`))();
      const start = performance.now();
      await tab.crash();
      await done;
      return performance.now() - start;
    } finally {
      await tab.close();
    }
  });
}
