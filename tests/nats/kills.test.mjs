/** Whatever fails, what was acknowledged is there once: clients of a cluster of three write and drive while servers, links and clients fail. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { keep } from "../kills/round.mjs";
import { HISTORY, seeds } from "./kills/plan.mjs";
import { ground, round } from "./kills/round.mjs";

describe("what was acknowledged is there once, logs are dense, and each fence has one holder, when servers, links and clients fail", () => {
  const histories = [];
  let all;
  before(async () => {
    all = await ground();
  });
  after(async () => {
    await all.close();
    keep(histories, HISTORY);
  });

  for (const seed of seeds(2))
    test(`in the order of LONGWAIT_SEED=${seed}`, async (t) => {
      const done = await round(seed, all);
      histories.push(...done.histories);
      t.diagnostic(
        `${done.faults.map(({ kind }) => kind).join(", ")}: ${done.acknowledged} acknowledged, longest stall ${done.stallMs} ms`,
      );
      assert.deepEqual(done.violations, [], `recorded in ${done.folder}`);
      assert.ok(done.acknowledged > 0 && done.fences > 0, "nothing was written, which proves nothing");
    });
});
