/** The notices for code of others, which their licences ask for. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { file, notices } from "../../scripts/third-party.mjs";

test("THIRD_PARTY.md names everything that is built in (else run: node scripts/third-party.mjs)", async () => {
  assert.equal(readFileSync(file, "utf8"), await notices());
});
