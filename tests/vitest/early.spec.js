/** The test kit where fake timers were there first. */
import { expect, test, vi } from "vitest";

vi.useFakeTimers();
const { cases } = await import("../kit/cases.js");

test.each(Object.entries(cases))("%s", async (_, run) => {
  expect(setTimeout).toHaveProperty("clock");
  await run();
});
