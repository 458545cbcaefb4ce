/** From a change in this tab to a waiter in another one, beside what a page does by hand. */
import { openRegistry } from "longwait";
import { anotherTab } from "../another-tab.js";
import { open } from "../contenders/bare.js";
import { race } from "../harness.js";

export const needs = ["openTab"];

export async function run({ rounds, quick }) {
  const times = quick ? 20 : 60;
  const tab = await anotherTab();
  const registry = await openRegistry({ name: "tabs" });
  const bare = await open("tabs bare");
  const hints = new BroadcastChannel("tabs bare hints");
  try {
    const offset = await tab.clockOffset();
    let count = 0;
    const mean = async (begin) => {
      let sum = 0;
      for (let n = 0; n < times; n++) sum += await begin(`process ${count++}`);
      return sum / times;
    };
    const contenders = [
      {
        name: "longwait",
        async once(id) {
          await registry.registerProcess({ id, input: { type: "external" } });
          return tab.woken("awaitTerminal", id, () => registry.completeProcess(id, { type: "success", value: null }), offset);
        },
      },
      {
        name: "bare IndexedDB and BroadcastChannel",
        async once(id) {
          await bare.register(id);
          const change = async () => {
            await bare.end(id, null);
            hints.postMessage(id);
          };
          return tab.woken("awaitBare", id, change, offset);
        },
      },
    ];
    return [{ work: "end here to promise in another tab", figures: await race(contenders, rounds, ({ once }) => mean(once)), atMost: 1.5 }];
  } finally {
    hints.close();
    await bare.close();
    await registry.close();
    await tab.close();
  }
}
