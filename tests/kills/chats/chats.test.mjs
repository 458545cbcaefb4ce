/** Whatever tab dies in the middle of an answer: every reader has each word of it once, and no tool is run behind its record. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { site } from "../../tabs/site.mjs";
import { seeds } from "../plan.mjs";
import { deathOf, momentOf, MOMENTS } from "./plan.mjs";
import { round } from "./round.mjs";

describe("an answer is read once, whole, and no tool is run twice", () => {
  let served;
  before(async () => {
    served = await site();
  });
  after(() => served.close());

  // Each of another moment and, mostly, another death.
  for (const seed of seeds(MOMENTS.length).map((n) => 1 + (((n - 1) * (MOMENTS.length + 1)) % 20)))
    test(`when a tab dies by ${deathOf(seed)} in the ${momentOf(seed)} (LONGWAIT_SEED=${seed})`, async () => {
      const { violations } = await round(seed, served.url);
      assert.deepEqual(violations, []);
    });
});
