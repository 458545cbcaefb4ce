/** What becomes of a commit, by the answers of a server: they are made up here, one for each time that it is sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "../package/bundled.mjs";

const { store, Failed } = await importSource("js/nats/publish.ts", "js/nats/fault.ts");

const lost = Object.assign(new Error("timeout"), { name: "TimeoutError" });
const stored = { seq: 7 };
const refusal = (err_code, code = 400) => ({ seq: 0, error: { code, err_code, description: `error ${err_code}` } });
const [other, undecided, incomplete, full, electing] = [10071, 10164, 10176, 10047, 10008].map((code) =>
  refusal(code, code === 10008 ? 503 : 400),
);

/** Sends one message to a server that gives these answers, and says what came of it. `landed` is what is found where that is looked for. */
async function outcome(answers, landed) {
  let asked = 0;
  const link = {
    live: async () => ({}),
    request: async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return { string: () => JSON.stringify(answer) };
    },
  };
  const hasLanded = async () => {
    asked++;
    if (landed instanceof Error) throw landed;
    return landed;
  };
  const messages = [{ subject: "s", body: "", condition: { subjects: "s", last: 1 } }];
  const became = await store(link, messages, "w", 1, { hasLanded }).catch(({ how, code }) => `${how} ${code}`);
  assert.deepEqual(answers, [], "not all answers were asked for");
  return [became, asked];
}

test("a commit is stored, or raced with another one", async () => {
  assert.deepEqual(await outcome([stored]), [7, 0]);
  assert.deepEqual(await outcome([other]), ["raced conflict", 0]);
});

test("a commit whose answer was lost is sent again, and what is stored says whose it is where that is refused", async () => {
  assert.deepEqual(await outcome([lost, stored]), [7, 0]);
  assert.deepEqual(await outcome([lost, other], true), [undefined, 1]);
  assert.deepEqual(await outcome([lost, other], false), ["raced conflict", 1]);
  assert.deepEqual(await outcome([lost, other], undefined), ["unsettled disconnected", 1]);
});

test("while a server cannot say which commit comes first, nothing is looked for and nothing is refused", async () => {
  assert.deepEqual(await outcome([undecided, undecided, stored]), [7, 0]);
  assert.deepEqual(await outcome([undecided, other]), ["raced conflict", 0]);
  assert.deepEqual(await outcome([lost, undecided, other], true), [undefined, 1]);
});

test("a batch that was dropped was not stored, and one that a new leader does not take may have been", async () => {
  assert.deepEqual(await outcome([incomplete, other]), ["raced conflict", 0]);
  assert.deepEqual(await outcome([electing, other], true), [undefined, 1]);
});

test("what is refused was not stored, and what may have been by a try before is not refused", async () => {
  assert.deepEqual(await outcome([full]), ["refused quota_exceeded", 0]);
  assert.deepEqual(await outcome([refusal(10099)]), ["refused storage_failed", 0]);
  assert.deepEqual(await outcome([lost, full]), ["unsettled disconnected", 0]);
  assert.deepEqual(await outcome([lost, refusal(10099)]), ["unsettled disconnected", 0]);
  for (const how of ["unopened", "refused"])
    assert.deepEqual(await outcome([lost, other], new Failed(how, "disconnected", "")), ["unsettled disconnected", 1]);
});
