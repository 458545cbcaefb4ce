/** Whatever tab dies in the middle of an answer: every reader has each word of it once, and no tool is run behind its record. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { site } from "../../tabs/site.mjs";
import { seeds } from "../plan.mjs";
import { deathOf, momentOf } from "./plan.mjs";
import { round } from "./round.mjs";

/** Of each moment one, and of each death; or those that the environment asks for. */
const chosen = process.env.LONGWAIT_SEED === undefined && process.env.LONGWAIT_ROUNDS === undefined ? [1, 7, 13, 19, 5] : seeds(1);

describe("an answer is read once, whole, and no tool is run twice", () => {
  let served;
  before(async () => {
    served = await site();
  });
  after(() => served.close());

  for (const seed of chosen)
    test(`when a tab dies by ${deathOf(seed)} in the ${momentOf(seed)} (LONGWAIT_SEED=${seed})`, async () => {
      const { violations } = await round(seed, served.url);
      assert.deepEqual(violations, []);
    });
});
