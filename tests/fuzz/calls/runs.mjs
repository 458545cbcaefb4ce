/** Runners made by chance, and the calls that they make through the context of their run. */
import { json, leaf, list, object, optional, options, tuple, word } from "../grammar.mjs";
import { same } from "../meaning.mjs";
import { BAD_FUNCTION, BAD_NAME, NOT_JSON, Thrown } from "../mutate.mjs";
import { mix, Random } from "../random.mjs";
import * as s from "../shapes.mjs";
import { ANY } from "./registry.mjs";

/** What ends a run before its runner: it may come of any call. */
const ENDS = ["lease_lost", "already_terminal", "unknown_process"];

// ── Steps ───────────────────────────────────────────────────────────────────

const KEYS = ["a", "b", "c", "d", "e"];

/** What a step does: its value, as often as not one that is refused; a throw; or another step within it. */
const work = leaf((w) => {
  const { r, context } = w;
  const value = json.make(w);
  return r.weighted([
    [6, () => value],
    [3, async () => value],
    [1, () => undefined],
    [
      1,
      () => {
        throw new Thrown();
      },
    ],
    [1, () => Promise.reject(new Thrown())],
    [1, () => r.pick(NOT_JSON)[1]()],
    [1, () => context.step(r.pick(KEYS), () => value)],
    [
      0.5,
      () => ({
        then() {
          throw new Thrown();
        },
      }),
    ],
  ]);
}, BAD_FUNCTION);

const BAD_KEY = [
  ["a blank key", () => " "],
  ["a number", () => 7],
  ["half of a surrogate pair", () => "\ud800"],
  ["1,025 characters", () => "x".repeat(1025)],
  ["a symbol", () => Symbol("s")],
];
const stepKey = leaf((w) => w.r.pick(KEYS), BAD_KEY);

/** Of a timer: short, as a run has not long to live. */
const span = leaf(
  (w) => w.r.below(4),
  [
    ["a negative number", () => -1],
    ["no number", () => NaN],
    ["more than any number", () => Infinity],
    ["a text", () => "1"],
  ],
);
/** A time that has passed or is about to, as a number or a `Date`. */
const time = leaf(
  (w) => (w.r.chance(0.5) ? Date.now() + w.r.below(4) : new Date(0)),
  [
    ["a negative number", () => -1],
    ["no time", () => new Date(NaN)],
    ["what only looks like a time", () => ({ getTime: () => 1 })],
  ],
);
/** How a step is tried: at once, and not often. */
const tried = {
  ...options("StepOptions", {
    retry: optional(object(undefined, { ...s.retryFields, shouldRetry: optional(leaf(() => () => true, BAD_FUNCTION)) }, { shape: false })),
    timeoutMs: optional(
      leaf(
        () => 1_000,
        [
          ["a negative limit", () => -1],
          ["no number", () => NaN],
          ["a text", () => "1"],
        ],
      ),
    ),
  }),
  make: (w) => ({
    retry: { maxAttempts: 1 + w.r.below(3), initialIntervalMs: 0, ...(w.r.chance(0.2) && { shouldRetry: () => w.r.chance(0.5) }) },
    ...(w.r.chance(0.2) && { timeoutMs: 1_000 }),
  }),
};

const child = object("ChildRegistration", {
  id: optional(
    leaf((w) => `d${w.r.below(6)}`, BAD_NAME),
    0.1,
  ),
  input: {
    make: (w) => ({ type: "engine", kind: w.r.pick(["run:a", "run:none", "run:none"]), payload: { seed: w.r.below(1_000_000) } }),
    spoil: s.registration.fields.input.spoil,
  },
  version: s.registration.fields.version,
  labels: s.registration.fields.labels,
  attachments: s.registration.fields.attachments,
});
const childOptions = options("ChildOptions", { key: stepKey, onParentEnd: optional(word("cancel", "abandon")) });

const number = leaf(
  (w) => w.r.pick([0, 1, 0.5, -1, 1e300]),
  [
    ["no number", () => NaN],
    ["infinity", () => Infinity],
    ["a text", () => "1"],
    ["an object", () => ({})],
  ],
);

// ── The calls ───────────────────────────────────────────────────────────────

const run = (name, weight, codes, types, expected) => ({
  name: `run.${name}`,
  weight,
  codes: [...ANY, ...ENDS, ...codes],
  args: tuple(types),
  target: (w) => w.context,
  ends: [...ENDS, "closed"],
  run: (w, given, context) => context[name](...given),
  expect: (w, given, context) => ({
    loose: true,
    thrown: true,
    signals: [context.signal, given.at(-1)?.signal],
    wait: true,
    ...expected?.(w, given, context),
  }),
});

/** A call on a handle of some child, whichever run started it. */
const ofChild = (name, weight, codes, types, more) => ({
  ...run(name, weight, codes, types),
  name: `child.${name}`,
  target: (w) => w.root.some("handles"),
  expect: (w, given) => ({ loose: true, thrown: true, wait: true, signals: [w.context?.signal, given.at(-1)?.signal] }),
  ...more,
});

/** A call on a stream that some run opened, whichever it was. */
const ofWriter = (name, types) => ({
  ...run(name, 1, ["closed"], types),
  name: `writer.${name}`,
  target: (w) => w.root.some("writers"),
  run: (w, given, { writer }) => writer[name](...given),
  // One that is closed takes no chunk, and one whose chunks could not be committed says why.
  codes: [...ANY, ...ENDS, "closed", "invalid_argument"],
  expect: (w, _, { context }) => ({ loose: true, thrown: true, wait: true, signals: [w.context?.signal, context.signal] }),
});

