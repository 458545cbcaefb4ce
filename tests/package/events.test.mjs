/** The iterator behind `registry.events()`, over a log that the test deals out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importSource } from "./bundled.mjs";

const api = await importSource("js/api/events.ts");

/** Follows a log of events. */
const follow = (read, after, outer) =>
  api.follow({ read, after, outer, itemsOf: ({ events }) => events, placeOf: ({ sequence }) => sequence });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const event = (sequence) => ({ sequence });
const DONE = { done: true, value: undefined };

/** A log: `deal` answers the read that waits, or the next one. Reads reject as the wasm's do when their signal aborts. */
function log() {
  const reads = [];
  const dealt = [];
  const match = () => {
    while (dealt.length > 0 && reads.some((read) => !read.over)) {
      const read = reads.find((read) => !read.over);
      read.over = true;
      dealt.shift()(read);
    }
  };
  return {
    reads,
    read: (after, signal) =>
      new Promise((resolve, reject) => {
        const read = { after, signal, resolve, reject, over: false };
        signal.addEventListener("abort", () => {
          read.over = true;
          reject(signal.reason);
        });
        reads.push(read);
        match();
      }),
    deal(sequences, done = false) {
      dealt.push((read) => read.resolve({ events: sequences.map(event), done }));
      match();
    },
    fail(fault) {
      dealt.push((read) => read.reject(fault));
      match();
    },
  };
}

test("gives each event in order and reads on after the last", async () => {
  const { read, reads, deal } = log();
  const events = follow(read, 4);
  deal([5, 6]);
  deal([7]);
  for (const sequence of [5, 6, 7]) assert.deepEqual(await events.next(), { done: false, value: event(sequence) });
  assert.deepEqual(
    reads.map(({ after }) => after),
    [4, 6],
  );
});

test("ends after the last batch, and stays ended", async () => {
  const { read, reads, deal } = log();
  const events = follow(read, 0);
  deal([1], true);
  assert.deepEqual(await events.next(), { done: false, value: event(1) });
  assert.deepEqual(await events.next(), DONE);
  assert.deepEqual(await events.next(), DONE);
  assert.equal(reads.length, 1);
});

test("an empty last batch ends it, too", async () => {
  const { read, deal } = log();
  deal([], true);
  assert.deepEqual(await follow(read, 0).next(), DONE);
});

test("reads nothing before it is asked", async () => {
  const { read, reads } = log();
  follow(read, 0);
  await settled();
  assert.equal(reads.length, 0);
});

test("concurrent calls of next() get the events in the order of the calls", async () => {
  const { read, reads, deal } = log();
  const events = follow(read, 0);
  const results = Promise.all([events.next(), events.next(), events.next(), events.next()]);
  await settled();
  assert.equal(reads.length, 1);
  deal([1, 2]);
  deal([3], true);
  assert.deepEqual(await results, [1, 2, 3].map((sequence) => ({ done: false, value: event(sequence) })).concat(DONE));
});

test("return() ends a wait at once and gives the resources back", async () => {
  const { read, reads } = log();
  const events = follow(read, 0);
  const waiting = [events.next(), events.next()];
  await settled();
  assert.deepEqual(await events.return("left"), { done: true, value: "left" });
  assert.ok(reads[0].signal.aborted);
  assert.equal(reads.length, 1);
  assert.deepEqual(await Promise.all(waiting), [DONE, DONE]);
  assert.deepEqual(await events.next(), DONE);
});

test("return() drops what was read and not yet given", async () => {
  const { read, deal } = log();
  const events = follow(read, 0);
  deal([1, 2, 3]);
  await events.next();
  assert.deepEqual(await events.return(), DONE);
  assert.deepEqual(await events.next(), DONE);
});

test("breaking out of a loop returns", async () => {
  const { read, deal } = log();
  const events = follow(read, 0);
  deal([1, 2]);
  for await (const { sequence } of events) {
    assert.equal(sequence, 1);
    break;
  }
  assert.deepEqual(await events.next(), DONE);
});

test("throw() ends it and rejects with what was thrown", async () => {
  const { read, reads } = log();
  const events = follow(read, 0);
  const waiting = events.next();
  await settled();
  const fault = new Error("mine");
  await assert.rejects(events.throw(fault), (error) => error === fault);
  assert.deepEqual(await waiting, DONE);
  assert.ok(reads[0].signal.aborted);
  assert.deepEqual(await events.next(), DONE);
});

test("a failed read rejects one next() and ends the iteration", async () => {
  const { read, fail } = log();
  const events = follow(read, 0);
  const fault = new Error("pruned");
  fail(fault);
  const [first, second] = [events.next(), events.next()];
  await assert.rejects(first, (error) => error === fault);
  assert.deepEqual(await second, DONE);
});

test("aborting the signal rejects the waiting next() with its reason", async () => {
  const { read, reads } = log();
  const controller = new AbortController();
  const events = follow(read, 0, controller.signal);
  const waiting = events.next();
  await settled();
  const reason = { any: "value" };
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.ok(reads[0].signal.aborted);
  assert.deepEqual(await events.next(), DONE);
});

test("an aborted signal wins over events that were read before", async () => {
  const { read, deal } = log();
  const controller = new AbortController();
  const events = follow(read, 0, controller.signal);
  deal([1, 2]);
  await events.next();
  controller.abort(new Error("enough"));
  await assert.rejects(events.next(), /enough/);
  assert.deepEqual(await events.next(), DONE);
});

test("a signal that is aborted from the start reads nothing", async () => {
  const { read, reads } = log();
  const events = follow(read, 0, AbortSignal.abort(new Error("before")));
  await assert.rejects(events.next(), /before/);
  assert.equal(reads.length, 0);
});

test("it listens to the signal only while it waits", async () => {
  const listeners = new Set();
  const signal = { aborted: false, addEventListener: (_, f) => listeners.add(f), removeEventListener: (_, f) => listeners.delete(f) };
  const { read, deal } = log();
  const events = follow(read, 0, signal);
  assert.equal(listeners.size, 0);
  const waiting = events.next();
  await settled();
  assert.equal(listeners.size, 1);
  deal([1]);
  await waiting;
  assert.equal(listeners.size, 0);
});
