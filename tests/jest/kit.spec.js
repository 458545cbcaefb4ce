/** The test kit under Jest with jsdom: as it comes, and with its fake timers. */
import { jest } from "@jest/globals";
import { cases, measured } from "../kit/cases.js";

describe.each(["real timers", "fake timers"])("with %s", (timers) => {
  beforeEach(() => void (timers === "fake timers" && jest.useFakeTimers()));
  afterEach(() => void jest.useRealTimers());
  test.each(Object.entries(cases))("%s", (name, run) => measured(name, run, `Jest, jsdom, ${timers}`));
});
