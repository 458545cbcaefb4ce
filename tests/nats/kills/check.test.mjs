/** The checker of the kill rounds finds what it is there for, in histories of a few lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { longestStall, wrongsOf } from "./check.mjs";

/** Lines of one write. `how` is what it was refused with, `null` where it got no answer, or its answer. */
function write(n, what, how = {}) {
  const [client, begun] = ["one", { client: what.client ?? "one", at: n, n, is: "begun", ...what }];
  const answer = { client: what.client ?? client, at: n, n };
  if (how === null) return [begun];
  return [begun, typeof how === "string" ? { ...answer, is: "refused", code: how } : { ...answer, is: "acknowledged", ...how }];
}

const running = { status: { state: "running" } };
const event = (sequence, payload, semantics = {}) => ({ sequence, payload, semantics });

/** What is found where there are these processes. */
function found(processes, { sessions = {}, listed } = {}) {
  const known = Object.entries(processes).map(([id, one]) => [id, { record: running, events: [], ...one }]);
  return { processes: new Map(known), sessions: new Map(Object.entries(sessions)), listed: listed ?? Object.keys(processes) };
}

/** The kinds of what is wrong, each once. */
const kinds = (lines, there) => [...new Set(wrongsOf(lines.flat(), there).map(({ kind }) => kind))];

const append = (token, more) => ({ op: "append", id: "p", token, ...more });
const log = (...payloads) => found({ p: { events: payloads.map((payload, n) => event(n + 1, payload)) } });

test("a history whose writes are all there is found right", () => {
  const lines = [write(1, { op: "register", id: "p" }), write(2, append("a"), { sequence: 1 }), write(3, append("b"), "disconnected")];
  assert.deepEqual(wrongsOf(lines.flat(), log({ token: "a" })), []);
  assert.deepEqual(wrongsOf(lines.flat(), log({ token: "a" }, { token: "b" })), []);
});

test("an acknowledged write that is not there is lost", () => {
  assert.deepEqual(kinds([write(1, append("a"), { sequence: 1 })], log()), ["lost"]);
  assert.deepEqual(kinds([write(1, { op: "register", id: "q" })], found({})), ["lost"]);
  assert.deepEqual(kinds([write(1, { op: "end", id: "p", token: "v" })], log()), ["lost"]);
  const granted = [write(1, { op: "grant", id: "p", session: "s" })];
  assert.deepEqual(kinds(granted, found({ p: {} }, { sessions: { s: [] } })), ["lost"]);
  assert.deepEqual(kinds([write(1, { op: "attach", id: "p", token: "a", size: 9 })], found({ p: {} })), ["lost"]);
});

test("a write that is there twice is doubled, whatever its answer was", () => {
  for (const how of [{ sequence: 1 }, "disconnected", null])
    assert.deepEqual(kinds([write(1, append("a"), how)], log({ token: "a" }, { token: "a" })), ["doubled"]);
});

test("a write with a replay key is one write however often it was tried", () => {
  const keyed = append("a", { op: "keyed" });
  const tries = [write(1, keyed, "disconnected"), write(2, keyed, { sequence: 1 })];
  assert.deepEqual(kinds(tries, log({ token: "a" })), []);
  assert.deepEqual(kinds(tries, log()), ["lost"]);
  assert.deepEqual(kinds(tries, log({ token: "a" }, { token: "a" })), ["doubled"]);
});

test("a refused write that is there, and one at another place than it was said, are wrong", () => {
  assert.deepEqual(kinds([write(1, append("a"), "conflict")], log({ token: "a" })), ["other"]);
  assert.deepEqual(kinds([write(1, append("a"), { sequence: 2 })], log({ token: "a" })), ["other"]);
});

test("a refusal that no fault explains is wrong", () => {
  assert.deepEqual(kinds([write(1, append("a"), "storage_failed")], log()), ["other"]);
  assert.deepEqual(kinds([write(1, append("a"), "lease_lost")], log()), ["other"]);
  assert.deepEqual(kinds([write(1, append("a", { op: "fenced", fence: 1 }), "lease_lost")], log()), []);
});

test("a log with a gap is found", () => {
  assert.deepEqual(kinds([], found({ p: { events: [event(1), event(3)] } })), ["gap"]);
});

test("one of two processes that were registered together is wrong", () => {
  const pair = { op: "pair", id: "p", other: "q" };
  const both = { p: {}, q: {} };
  assert.deepEqual(kinds([write(1, pair, null)], found(both)), []);
  assert.deepEqual(kinds([write(1, pair, null)], found({ p: {} })), ["other"]);
  assert.deepEqual(kinds([write(1, pair)], found({})), ["lost"]);
});

test("of what replaces one another, the last that was acknowledged is there, or one after it of which nothing is known", () => {
  const attach = (token) => ({ op: "attach", id: "p", token, size: 9 });
  const lines = [write(1, attach("a")), write(2, attach("b")), write(3, attach("c"), "disconnected"), write(4, attach("d"), null)];
  for (const [token, kind] of [
    ["a", ["lost"]],
    ["b", []],
    ["c", []],
    ["d", []],
  ])
    assert.deepEqual(kinds(lines, found({ p: { kept: { token, size: 9 } } })), kind, token);
  assert.deepEqual(kinds(lines, found({ p: { kept: { token: "b", size: 8 } } })), ["lost"]);
});

test("a fence of two holders, and a write of a fence behind one of a higher fence, are found", () => {
  const claim = (n, client) => write(n, { op: "claim", id: "p", client }, { fence: 1 });
  assert.deepEqual(kinds([claim(1, "one"), claim(1, "two")], log()), ["fence"]);
  assert.deepEqual(kinds([], log({ fence: 2, client: "one" }, { fence: 1, client: "two" })), ["fence"]);
  assert.deepEqual(kinds([], log({ fence: 2, client: "one" }, { fence: 2, client: "two" })), ["fence"]);
});

test("a process that was deleted and is there is wrong, and what was written to one that is gone is not looked for", () => {
  const lines = [write(1, { op: "register", id: "p" }), write(2, append("a"), { sequence: 1 })];
  const deletion = (how) => [...lines, write(3, { op: "delete", id: "p" }, how)];
  assert.deepEqual(kinds(deletion(), found({})), []);
  assert.deepEqual(kinds(deletion(), log({ token: "a" })), ["lost"]);
  assert.deepEqual(kinds(deletion("disconnected"), found({})), []);
  assert.deepEqual(kinds(deletion("disconnected"), log({ token: "a" })), []);
  assert.deepEqual(kinds(deletion("disconnected"), log()), ["lost"]);
  assert.deepEqual(kinds(deletion("conflict"), found({})), ["other"]);
});

test("a list that has a process twice, or not, is wrong", () => {
  assert.deepEqual(kinds([], found({ p: {} }, { listed: [] })), ["other"]);
  assert.deepEqual(kinds([], found({ p: {} }, { listed: ["p", "p"] })), ["doubled"]);
});

test("what a client did not catch, and what it reports without a code, is wrong", () => {
  assert.deepEqual(kinds([[{ is: "uncaught", client: "one", message: "oops" }]], found({})), ["other"]);
  assert.deepEqual(kinds([[{ is: "reported", client: "one", message: "oops" }]], found({})), ["other"]);
  assert.deepEqual(kinds([[{ is: "reported", client: "one", code: "disconnected" }]], found({})), []);
});

test("the longest stall is that between two acknowledged writes of one client", () => {
  const at = (client, ...times) => times.map((at) => ({ client, at, is: "acknowledged" }));
  assert.equal(longestStall([...at("one", 1, 5, 6), ...at("two", 3, 4)]), 4);
});
