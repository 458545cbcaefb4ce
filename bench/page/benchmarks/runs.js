/** From the trigger of a run to its awaited result: a job of one step, one at a time, through our driver and through durably. */
import { openRegistry } from "longwait";
import * as durably from "../contenders/durably.js";
import { each, race } from "../harness.js";

/** As its documentation has it; and as often as a timer can, which it does not advise, to see what it does without its waiting. */
const POLLED = [100, 1];

export async function run({ rounds, quick }) {
  const ours = await driven();
  const peers = await Promise.all(POLLED.map(polled));
  const documented = peers[0].name;
  let count = 0;
  const figures = await race([ours, ...peers], rounds, async ({ run, resume, pause }) => {
    await resume();
    const mean = await each(quick ? 5 : 20, async () => {
      const n = count++;
      if ((await run(n)) !== n * 2) throw new Error("another result");
    });
    await pause();
    return mean;
  });
  for (const { close } of [ours, ...peers]) await close();
  return [{ work: "run of one step, trigger to result", figures, atMost: { [documented]: 1 / 5 } }];
}

async function driven() {
  const registry = await openRegistry({ name: "runs" });
  const runners = { job: ({ process, step }) => step("double", () => process.input.payload * 2) };
  const driver = registry.driver({ runners });
  return {
    name: "longwait",
    async run(n) {
      const { id } = await registry.registerProcess({ id: `run ${n}`, input: { type: "engine", kind: "job", payload: n } });
      return (await driver.awaitTerminal(id)).value;
    },
    resume: () => driver.start(),
    pause: () => driver.stop(),
    close: () => registry.close(),
  };
}

async function polled(interval) {
  const opened = await durably.open(`durably ${interval}`, interval);
  const storage = await opened.storage();
  if (storage !== "opfs") throw new Error(`durably would keep its data in ${storage}`);
  return { ...opened, name: `durably, polling every ${interval} ms` };
}
