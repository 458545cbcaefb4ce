/** Tests of an app as a user writes them, and mistakes that the types must catch. Compiling this file is the test. */
import { defineProcess } from "../../js/entries/index.js";
import { createTestWorld, type StepMock, type TestTab, type TestWorld } from "../../js/entries/testing.js";

const orders = defineProcess<{ item: string }, string>({ kind: "order" });
const work = orders.implement(({ input }) => input.item);

export async function worlds(): Promise<string> {
  const world: TestWorld = await createTestWorld({
    processes: [work],
    runners: { other: ({ step }) => step("one", () => 1) },
    seed: 7,
    start: new Date(0),
    driver: { concurrency: 3, leaseTtlMs: 10_000 },
    retention: { completedMs: 1 },
  });
  const tab: TestTab = await world.tab();
  const order = await tab.registry.start(orders, { item: "tea" });
  await world.clock.advance("1h 30m");
  await world.clock.advance(world.clock.now());
  const { wait } = await world.untilWaiting(order.id, "approval", { timeoutMs: 10 });
  if (wait?.kind === "timer") await tab.registry.signal(order.id, wait.key);
  await world.untilIdle();
  tab.freeze();
  tab.thaw();
  tab.crash();
  world.partition();
  world.heal();
  await using _other = await world.tab();
  return world.registry.handle(orders, order.id).result();
}

export function mocks(world: TestWorld): StepMock[] {
  world.mockStep({ kind: "order", key: "send" }, new Error("no")).restore();
  return [
    world.mockStep("send", { at: 1, list: [null, "a"] }),
    world.mockStep("send", ({ attempt, idempotencyKey, signal }) => (signal.aborted ? undefined : `${attempt} ${idempotencyKey}`)),
    world.mockStep("send", async (step, original) => [(await original(step)) ?? null]),
  ];
}

export async function mistakes(world: TestWorld, tab: TestTab): Promise<void> {
  // @ts-expect-error: a misspelt option
  await createTestWorld({ process: [work] });
  // @ts-expect-error: what a tab runs is the world's to say
  await createTestWorld({ runners: {}, driver: { processes: [work] } });
  // @ts-expect-error: a step returns JSON
  world.mockStep("send", () => 10n);
  // @ts-expect-error: a name alone is no step of a kind
  world.mockStep({ kind: "order" }, 1);
  // @ts-expect-error: an item is missing
  await tab.registry.start(orders, {});
  // @ts-expect-error: it is read, not set
  world.seed = 3;
}