const streaming = options("StreamOptions", { resume: optional(s.boolean), keep: optional(word("process", "untilTerminal")) });

const CHILD = ["registration_conflict", "conflict", "process_terminal", "invalid_schema"];

const names = { make: (w) => (w.r.chance(0.3) ? list(s.signalName, 1, 3).make(w) : s.signalName.make(w)), spoil: s.signalName.spoil };

export const runCalls = [
  run("append", 4, ["undeclared_event_type", "missing_replay_key", "replay_conflict", "invalid_payload"], [s.request]),
  run("sleep", 1, [], [stepKey, span]),
  run("sleepUntil", 1, [], [stepKey, time]),
  run("step", 6, [], [stepKey, work, optional(tried, 0.7)], (w, [key], { process }) => ({
    // A value that was recorded once is the value for ever.
    check(value) {
      const name = `${process.id} ${process.registrationHash} ${process.createdAtMs} ${key}`;
      const known = w.steps.get(name);
      if (known !== undefined && !same(known.value, value)) w.fail(undefined, `step ${key} of ${process.id} gave two values`);
      w.steps.set(name, { value });
    },
  })),
  run("setState", 1, [], [json]),
  run("attachment", 1, [], [s.attachmentName]),
  run("putAttachment", 1, ["process_terminal"], [s.attachmentName, s.attachmentValue]),
  run("progress", 1, [], [number, optional(number), optional(s.text)]),
  run("setTraceContext", 1, [], [s.traceContext]),
  run("stream", 1, ["invalid_argument"], [s.streamName, optional(streaming)], (w, [name], context) => ({
    check(writer) {
      if (writer.name !== name || !(writer.nextIndex >= 0)) throw new Error(`a stream that cannot be: ${writer.name}, ${writer.nextIndex}`);
      w.root.keep("writers", { writer, context });
    },
  })),
  ofWriter("append", [json]),
  ofWriter("flush", []),
  ofWriter("close", []),
  run("startChild", 1.5, CHILD, [child, childOptions], (w) => ({
    check(handle) {
      if (!["created", "existing", "queued"].includes(handle.disposition) || typeof handle.id !== "string")
        throw new Error(`a handle that cannot be: ${handle.id}, ${handle.disposition}`);
      w.root.keep("handles", handle);
    },
  })),
  ofChild("result", 1, ["timeout"], [optional(s.waiting, 0.9)], {
    // How the child ended is an answer, too.
    run: (w, given, handle) =>
      handle.result(...given).catch((error) => {
        const { ProcessFailedError, ProcessCancelledError } = w.api;
        if ((error instanceof ProcessFailedError || error instanceof ProcessCancelledError) && error.processId === handle.id) return;
        throw error;
      }),
  }),
  ofChild(
    "signal",
    0.5,
    ["replay_conflict", "invalid_payload", "missing_replay_key"],
    [s.signalName, optional(s.payload), optional(s.signalOptions)],
  ),
  ofChild("cancel", 0.3, [], [s.reason]),
  ofChild("record", 0.5, [], []),
  run("waitForSignal", 2, ["timeout"], [names, optional(s.waiting, 0.9)]),
  run("awaitTerminal", 1.5, ["timeout"], [s.processId, optional(s.waiting, 0.9)]),
];

const TABLE = runCalls.map((call) => [call.weight, call]);

/** What a run ends with. */
function end(w, r, signal) {
  const untilAborted = () =>
    new Promise((_, reject) => (signal.aborted ? reject(signal.reason) : signal.addEventListener("abort", () => reject(signal.reason))));
  return r.weighted([
    [5, () => ({ n: r.below(3) })],
    [2, () => undefined],
    [1, () => r.pick(NOT_JSON)[1]()],
    [
      2,
      () => {
        throw new Thrown();
      },
    ],
    [
      1,
      () => {
        throw Object.assign(new Thrown(), { code: "own", class: "timeout", cause: new Thrown("below") });
      },
    ],
    [
      1,
      () => {
        throw r.chance(0.5)
          ? new w.api.NonRetryableError("on purpose", { code: "own" })
          : new w.api.RetryableError("on purpose", { retryAfterMs: r.below(3) });
      },
    ],
    [
      0.5,
      () => {
        throw r.pick([null, undefined, 7, "on purpose", { a: 1 }, Symbol("s"), [1]]);
      },
    ],
    [3, untilAborted],
    [0.3, () => new Promise(() => {})],
  ]);
}

/** A runner: its calls go by what the process was registered with and by which run it is. */
export function runner(w) {
  return async (context) => {
    const { payload } = context.process.input;
    const r = new Random(mix(payload?.seed ?? 0, context.attempt));
    const inner = Object.create(w.root, {
      r: { value: r },
      context: { value: context },
      touchesDriven: { value: true, writable: true },
      aimed: { value: undefined, writable: true },
      aimedProcess: { value: undefined, writable: true },
    });
    w.root.seeContext(context);
    for (let n = r.below(6); n > 0; n--) {
      if (r.chance(0.2)) await w.root.mischief(r);
      const { done } = (await w.root.perform(r.weighted(TABLE), inner)) ?? {};
      if (r.chance(0.8)) {
        const { error } = (await done) ?? {};
        if (error !== undefined && r.chance(0.3)) throw error;
      }
    }
    return end(w, r, context.signal)();
  };
}
