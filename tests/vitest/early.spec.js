/** The test kit where fake timers were there first. */
import { expect, test, vi } from "vitest";

vi.useFakeTimers();
const { cases, measured } = await import("../kit/cases.js");

test.each(Object.entries(cases))("%s", async (name, run) => {
  expect(setTimeout).toHaveProperty("clock");
  await measured(name, run, "Vitest, fake timers from the start");
});
