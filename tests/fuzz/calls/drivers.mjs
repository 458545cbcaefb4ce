/** Drivers: what they are made with, what they are told, and processes for them. */
import { leaf, list, object, optional, options, tuple } from "../grammar.mjs";
import { BAD_COUNT, BAD_FUNCTION, BAD_NAME, BAD_OBJECT, Thrown, ZERO } from "../mutate.mjs";
import * as s from "../shapes.mjs";
import { ANY } from "./registry.mjs";
import { runCalls, runner } from "./runs.mjs";
import { eventOf, signalling, terminalOf, WAITS } from "./waits.mjs";

const DRIVEN = ["run:a", "run:b"];
/** What implementations run, by version. */
const VERSIONED = "run:v";

const runners = leaf(
  (w) => Object.fromEntries(DRIVEN.filter(() => w.r.chance(0.8)).map((kind) => [kind, runner(w)])),
  [
    ...BAD_OBJECT.filter(([why]) => why !== "an array"),
    ["a Map", () => new Map([["a", () => {}]])],
    ["a runner that is no function", () => ({ a: 7 })],
    ["a blank kind", () => ({ " ": () => {} })],
    [
      "a getter that throws",
      () => ({
        get a() {
          throw new Thrown();
        },
      }),
    ],
  ],
);

const host = leaf(
  (w) => ({
    async claimAndRunPending() {
      if (w.r.chance(0.2)) throw new Thrown();
    },
  }),
  [
    ["an object without the method", () => ({})],
    ["a number", () => 7],
    ["a method that is none", () => ({ claimAndRunPending: 7 })],
  ],
);
const ATTACHED = { type: "success", value: "attached" };
const attach = leaf(
  (w) => ({
    async awaitTerminal() {
      if (w.r.chance(0.3)) throw new Thrown();
      return ATTACHED;
    },
  }),
  [
    ["an object without the method", () => ({})],
    ["a string", () => "x"],
    ["a method that is none", () => ({ awaitTerminal: {} })],
  ],
);
const BAD_SPAN = [...BAD_COUNT, ZERO];
const fixed = (...values) => leaf((w) => w.r.pick(values), BAD_SPAN);

/** Versions of one kind, each once. */
const implementations = {
  make: (w) => [undefined, 1, 2].filter(() => w.r.chance(0.7)).map((version) => ({ ...implementation.make(w), version })),
  spoil: (w, value) => (w.r.chance(0.3) ? { value: [...value, ...twice(w)], why: "a version twice" } : someImplementations.spoil(w, value)),
};
const implementation = object("Implementation", {
  kind: leaf(() => VERSIONED, BAD_NAME),
  version: optional(leaf((w) => w.r.below(3), BAD_COUNT)),
  run: leaf((w) => runner(w), BAD_FUNCTION),
});
const someImplementations = list(implementation, 0, 2);
const twice = (w) => [1, 1].map((version) => ({ kind: VERSIONED, version, run: runner(w) }));

const onlineDetector = leaf(
  (w) => ({ isOnline: () => w.root.depth % 2 === 0, subscribe: () => () => {} }),
  [
    ["an object without the methods", () => ({})],
    ["a number", () => 7],
    ["one method", () => ({ isOnline: () => true })],
    ["a method that is none", () => ({ isOnline: true, subscribe: () => () => {} })],
  ],
);

const fields = {
  runners: optional(runners, 1),
  processes: optional(implementations, 0.4),
  onlineDetector: optional(onlineDetector, 0.2),
  runHandle: optional(host, 0.05),
  attach: optional(attach, 0.15),
  concurrency: optional(fixed(1, 2, 64)),
  onRunError: optional(
    leaf((w) => () => w.root.mischief(w.r), BAD_FUNCTION),
    0.5,
  ),
};
const plainOptions = options("DriverOptions", fields);
const spans = options("DriverOptions", { leaseTtlMs: optional(fixed(30_000)), renewEveryMs: optional(fixed(10_000)) });

