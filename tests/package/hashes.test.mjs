/** Registration hashes never change: with another one, a process that is registered again would be a conflict. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fixture, versions } from "../fixtures/fixtures.mjs";
import { registrations } from "../fixtures/scene.mjs";
import { open } from "./registry.mjs";

for (const version of versions)
  test(`registrations hash as they did in version ${version}`, async (t) => {
    const registry = await open(t);
    const hashes = {};
    for (const registration of registrations) hashes[registration.id] = (await registry.registerProcess(registration)).registrationHash;
    const { job, ...golden } = fixture(version).hashes;
    assert.deepEqual(hashes, golden);
    const { registrationHash } = await registry.registerProcess({ id: "job", input: { type: "engine", kind: "job", payload: "paper" } });
    assert.equal(registrationHash, job);
  });
