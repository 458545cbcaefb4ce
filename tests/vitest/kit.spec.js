/** The test kit under Vitest: as it comes, with its fake timers, and in documents that are not real. */
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { cases } from "../kit/cases.js";

describe.each([["real timers"], ["fake timers"]])("with %s", (timers) => {
  beforeEach(() => void (timers === "fake timers" && vi.useFakeTimers()));
  afterEach(() => void vi.useRealTimers());
  test.each(Object.entries(cases))("%s", async (_, run) => {
    await run();
  });
});
