/** From an append in one client to the wait of another one, beside the bare client with a consumer. Both clients are in one thread, of one clock. */
import { payload, race } from "../page/harness.js";
import { onServers } from "./lib/setting.mjs";

export const run = ({ rounds, quick, dist }) =>
  onServers(dist, ["one", "three", "far"], (stage) => measured(stage, rounds, quick ? 25 : 50));

async function measured(stage, rounds, times) {
  const contenders = [await ours(stage)];
  contenders.push(await bare(stage, await stage.lastBody("waits")));
  const figures = await race(contenders, rounds, async ({ wait, append }) => {
    let sum = 0;
    for (let n = 0; n < times; n++) {
      const { woken } = await wait();
      const start = performance.now();
      const at = woken.then(() => performance.now());
      await append(n);
      sum += (await at) - start;
    }
    return sum / times;
  });
  return [{ work: `append in one client to a wait in another, ${stage.name}`, figures, atMost: 1.5 }];
}

async function ours(stage) {
  const [appending, waiting] = [await stage.registry("waits"), await stage.registry("waits")];
  const append = (n) => appending.appendEvent("p", { eventType: "progress", payload: payload(n) });
  await appending.registerProcess({ id: "p", input: { type: "external" }, eventTypes: [{ name: "progress" }] });
  let { sequence } = (await append(0)).event;
  return {
    name: "longwait",
    async wait() {
      const woken = waiting.awaitEvent("p", "progress", sequence++);
      // Its first look is over once a read that was asked for later has been answered.
      await waiting.eventsAfter("p", sequence);
      return { woken };
    },
    append,
  };
}

async function bare(stage, bytes) {
  const [appending, waiting] = [await stage.bare("BARE_waits", bytes), await stage.bare("BARE_waits", bytes)];
  await waiting.listen();
  await appending.register("p");
  return {
    name: "bare client",
    wait: async () => ({ woken: waiting.next("p") }),
    append: (n) => appending.append("p", payload(n)),
  };
}
