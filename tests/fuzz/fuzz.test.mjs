/** A few thousand calls, in Node and in Chromium; always the same ones. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { table, words } from "./report.mjs";
import { places } from "./where.mjs";

const runs = [["node", "memory", 6_000], ["chromium", "indexeddb", 1_500], ["chromium", "memory", 1_500]];

describe("calls that chance decides are answered as the model says, and nothing traps, hangs or is left", () => {
  const open = {};
  after(() => Promise.all(Object.values(open).map(async (place) => (await place).close())));
  for (const [place, storage, calls] of runs) {
    test(`${calls} calls in ${place} on ${storage}`, async () => {
      const { fuzz } = await (open[place] ??= places[place]());
      const run = await fuzz({ seed: 1, calls, storage });
      assert.equal(run.failure && words(run.failure, place === "node" ? "" : ` --browser ${place}`), undefined);
      assert.ok(run.made >= calls, table(run));
    });
  }
});
