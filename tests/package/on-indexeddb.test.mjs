/** On an IndexedDB that is no browser's, in a host without `navigator`, a registry does what it does in memory. */
import { describe } from "node:test";

process.env.STORAGE = "indexeddb";

describe("on fake-indexeddb", async () => {
  await import("./surface.test.mjs");
  await import("./sink.test.mjs");
  await import("./waits.test.mjs");
  await import("./patterns.test.mjs");
  await import("./policy.test.mjs");
  await import("./definitions.test.mjs");
  await import("./handles.test.mjs");
  await import("./states.test.mjs");
});
