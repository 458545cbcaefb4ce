/** What the inspector makes of a record and a log: rows and spans, words, filters, places on an axis. Nothing of it knows a page or a registry. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { importSource } from "./bundled.mjs";

const {
  apart,
  codeOf,
  Axis,
  duration,
  endWords,
  hasText,
  helpOf,
  idleOf,
  labelsOf,
  listFilter,
  messageOf,
  range,
  relative,
  rowWords,
  stateOf,
  waitWords,
  waterfall,
} = await importSource(...["axis", "errors", "filter", "state", "waterfall", "words"].map((name) => `js/inspector/model/${name}.ts`));

const T = 1_800_000_000_000;
const record = (more = {}) => ({
  id: "p",
  identity: { kind: "job" },
  input: { type: "engine", kind: "job", payload: null },
  status: { state: "running" },
  createdAtMs: T,
  updatedAtMs: T,
  ...more,
});

/** Events at times after the creation: `[atMs, type, payload, semantics]`. */
const log = (...events) =>
  events.map(([at, eventType, payload = {}, semantics = {}], n) => ({
    processId: "p",
    sequence: n + 1,
    eventType,
    payload,
    semantics,
    occurredAtMs: T + at,
  }));

const terminal = (state, awaitOutput) => ({ terminal: { state, awaitOutput } });
const completed = (at) => [at, "process.completed", {}, terminal("completed", { type: "success", value: 1 })];
const error = { code: "process_failed", message: "no net" };

const rowsOf = (seen) => waterfall({ record: record(), events: [], begunMs: T + 10, nowMs: T + 1_000, ...seen });
const rowOf = (seen, key) => rowsOf(seen).find((row) => row.key === key);
/** Spans as `phase from-until`, a failed one with a `!`, one that lasts without an end. */
const drawn = ({ spans }) =>
  spans.map(
    ({ phase, fromMs, untilMs, isFailed }) => `${phase}${isFailed ? "!" : ""} ${fromMs - T}-${untilMs === undefined ? "" : untilMs - T}`,
  );

describe("a process over time", () => {
  test("is queued until it was seen to begin, and works from then on", () => {
    assert.deepEqual(drawn(rowOf({}, "run")), ["queued 0-10", "working 10-"]);
  });

  test("is queued while no driver holds it", () => {
    assert.deepEqual(drawn(rowOf({ begunMs: undefined, lease: null }, "run")), ["queued 0-"]);
  });

  test("begins with its first lease, where that is still held", () => {
    const lease = { fencingToken: 1, claimedAtMs: T + 40, expiresAtMs: T + 9_000 };
    assert.deepEqual(drawn(rowOf({ begunMs: undefined, lease }, "run")), ["queued 0-40", "working 40-"]);
  });

  test("that was not seen to begin was queued and worked, which is said to be an estimate", () => {
    const run = rowOf({ begunMs: undefined, events: log([50, "process.step", { key: "a" }], completed(80)) }, "run");
    assert.deepEqual(drawn(run), ["begun 0-50", "working 50-80"]);
    assert.equal(run.spans[0].isEstimated, true);
  });

  test("that begins at a time to come sleeps until then, and is queued once that has come", () => {
    const later = { record: record({ startAtMs: T + 400 }), begunMs: undefined, lease: null };
    assert.deepEqual(drawn(rowOf({ ...later, nowMs: T + 100 }, "run")), ["sleeping 0-"]);
    assert.deepEqual(drawn(rowOf({ ...later, nowMs: T + 500 }, "run")), ["sleeping 0-400", "queued 400-"]);
  });

  test("that an app completes itself works from its creation on", () => {
    const external = record({ input: { type: "external" } });
    assert.deepEqual(drawn(rowOf({ record: external, begunMs: undefined }, "run")), ["working 0-"]);
  });

  test("ends where the event that ends it stands, and not with later events", () => {
    const events = log(completed(80), [200, "note"]);
    const ended = record({ status: { state: "completed", awaitOutput: { type: "success", value: 1 } }, updatedAtMs: T + 200 });
    assert.deepEqual(drawn(rowOf({ record: ended, events }, "run")), ["queued 0-10", "working 10-80"]);
    assert.deepEqual(range({ record: ended, events }), { fromMs: T, untilMs: T + 80 });
  });

  test("waits between the record of a wait and that of its outcome", () => {
    const events = log(
      [20, "process.waiting", { name: "go", ordinal: 1 }],
      [60, "signal.go", {}],
      [61, "process.resumed", { name: "go", ordinal: 1, sequence: 2 }],
    );
    assert.deepEqual(drawn(rowOf({ events }, "run")), ["queued 0-10", "working 10-20", "waiting 20-61", "working 61-"]);
  });

  test("that has given up its permit until a retry shows that, and works again when the time has come", () => {
    const events = log([30, "process.step_failed", { key: "a", attempt: 1, error, retryAtMs: T + 90 }]);
    assert.deepEqual(drawn(rowOf({ events, nowMs: T + 80 }, "run")), ["queued 0-10", "working 10-30", "retrying 30-"]);
    assert.deepEqual(drawn(rowOf({ events, nowMs: T + 100 }, "run")), ["queued 0-10", "working 10-30", "retrying 30-90", "working 90-"]);
  });

  test("that is paused says so until it is resumed", () => {
    const events = log([30, "process.paused", { reason: "lunch" }], [70, "process.unpaused"]);
    const run = rowOf({ events }, "run");
    assert.deepEqual(drawn(run), ["queued 0-10", "working 10-30", "paused 30-70", "begun 70-"]);
    assert.equal(run.spans[2].label, "paused: lunch");
  });

  test("waits for another one where its record says so, since when that says", () => {
    const waits = record({ wait: { kind: "process", processId: "q", sinceMs: T + 50 } });
    assert.deepEqual(drawn(rowOf({ record: waits }, "run")), ["queued 0-10", "working 10-50", "waiting 50-"]);
  });

  test("of whose log only the end was read begins there", () => {
    const events = log([0, "a"], [0, "b"], [500, "process.step", { key: "late" }]).slice(2);
    assert.deepEqual(drawn(rowOf({ events }, "run")), ["working 500-"]);
  });

  test("marks failed attempts, cancel requests and its end", () => {
    const failure = { type: "failure", class: "execution", code: "x", message: "broke" };
    const events = log(
      [20, "process.attempt_failed", { attempt: 1, error, retryAtMs: T + 40 }],
      [50, "process.cancel_requested", { reason: "enough" }],
      [60, "process.failed", {}, terminal("failed", failure)],
    );
    const run = rowOf({ events }, "run");
    assert.deepEqual(
      run.marks.map(({ sort, label, sequence }) => [sort, label, sequence]),
      [
        ["failure", "attempt 1 failed: no net", 1],
        ["cancel", "cancel requested: enough", 2],
        ["end", "failed: broke", 3],
      ],
    );
    assert.equal(run.isFailed, true);
    assert.deepEqual(drawn(run), ["queued 0-10", "working 10-20", "retrying 20-40", "begun 40-60"]);
  });
});

