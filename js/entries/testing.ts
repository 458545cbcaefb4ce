/**
 * Tests of an app's processes, in Node with Vitest, Jest or any other runner: tabs that crash, freeze and lose their hints, and days that pass
 * in milliseconds. What runs in them is what the package ships, over the fakes that longwait is tested with.
 *
 * @module
 */
import { createWorld } from "../testing/world.js";
import type { TestWorld, WorldOptions } from "../types/testing.js";

export type * from "../types/testing.js";

/**
 * Makes a world: tabs that share processes and time. Time passes while the test waits for longwait, as for `handle.result()` or
 * `world.untilWaiting()`, and every run waits for longwait alone; and by `world.clock.advance()`. While user code is under way, it stands still.
 *
 * @throws ProcessError `invalid_argument`.
 */
export async function createTestWorld(options: WorldOptions): Promise<TestWorld> {
  const { world } = await createWorld(options);
  return world;
}