const driverOptions = {
  make(w) {
    const made = plainOptions.make(w);
    if (w.r.chance(0.2))
      Object.assign(
        made,
        w.r.pick([
          { leaseTtlMs: 30_000, renewEveryMs: 10_000 },
          { leaseTtlMs: 3, renewEveryMs: 1 },
          { leaseTtlMs: 2 ** 31 - 1 },
          { renewEveryMs: 1 },
        ]),
      );
    return made;
  },
  spoil(w, value) {
    if (w.r.chance(0.15))
      return { value: { ...value, leaseTtlMs: 29, renewEveryMs: 10 }, why: "leases that end before they are renewed three times" };
    return w.r.chance(0.2) ? spans.spoil(w, {}) : plainOptions.spoil(w, value);
  },
};

const driver = (w) => w.some("drivers");
const of = (name, weight, codes, types, expect, more) => ({
  name: `driver.${name}`,
  weight,
  codes: [...ANY, ...codes],
  args: tuple(types),
  target: driver,
  run: (w, given, { driver }) => w.method(driver, name)(...given),
  expect,
  ...more,
});

const isReport = (report) => {
  const lists = [report.started, report.busy, report.unhandled, report.failed.map(({ processId }) => processId)];
  const ids = lists.flat();
  return new Set(ids).size === ids.length && lists.slice(0, 3).every((list) => list.every((id, n) => n === 0 || list[n - 1] < id));
};

/** With an engine that owns the waits, what it says is an answer too. */
const attached = (expected) => ({
  ...expected,
  thrown: true,
  owed: () => false,
  judge: (outcome) => outcome.value?.value === "attached" || expected.judge(outcome),
});

const register = {
  name: "registry.registerProcess",
  weight: 16,
  codes: [...ANY, "registration_conflict", "invalid_schema", "conflict"],
  args: tuple([
    {
      make: (w) => ({
        id: `d${w.r.below(6)}`,
        input: {
          type: "engine",
          kind: w.r.pick([...DRIVEN, ...DRIVEN, ...DRIVEN, VERSIONED, "run:none"]),
          payload: { seed: w.r.below(1_000_000) },
        },
        eventTypes: [
          { name: "note" },
          { name: "checked", payloadSchema: { type: "object" } },
          { name: "stop", semantics: { terminal: { state: "completed" } } },
        ],
        ...(w.r.chance(0.2) && { recovery: "abandon" }),
        ...(w.r.chance(0.4) && s.drivenPolicy(w)),
      }),
      spoil: s.registration.spoil,
    },
  ]),
  run: (w, given) => w.registry.registerProcess(...given),
  expect: () => ({ loose: true }),
};

const SIGNAL = ["unknown_process", "replay_conflict", "invalid_payload", "missing_replay_key", "already_terminal"];

export const driverCalls = [
  register,
  {
    name: "registry.driver",
    weight: 6,
    codes: ANY,
    args: tuple([driverOptions]),
    sync: true,
    target: (w) => (w.pools.drivers.length < 3 ? w.r.pick(w.others) : undefined),
    run: (w, given, registry) => registry.driver(...given),
    expect: () => ({ check: (made) => made !== undefined }),
    done: (w, made) => w.keep("drivers", { driver: made }),
  },
  of("claimAndRunPending", 8, [], [optional(s.text)], () => ({
    wait: true,
    loose: true,
    thrown: true,
    check: (report) => isReport(report),
  })),
  of("start", 6, [], [], () => ({ value: undefined }), { sync: true }),
  of("stop", 0.7, [], [], () => ({ value: undefined }), { lives: true }),
  of("idle", 0.7, [], [], () => ({ wait: true, loose: true }), { lives: true }),
  of("signal", 2, SIGNAL, signalling, (w, [id, name, payload, { signalId } = {}]) =>
    w.appended(w.model.signal(id, name, payload, signalId)),
  ),
  of("awaitTerminal", 1, WAITS, [s.processId, optional(s.waiting, 0.9)], (w, [id, waiting]) => attached(terminalOf(w, id, waiting))),
  of(
    "awaitEvent",
    1,
    [...WAITS, "process_terminal", "undeclared_event_type"],
    [s.processId, s.declaredType, optional(s.count), optional(s.waitingForEvent, 0.9)],
    (w, [id, type, after, waiting]) => eventOf(w, id, type, after, waiting),
  ),
  of("[asyncDispose]", 0.2, [], [], () => ({ value: undefined }), {
    lives: true,
    run: (w, _, { driver }) => driver[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")](),
  }),
];

export { runCalls };