describe("its parts", () => {
  test("a step with attempts shows each of them, and the waits between", () => {
    const failed = (attempt, at, retry) => [
      at,
      "process.step_failed",
      { key: "a", attempt, error, ...(retry && { retryAtMs: T + retry }) },
    ];
    const step = rowOf({ events: log(failed(1, 30, 50), failed(2, 60, 100), [120, "process.step", { key: "a", value: 1 }]) }, "step a");
    assert.deepEqual(drawn(step), ["working! 10-30", "retrying 30-50", "working! 50-60", "retrying 60-100", "working 100-120"]);
    assert.equal(step.note, "3 attempts");
    assert.equal(step.isFailed, false);
  });

  test("a step that is to be tried again waits for that, until it is due", () => {
    const step = rowOf({ events: log([30, "process.step_failed", { key: "a", attempt: 1, error, retryAtMs: T + 2_000 }]) }, "step a");
    assert.deepEqual(drawn(step), ["working! 10-30", "retrying 30-"]);
    assert.deepEqual(
      step.marks.map(({ sort, atMs }) => [sort, atMs - T]),
      [["due", 2_000]],
    );
  });

  test("a step that failed for good says so", () => {
    const step = rowOf({ events: log([30, "process.step_failed", { key: "a", attempt: 2, error }]) }, "step a");
    assert.equal(step.isFailed, true);
    assert.equal(step.note, "failed after 2 attempts");
  });

  test("a step begins no sooner than the record before it, and that is an estimate", () => {
    const events = log([30, "process.step", { key: "a" }], [90, "process.step", { key: "b" }]);
    const [step] = rowOf({ events }, "step b").spans;
    assert.deepEqual([step.fromMs - T, step.untilMs - T, step.isEstimated], [30, 90, true]);
  });

  test("a timer lasts until it went off; one that lost a race, until the process ended", () => {
    const events = log(
      [20, "process.timer", { key: "nap", dueAtMs: T + 70 }],
      [72, "process.resumed", { timer: "nap", ordinal: 1, dueAtMs: T + 70 }],
      [80, "process.timer", { key: "limit", dueAtMs: T + 5_000 }],
      completed(100),
    );
    assert.deepEqual(drawn(rowOf({ events }, "timer nap")), ["sleeping 20-72"]);
    assert.deepEqual(drawn(rowOf({ events }, "timer limit")), ["sleeping 80-100"]);
  });

  test("a timer that is pending marks when it is due", () => {
    const timer = rowOf({ events: log([20, "process.timer", { key: "nap", dueAtMs: T + 9_000 }]) }, "timer nap");
    assert.deepEqual(drawn(timer), ["sleeping 20-"]);
    assert.equal(timer.marks[0].atMs, T + 9_000);
  });

  test("a wait for signals that timed out says so, and a signal is marked where it came", () => {
    const events = log(
      [20, "process.waiting", { names: ["a", "b"], ordinal: 1 }],
      [50, "process.resumed", { names: ["a", "b"], ordinal: 1, timedOut: true }],
      [70, "signal.a", 1],
    );
    assert.equal(rowOf({ events }, "signal a, b").note, "timed out");
    assert.deepEqual(
      rowOf({ events }, "signal a").marks.map(({ atMs }) => atMs - T),
      [70],
    );
  });

  test("events of an app stand in one row for each type", () => {
    const notes = rowOf({ events: log([20, "note"], [30, "other"], [40, "note"]) }, "event note");
    assert.equal(notes.marks.length, 2);
    assert.equal(notes.note, "2 events");
  });

  test("children, streams and attachments follow, in rows of their own", () => {
    const child = record({ id: "p/c", createdAtMs: T + 20, updatedAtMs: T + 60, status: { state: "failed", awaitOutput: {} } });
    const streams = [{ name: "tokens", chunks: 3, attempt: 1, closed: true }];
    const rows = rowsOf({
      record: record({ attachments: [{ name: "f.csv", size: 2_048, type: "text/csv", updatedAtMs: T + 5 }] }),
      children: [child],
      streams,
    });
    assert.deepEqual(
      rows.slice(1).map(({ sort, label, note }) => [sort, label, note]),
      [
        ["child", "p/c", "failed"],
        ["stream", "tokens", "3 chunks, closed"],
        ["attachment", "f.csv", "2.0 kB, text/csv"],
      ],
    );
    assert.equal(rows[1].childId, "p/c");
    assert.deepEqual(drawn(rows[1]), ["working! 20-60"]);
  });

  test("a row can be read out", () => {
    const events = log([40, "process.step", { key: "a" }]);
    assert.equal(rowWords(rowOf({ events }, "step a"), T + 50), "Step a, attempt 1 30 ms");
    assert.equal(rowWords(rowOf({}, "run"), T + 510), "Process job, queued 10 ms, working for 500 ms so far");
  });
});

