/** What must hold of a report of the demo page (www/report-job.js) that has ended, in whichever process it ran. */

import assert from "node:assert/strict";

/** Its log has no gap, and each of its steps once. */
export function isWhole(log) {
  assert.deepEqual(
    log.map(({ sequence }) => sequence),
    log.map((_, index) => index + 1),
  );
  const steps = log.filter(({ eventType }) => eventType === "process.step").map(({ payload }) => payload.key);
  assert.deepEqual(steps, ["fetch orders", "attach report", "publish"]);
  assert.equal(log.at(-1).eventType, "process.completed");
}
