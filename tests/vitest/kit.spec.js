/** The test kit under Vitest: as it comes, and with its fake timers. */
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { cases, measured } from "../kit/cases.js";

describe.each(["real timers", "fake timers"])("with %s", (timers) => {
  beforeEach(() => void (timers === "fake timers" && vi.useFakeTimers()));
  afterEach(() => void vi.useRealTimers());
  test.each(Object.entries(cases))("%s", (name, run) => measured(name, run, `Vitest, ${timers}`));
});
