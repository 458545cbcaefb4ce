/** From the time that a timer is due to the next line of its runner, in another tab than the one that set it and crashed. */
import { openRegistry } from "longwait";
import { anotherTab } from "../another-tab.js";
import { race } from "../harness.js";

export const needs = ["crashTab"];

/** How long it runs, in milliseconds: longer than a crash and a take-over take. */
const SPAN = 3_000;

export async function run({ rounds }) {
  const registry = await openRegistry({ name: "tabs" });
  let count = 0;
  const contenders = [
    { name: "longwait", late: () => lateAfterCrash(registry, `timer ${count++}`) },
    { name: "setTimeout, without a crash", late: lateTimeout },
  ];
  try {
    const figures = await race(contenders, rounds, ({ late }) => late());
    return [{ work: "a due timer to the next line, after a crash", figures, most: 200 }];
  } finally {
    await registry.close();
  }
}

async function lateAfterCrash(registry, id) {
  const tab = await anotherTab();
  let continued;
  const runner = async ({ sleep, process }) => {
    await sleep("timer", process.input.payload.ms);
    continued = Date.now();
  };
  const driver = registry.driver({ runners: { [id]: runner } });
  try {
    await tab.ask("drive", { kind: id, work: "sleeps" });
    await registry.registerProcess({ id, input: { type: "engine", kind: id, payload: { ms: SPAN } } });
    while ((await registry.getProcess(id)).wait?.kind !== "timer");
    driver.start();
    await tab.crash();
    await registry.awaiter.awaitTerminal(id);
    const [timer] = (await registry.eventsAfter(id, 0)).filter(({ eventType }) => eventType === "process.timer");
    if (continued === undefined) throw new Error("was not taken over");
    return continued - timer.payload.dueAtMs;
  } finally {
    await driver.stop();
    await tab.close();
  }
}

async function lateTimeout() {
  const due = Date.now() + SPAN;
  await new Promise((fire) => setTimeout(fire, SPAN));
  return Date.now() - due;
}