describe("the axis", () => {
  test("places moments in proportion", () => {
    const axis = new Axis(0, 1_000);
    assert.deepEqual([axis.place(-5), axis.place(0), axis.place(250), axis.place(1_000), axis.place(2_000)], [0, 0, 0.25, 1, 1]);
    assert.equal(axis.isShortened, false);
  });

  test("shortens long waits, and keeps the order of moments", () => {
    const axis = new Axis(0, 10_000, [{ fromMs: 100, untilMs: 9_900 }]);
    assert.equal(axis.isShortened, true);
    assert.ok(Math.abs(axis.place(100) - 0.4) < 1e-9);
    assert.ok(axis.place(5_000) > axis.place(100) && axis.place(9_900) > axis.place(5_000));
  });

  test("leaves waits as they are where there is nothing else", () => {
    assert.equal(new Axis(0, 1_000, [{ fromMs: 0, untilMs: 1_000 }]).place(500), 0.5);
  });

  test("names round moments", () => {
    assert.deepEqual(
      new Axis(0, 11_000).ticks(6).map(({ atMs }) => atMs),
      [0, 2_000, 4_000, 6_000, 8_000, 10_000],
    );
  });

  test("knows from the row of the process when nothing was done", () => {
    const events = log([20, "process.timer", { key: "nap", dueAtMs: T + 70 }], [72, "process.resumed", { timer: "nap", ordinal: 1 }]);
    const idle = idleOf(rowOf({ events }, "run"), T + 100).map(({ fromMs, untilMs }) => [fromMs - T, untilMs - T]);
    assert.deepEqual(idle, [
      [0, 10],
      [20, 72],
    ]);
  });

  test("of many moments in one place, the first is shown, and those that matter", () => {
    const many = Array.from({ length: 1_000 }, (_, n) => n);
    const kept = apart(
      many,
      (n) => n / 1_000,
      (n) => n === 777,
      100,
    );
    assert.equal(kept.length, 101);
    assert.ok(kept.includes(777));
  });
});

