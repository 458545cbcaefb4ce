/** How long ended processes are kept, through the built package. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { external, isProcessError, open, openRegistry, success } from "./registry.mjs";

const failure = { type: "failure", class: "execution", code: "c", message: "m" };

describe("retention", () => {
  test("has a started driver prune what ended longer ago, by how it ended", async (t) => {
    const registry = await open(t, { storage: "memory", retention: { completedMs: 0, failedMs: 60_000 } });
    for (const id of ["completed", "failed", "runs"]) await registry.registerProcess(external(id));
    await registry.completeProcess("failed", failure);
    const { updatedAtMs } = await registry.completeProcess("completed", success(1));
    while (Date.now() <= updatedAtMs);
    const driver = registry.driver({ runners: { job: () => {} } });
    await driver.claimAndRunPending();
    assert.equal(await registry.countProcesses({ status: "any" }), 3);
    const pruned = registry.awaitEvent("completed", "process.cancel_requested");
    driver.start();
    await assert.rejects(pruned, (error) => isProcessError(error, "unknown_process"));
    assert.deepEqual(
      (await registry.listProcesses({ status: "any" })).map(({ id }) => id),
      ["failed", "runs"],
    );
  });

  test("of another shape is refused by its path", async () => {
    for (const [retention, path] of [
      [7, "options.retention"],
      [{ completedMs: -1 }, "options.retention.completedMs"],
      [{ failedMs: 0.5 }, "options.retention.failedMs"],
      [{ cancelledMs: "1" }, "options.retention.cancelledMs"],
      [{ days: 1 }, "options.retention.days"],
    ])
      await assert.rejects(openRegistry({ storage: "memory", retention }), (error) => {
        assert.ok(isProcessError(error, "invalid_argument"), error?.message);
        assert.ok(error.message.startsWith(`${path}: `), error.message);
        return true;
      });
  });
});
