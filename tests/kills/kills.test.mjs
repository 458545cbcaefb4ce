/** Whatever dies, every process ends, and each step of it was done once: in real tabs of a real browser. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { site } from "../tabs/site.mjs";
import { KINDS, kindOf, seeds } from "./plan.mjs";
import { keep, round } from "./round.mjs";

describe("every process ends, no step is recorded twice, and no two fences write interleaved", () => {
  const histories = [];
  let served;
  before(async () => {
    served = await site();
  });
  after(async () => {
    await served.close();
    keep(histories);
  });

  for (const seed of seeds(KINDS.length + 1))
    test(`when what dies is: ${kindOf(seed)} (LONGWAIT_SEED=${seed})`, async () => {
      const done = await round(seed, served.url);
      histories.push(...done.histories);
      assert.deepEqual(done.violations, []);
      assert.ok(done.takeovers > 0, "no tab took over, so that the round proves nothing");
      assert.ok(done.chunks > 0 && done.attached > 0, "no stream and no attachment, which proves nothing");
    });
});