describe("the state of a process", () => {
  const lease = { expiresAtMs: T + 500 };
  test("is what its record says, and of an active one what its lease says", () => {
    const cases = [
      [record(), undefined, "running"],
      [record(), null, "queued"],
      [record(), lease, "working"],
      [record(), { expiresAtMs: T }, "queued"],
      [record({ input: { type: "external" } }), null, "running"],
      [record({ startAtMs: T + 5_000 }), null, "scheduled"],
      [record({ paused: { sinceMs: T }, wait: { kind: "signal" } }), null, "paused"],
      [record({ wait: { kind: "start" } }), null, "scheduled"],
      [record({ wait: { kind: "retry" } }), lease, "retrying"],
      [record({ wait: { kind: "timer" } }), lease, "sleeping"],
      [record({ wait: { kind: "signal" } }), lease, "waiting"],
      [record({ wait: { kind: "process" } }), lease, "waiting"],
      [record({ status: { state: "cancelled", awaitOutput: {} }, wait: { kind: "signal" } }), lease, "cancelled"],
    ];
    for (const [seen, held, state] of cases) assert.equal(stateOf(seen, held, T + 100), state, JSON.stringify(seen));
  });

  test("says what it waits for, and until when", () => {
    const words = (wait, more) => waitWords(record({ wait, ...more }), T);
    assert.equal(words({ kind: "retry", untilMs: T + 2_300, attempt: 3, step: "send" }), "step “send”: attempt 3 begins in 3.0 s");
    const late = { kind: "retry", untilMs: T, attempt: 3, step: "send" };
    assert.equal(words(late), "step “send”: attempt 3 begins now");
    assert.equal(words(late, { requires: "network" }), "step “send”: attempt 3 begins once it is online");
    assert.equal(words({ kind: "signal", name: "a", names: ["a", "b"] }), "waits for signal “a” or “b”");
    assert.equal(words({ kind: "timer", key: "nap", untilMs: T - 1 }), "timer “nap” is due now");
    assert.equal(words(undefined, { paused: { sinceMs: T, reason: "lunch" } }), "paused: lunch");
    assert.equal(words(undefined), undefined);
  });

  test("says how it ended, where that needs words", () => {
    const failed = record({ status: { state: "failed", awaitOutput: { type: "failure", code: "timeout", message: "too late" } } });
    assert.equal(endWords(failed), "timeout: too late");
    assert.equal(endWords(record()), undefined);
  });
});

describe("filters", () => {
  const choice = { status: "any", kind: "", labels: "", text: "", order: "newest" };
  test("are those of the registry, but for the text", () => {
    assert.deepEqual(listFilter(choice), { status: "any" });
    assert.deepEqual(listFilter({ ...choice, status: "active", kind: " upload ", labels: "team=a, x = y=z,half", text: "q" }), {
      status: "running",
      waiting: false,
      kind: "upload",
      labels: { team: "a", x: "y=z" },
    });
    assert.deepEqual(labelsOf("team"), {});
  });

  test("find a text in the id, the label, the kind and the labels", () => {
    const seen = record({ id: "Upload-7", identity: { kind: "upload", label: "Holiday" }, labels: { team: "sales" } });
    for (const text of ["upload-7", "HOLI", "team=sales", " "]) assert.ok(hasText(seen, text), text);
    assert.ok(!hasText(seen, "finance"));
  });
});

test("an error is its message, its code, and the page that explains it", () => {
  const error = Object.assign(new Error("it has ended (https://longwait.dev/errors/already_terminal)"), { code: "already_terminal" });
  assert.deepEqual(
    [messageOf(error), codeOf(error), helpOf(error)],
    ["it has ended", "already_terminal", "https://longwait.dev/errors/already_terminal"],
  );
  assert.deepEqual([messageOf("odd"), codeOf("odd"), helpOf("odd")], ["odd", undefined, undefined]);
  assert.equal(messageOf(new TypeError()), "TypeError");
});

describe("words", () => {
  test("give spans in units that fit", () => {
    const spans = [0, 999, 1_000, 9_990, 61_000, 3_600_000, 90_000_000, -5];
    assert.deepEqual(spans.map(duration), ["0 ms", "999 ms", "1.0 s", "9.9 s", "1 min 1 s", "1 h", "1 d 1 h", "0 ms"]);
  });

  test("give moments as they are seen from now", () => {
    assert.deepEqual(
      [T, T - 5_000, T + 65_000, T - 3 * 86_400_000].map((at) => relative(at, T)),
      ["just now", "5 s ago", "in 1 min", "3 d ago"],
    );
  });
});
