/** A registry that is traced does what the one below does. */
import { describe } from "node:test";

process.env.TRACED = "yes";

describe("traced", async () => {
  await import("./surface.test.mjs");
  await import("./waits.test.mjs");
  await import("./steps.test.mjs");
  await import("./driver.test.mjs");
  await import("./patterns.test.mjs");
  await import("./policy.test.mjs");
  await import("./definitions.test.mjs");
  await import("./handles.test.mjs");
  await import("./states.test.mjs");
  await import("./streams.test.mjs");
  await import("./forks.test.mjs");
});
