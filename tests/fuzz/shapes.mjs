/** What the API takes, in terms of the grammar. Each object is named after its interface in `js/types/public.ts`; a test compares the fields. */
import { either, json, leaf, list, object, optional, options, tagged, word, wrongOne } from "./grammar.mjs";
import { BAD_BOOLEAN, BAD_COUNT, BAD_NAME, BAD_SIGNAL, BAD_TEXT, BAD_TIMEOUT, MINUS_ZERO, TOO_LONG_TTL, ZERO } from "./mutate.mjs";

export { BAD_NAME as BAD_NAMES };

/** Few, so that calls meet each other. Their order by code unit is not that by code point. */
export const IDS = [
  "p0",
  "p1",
  "p2",
  "p3",
  "p4",
  "p5",
  "p6",
  "p7",
  "p10",
  "P",
  " p",
  "é",
  "😀",
  "\ue000",
  "__proto__",
  "constructor",
  "a/b:c",
  "x".repeat(1024),
];
const SESSIONS = ["s1", "s2", "s", "é", "s1/frames", "y".repeat(1024)];
const FRAMES = ["f1", "f2", "a/frame:b"];
export const TYPES = ["note", "progress", "done", "fail", "stop", "tell", "checked", "signal.go", "constructor", "z".repeat(1024)];
const UNDECLARED = [
  "nothing",
  "signal.go",
  "signal.stop-1",
  "process.waiting",
  "process.cancel_requested",
  "process.completed",
  "process.failed",
  "process.cancelled",
];
export const SIGNALS = ["go", "stop-1", "A_b", "v".repeat(1000)];
const KEYS = ["k0", "k1", "k2", "k3", "k4", "é:😀", "__proto__", "w".repeat(1024)];
export const KINDS = ["job", "child", "external", "tool", "session_turn", "engine"];

/** What may be blank, and then is nobody's name. */
const LONG = [...BAD_TEXT, ["1,025 characters", () => "x".repeat(1025)]];
/** What is stored under a name that is too long, by an older version, is still found: so the process is looked up first. */
const LATE = [...BAD_TEXT, ["1,025 characters", () => "x".repeat(1025), ["unknown_process"]]];

const pick = (words, wrong = BAD_NAME) => leaf((w) => w.r.pick(words), wrong);

export const text = pick(["", "some words", "é😀", "a\u0000b", " "], BAD_TEXT);
export const label = pick(["a label", "é", "l".repeat(1024)], BAD_TEXT);
export const boolean = leaf((w) => w.r.chance(0.5), BAD_BOOLEAN);
export const count = leaf(
  (w) =>
    w.r.weighted([
      [4, w.r.below(4)],
      [2, w.r.below(40)],
      [1, 0],
      [1, Number.MAX_SAFE_INTEGER],
    ]),
  BAD_COUNT,
);
/** Of a list: mostly as many as there are. */
const limit = leaf(
  (w) =>
    w.r.weighted([
      [3, w.r.between(1, 4)],
      [1, 0],
      [1, 1000],
      [1, Number.MAX_SAFE_INTEGER],
    ]),
  BAD_COUNT,
);
export const ordinal = leaf((w) => w.r.between(1, 12), [...BAD_COUNT, ZERO, MINUS_ZERO]);
export const ttl = leaf(
  (w) =>
    w.r.weighted([
      [8, 1_000_000 + w.r.below(1000)],
      [1, 1],
      [1, 2 ** 31 - 1],
    ]),
  [...BAD_COUNT, ZERO, MINUS_ZERO, TOO_LONG_TTL],
);
export const cutoff = leaf(
  (w) =>
    w.r.weighted([
      [2, 0],
      [2, Number.MAX_SAFE_INTEGER],
    ]),
  BAD_COUNT,
);

/** The id of a process; what comes behind it in the same call may go by which it was. */
export const processId = {
  ...leaf((w) => w.aim(w.r.chance(0.93) ? w.someId() : w.r.pick(["nobody", ...IDS])), BAD_NAME),
};

const frameLike = ["a session that reads as a frame", () => "s1/frame:f1"];
export const sessionId = pick(SESSIONS, [...BAD_NAME, frameLike]);
export const scope = object("SessionScope", { sessionId, agentFrameId: optional(pick(FRAMES), 0.3) });

// ── Registrations ───────────────────────────────────────────────────────────

const metadata = either(
  [2, json, () => true],
  [1, { make: (w) => ({ [w.r.pick(["label", "name", "title"])]: "shown" }), spoil: json.spoil }, () => false],
);

const call = object(
  undefined,
  { callId: text, toolName: label, toolId: optional(text), args: optional(json), more: optional(json) },
  { open: true },
);

export const input = tagged("ProcessInput", "type", {
  external: { metadata: optional(metadata) },
  engine: { kind: pick(KINDS), payload: optional(json) },
  tool_call: { call },
  session_turn: {
    createRequest: {
      make: (w) => ({ subagent: { capability: "c" }, x: json.make(w) }),
      spoil: (w) =>
        wrongOne(w, [
          ["a list", () => []],
          ["a string", () => "x"],
          ["null", () => null],
        ]),
    },
    turnInput: json,
  },
});

const identity = object("ProcessIdentity", { kind: pick(KINDS), label: optional(label), definition: optional(json, 0.4) });

const originator = tagged(undefined, "type", { host: {}, session: { scope } });
const provenance = object("ProcessProvenance", { originator, causedBy: optional(json) });

const POINTERS = ["", "/a", "/b", "/n", "/text", "/a/0", "/a~1b", "/m~0n", "/-", "/0", "/awaitOutput", "/constructor", "/length"];
const pointer = leaf((w) => w.r.pick(POINTERS), [...BAD_TEXT, ["a pointer without a slash", () => "a"]]);

/** A selector, which names selectors within it. */
const selector = {
  make(w, depth = 0) {
    const kind = w.r.below(depth < 2 ? 6 : 5);
    if (kind === 0) return "payload";
    if (kind < 3) return { pointer: pointer.make(w) };
    if (kind === 3) return { const: json.make(w) };
    if (kind === 4) return { present: pointer.make(w) };
    const fields = { a: selector.make(w, depth + 1) };
    if (w.r.chance(0.5)) fields.b = selector.make(w, depth + 1);
    return { template: w.r.pick(["{a}", "{a} and {b}, {c} {", "none", "{a}{a}}"]), fields };
  },
  spoil(w, value) {
    if (typeof value === "object" && "pointer" in value && w.r.chance(0.5)) {
      const { value: wrong, why } = pointer.spoil(w, value.pointer);
      return { value: { pointer: wrong }, why: `pointer: ${why}` };
    }
    if (typeof value === "object" && "template" in value && w.r.chance(0.5)) {
      const inner = selector.spoil(w, value.fields.a);
      return { value: { ...value, fields: { ...value.fields, a: inner.value } }, why: `fields.a: ${inner.why}` };
    }
    return wrongOne(w, [
      ["another word", () => "payloads"],
      ["an empty object", () => ({})],
      ["a number", () => 3],
      ["a list", () => []],
      ["two selectors at once", () => ({ pointer: "", present: "" })],
      ["a field too many", () => ({ pointer: "", extra: 1 })],
    ]);
  },
};

const terminal = {
  make(w) {
    const state = w.r.pick(["completed", "failed", "cancelled"]);
    return state === "completed" && w.r.chance(0.4) ? { state } : { state, awaitOutput: selector.make(w) };
  },
  spoil(w, value) {
    if (w.r.chance(0.4)) return { value: { state: w.r.pick(["failed", "cancelled"]) }, why: "no await output" };
    const inner = w.r.chance(0.5) ? { value: w.r.pick(["running", "ended", 7, undefined, null]), why: "state: wrong" } : undefined;
    if (inner) return { value: { ...value, state: inner.value }, why: inner.why };
    const wrong = selector.spoil(w, value.awaitOutput ?? "payload");
    return { value: { ...value, awaitOutput: wrong.value }, why: `awaitOutput: ${wrong.why}` };
  },
};

const dedupeKey = {
  make: (w) =>
    w.r.weighted([
      [2, "event_identity"],
      [1, { const: w.r.pick(["once", ""]) }],
      [1, { selector: selector.make(w) }],
    ]),
  spoil: (w) =>
    wrongOne(w, [
      ["another word", () => "event"],
      ["an empty object", () => ({})],
      ["a constant number", () => ({ const: 1 })],
      ["a list", () => []],
    ]),
};
const wake = object(undefined, { when: optional(selector), input: selector, dedupeKey: optional(dedupeKey) });

/** Schemas, and what fits them. */
export const SCHEMAS = [
  [true, () => true],
  [{}, () => true],
  [
    { type: "object", required: ["n"], properties: { n: { type: "number", minimum: 0 } } },
    (p) => plain(p) && Object.hasOwn(p, "n") && typeof p.n === "number" && p.n >= 0,
  ],
  [{ anyOf: [{ type: "null" }, { type: "string", maxLength: 20 }] }, (p) => p === null || (typeof p === "string" && [...p].length <= 20)],
  [{ not: { type: "array" } }, (p) => !Array.isArray(p)],
  [false, () => false],
];
const plain = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const payloadSchema = {
  takesNull: false,
  make: (w) => w.r.pick(SCHEMAS)[0],
  spoil: (w, value) =>
    w.r.chance(0.3)
      ? json.spoil(w, { type: "object", properties: {} })
      : // What is wrong besides, as a name that is there twice, may be seen first.
        { ...wrongOne(w, BAD_SCHEMAS), code: "invalid_schema", codes: ["invalid_argument"] },
};
const BAD_SCHEMAS = [
  ["an unknown type", () => ({ type: "text" })],
  ["a broken pattern", () => ({ pattern: "(" })],
  ["a schema that is a string", () => "x"],
  ["a schema that is a number", () => 7],
  ["a reference to nothing", () => ({ $ref: "#/$defs/none" })],
  ["a limit that is a text", () => ({ minimum: "1" })],
  ["a reference to itself", () => ({ $ref: "#" })],
  ["another dialect", () => ({ $schema: "http://json-schema.org/draft-04/schema#" })],
];

const semantics = object(undefined, { terminal: optional(terminal, 0.4), wake: optional(wake, 0.5) });
export const eventType = object("ProcessEventType", {
  name: pick(TYPES),
  payloadSchema: optional(payloadSchema, 0.25),
  semantics: optional(semantics, 0.6),
});

const someTypes = list(eventType, 0, 5);
export const eventTypes = {
  make(w) {
    const names = [...TYPES];
    return someTypes.make(w).map((type) => ({ ...type, name: names.splice(w.r.below(names.length), 1)[0] }));
  },
  spoil(w, value) {
    if (value.length > 0 && w.r.chance(0.15)) return { value: [...value, { name: value[0].name }], why: "a name twice" };
    if (w.r.chance(0.1)) return { value: [...value, { name: "process.failed" }], why: "a core type that does not end" };
    return someTypes.spoil(w, value);
  },
};

/** Counts that a policy takes from 1 on. */
const few = leaf((w) => w.r.between(1, 4), [...BAD_COUNT, ZERO, MINUS_ZERO]);
/** A time that has passed, or one that does not come while a world lasts. */
const instant = leaf((w) => w.r.pick([0, 1, 2 ** 52, Number.MAX_SAFE_INTEGER]), BAD_COUNT);
const never = leaf((w) => w.r.pick([2 ** 52, Number.MAX_SAFE_INTEGER]), BAD_COUNT);
const soon = leaf((w) => w.r.pick([0, 1, 3]), BAD_COUNT);

export const retryFields = {
  maxAttempts: optional(few),
  initialIntervalMs: optional(soon),
  backoffCoefficient: optional(
    leaf(
      (w) => w.r.pick([1, 1.5, 2, 1e300]),
      [
        ["less than 1", () => 0.5],
        ["a negative number", () => -1],
        ["no number", () => NaN],
        ["infinity", () => Infinity],
        ["a text", () => "2"],
      ],
    ),
  ),
  maxIntervalMs: optional(soon),
  jitter: optional(boolean),
};
export const retry = object("RetryPolicy", retryFields);

const BAD_LABELS = [
  ["a list", () => ["a"]],
  ["a text", () => "a"],
  ["a number", () => 7],
  ["a blank name", () => ({ " ": "a" })],
  ["a name of 1,025 characters", () => ({ ["x".repeat(1025)]: "a" })],
  ["seventeen labels", () => Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`l${n}`, ""]))],
];
const LABELS = ["tenant", "é", "l".repeat(1024)];
const labelValue = pick(["", "a", "b", "v".repeat(1024)], [...BAD_TEXT, ["1,025 characters", () => "x".repeat(1025)]]);
export const labels = {
  make: (w) => Object.fromEntries(LABELS.filter(() => w.r.chance(0.5)).map((name) => [name, labelValue.make(w)])),
  spoil: (w, value) => {
    if (w.r.chance(0.3)) return wrongOne(w, BAD_LABELS);
    const { value: wrong, why } = labelValue.spoil(w);
    return { value: { ...value, tenant: wrong }, why: `tenant: ${why}` };
  },
};
// ── Attachments ─────────────────────────────────────────────────────────────

const BAD_ATTACHMENTS = [
  ["a text", () => "text"],
  ["a number", () => 7],
  ["an object", () => ({ size: 1, type: "" })],
  ["a list", () => [1]],
  ["what inherits from a Blob", () => Object.create(Blob.prototype)],
];
const ATTACHED = ["a", "é", "n".repeat(1024)];
export const attachmentName = pick(ATTACHED);
export const attachmentValue = leaf(
  (w) =>
    w.r.pick([
      () => new Blob(["some text"], { type: "text/plain" }),
      () => new File([new Uint8Array(3)], "a.bin"),
      () => new Uint8Array([1, 2]),
      () => new ArrayBuffer(0),
    ])(),
  BAD_ATTACHMENTS,
);
const attachments = {
  make: (w) => Object.fromEntries(ATTACHED.filter(() => w.r.chance(0.5)).map((name) => [name, attachmentValue.make(w)])),
  spoil: (w, value) => {
    if (w.r.chance(0.3)) return { value: { ...value, " ": new Blob() }, why: "a blank name" };
    const { value: wrong, why } = attachmentValue.spoil(w);
    return { value: { ...value, a: wrong }, why: `a: ${why}` };
  },
};

/** Named by a process that there is, and that the model knows; now and then by none. */
const parentId = leaf((w) => {
  const ids = [...w.model.processes.keys()];
  return ids.length > 0 && w.r.chance(0.9) ? w.r.pick(ids) : "unknown";
}, BAD_NAME);

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/** Where in a trace something is. */
export const traceContext = object("TraceContext", {
  traceparent: pick(
    [TRACEPARENT, TRACEPARENT.replace(/.$/, "0")],
    [
      ["no digits", () => "00-a-b-01"],
      ["capital letters", () => TRACEPARENT.toUpperCase()],
      ["a trace of zeros", () => `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
      ["more than there is", () => `${TRACEPARENT}-00`],
    ],
  ),
  tracestate: optional(
    pick(
      ["a=1", "s".repeat(512)],
      [
        ["an empty text", () => ""],
        ["513 characters", () => "s".repeat(513)],
        ["another alphabet", () => "a=é"],
      ],
    ),
    0.5,
  ),
});

const policy = {
  startAtMs: optional(instant, 0.1),
  deadlineAtMs: optional(never, 0.1),
  retry: optional(retry, 0.15),
  crashLimit: optional(few, 0.1),
  priority: optional(
    leaf(
      (w) => w.r.pick([0, 1, -1, 1_000_000, -1_000_000]),
      [
        ["more than a million", () => 1_000_001],
        ["less than minus a million", () => -1_000_001],
        ["half of one", () => 0.5],
        ["no number", () => NaN],
        ["2^53", () => 2 ** 53],
        ["a text", () => "1"],
        ["true", () => true],
      ],
    ),
    0.15,
  ),
  concurrencyKey: optional(pick(["key:a", "key:é"], BAD_NAME), 0.3),
  onConflict: optional(word("queue", "use_existing", "replace_pending", "cancel_running", "reject"), 0.6),
  debounce: optional(object(undefined, { delayMs: soon, maxDelayMs: optional(soon) }), 0.2),
  requires: optional(word("network"), 0.1),
  version: optional(count, 0.2),
  labels: optional(labels, 0.25),
  parentId: optional(parentId, 0.2),
  onParentEnd: optional(word("cancel", "abandon"), 0.5),
  traceContext: optional(traceContext, 0.1),
};
const anyPolicy = object("ProcessPolicy", policy);

/** A policy of which the fields belong together. */
function fitTogether(made) {
  if (made.concurrencyKey === undefined) (delete made.onConflict, delete made.debounce);
  if (made.debounce !== undefined && made.onConflict !== "replace_pending") delete made.onConflict;
  if (made.parentId === undefined) delete made.onParentEnd;
  return made;
}

/** Of a process that drivers work on: all of a policy, but for a parent, and times that come. */
export const drivenPolicy = (w) => {
  const { parentId: _, onParentEnd: __, ...made } = anyPolicy.make(w);
  if (made.startAtMs !== undefined) made.startAtMs = Date.now() + w.r.below(3);
  if (made.deadlineAtMs !== undefined) made.deadlineAtMs = Date.now() + w.r.below(40);
  return fitTogether(made);
};

/** What only runs and ends of other processes make a difference to is left to the processes that drivers work on. */
function modelled(made) {
  for (const field of ["concurrencyKey", "onConflict", "debounce"]) delete made[field];
  if (made.parentId === undefined) delete made.onParentEnd;
  else made.onParentEnd = "abandon";
  return made;
}

const BELONGING = ["concurrencyKey", "onConflict", "debounce", "parentId", "onParentEnd"];

/** Fields that go together, one without the other. */
const UNFIT = [
  ["onConflict without a key", { onConflict: "queue" }],
  ["debounce without a key", { debounce: { delayMs: 1 } }],
  ["onParentEnd without a parent", { onParentEnd: "cancel" }],
  ["debounce with another onConflict", { concurrencyKey: "k", onConflict: "reject", debounce: { delayMs: 1 } }],
];

const anyRegistration = object("ProcessRegistration", {
  id: pick(IDS),
  input,
  identity: optional(identity, 0.4),
  eventTypes: optional(eventTypes, 0.8),
  provenance: optional(provenance, 0.3),
  envRef: optional(text, 0.2),
  wakeTarget: optional(scope, 0.4),
  recovery: optional(word("rerun", "abandon"), 0.3),
  attachments: optional(attachments, 0.2),
  ...policy,
});
export const registration = {
  ...anyRegistration,
  make: (w) => modelled(anyRegistration.make(w)),
  spoil(w, value) {
    if (!w.r.chance(0.05)) return anyRegistration.spoil(w, value);
    const [why, more] = w.r.pick(UNFIT);
    const rest = Object.fromEntries(Object.entries(value).filter(([field]) => !BELONGING.includes(field)));
    return { value: { ...rest, ...more }, why };
  },
};

// ── Ends, waits, references ─────────────────────────────────────────────────

const failureClass = word(
  "invalid_request",
  "unavailable",
  "permission_denied",
  "timeout",
  "execution",
  "external",
  "resource_limit",
  "internal",
);
export const output = tagged("ProcessAwaitOutput", "type", {
  success: { value: json, control: optional(json, 0.2) },
  failure: { class: failureClass, code: label, message: text, raw: optional(json, 0.3), control: optional(json, 0.2) },
  cancelled: { message: text, raw: optional(json, 0.3), control: optional(json, 0.2) },
});
export const waitState = tagged("WaitState", "kind", {
  signal: {
    name: pick(SIGNALS, BAD_TEXT),
    names: optional(list(pick(SIGNALS, BAD_TEXT), 1, 3), 0.3),
    eventType: pick(TYPES, BAD_TEXT),
    key: pick(KEYS, BAD_TEXT),
    ordinal: count,
    sinceMs: count,
  },
});
export const externalRef = object("ProcessExternalRef", {
  backend: pick(["queue", "cloud"], BAD_TEXT),
  id: pick(["7", "8"], BAD_TEXT),
  metadata: optional(json, 0.3),
});
export const descriptor = object("HandleDescriptor", { kind: optional(label), label: optional(label) });

// ── Leases ──────────────────────────────────────────────────────────────────

const liveness = tagged(undefined, "kind", { opaque: {}, web_lock: { lockName: pick(["longwait:other:owner:x", "mine"], BAD_TEXT) } });
export const owner = object("LeaseOwner", {
  ownerId: pick(["page", "worker", "o".repeat(1024)]),
  incarnationId: pick(["i1", "i2"]),
  liveness: optional(liveness, 0.4),
});
const leaseShape = object("ProcessLease", {
  processId: pick(IDS, LONG),
  owner,
  leaseToken: pick(["token"], BAD_TEXT),
  fencingToken: count,
  claimedAtMs: count,
  expiresAtMs: count,
});
/** One that was given, or nearly that one, or one that was made up. */
export const lease = {
  make(w) {
    const given = w.someLease();
    if (given === undefined || w.r.chance(0.03)) return leaseShape.make(w);
    if (w.r.chance(0.8)) return given;
    return w.r.pick([
      { ...given, fencingToken: given.fencingToken + 1 },
      { ...given, leaseToken: `${given.leaseToken}x` },
      { ...given, owner: { ...given.owner, incarnationId: "another" } },
      { ...given, processId: w.r.pick(IDS) },
    ]);
  },
  /** As in `LATE`. */
  spoil(w, value) {
    const spoilt = leaseShape.spoil(w, value);
    return spoilt?.why.endsWith(" characters") ? { ...spoilt, codes: [...(spoilt.codes ?? []), "unknown_process"] } : spoilt;
  },
};
/** What gives a lease back: the lease, or the two of its fields that count. */
export const leaseToRelease = {
  make(w) {
    const { processId, leaseToken, ...rest } = lease.make(w);
    return w.r.chance(0.5) ? { processId, leaseToken } : { processId, leaseToken, ...rest };
  },
  spoil: object(undefined, { processId: pick(IDS), leaseToken: text }, { open: true }).spoil,
};

// ── Requests and queries ────────────────────────────────────────────────────

/** A blank one is nothing but undeclared. */
const declared = leaf((w) => {
  const types = w.aimedTypes();
  return types.length > 0 && w.r.chance(0.85) ? w.r.pick(types) : w.r.pick(UNDECLARED);
}, LONG);
export { declared as declaredType };

/** Payloads that selectors find something in, as often as not. */
export const payload = {
  ...json,
  make: (w) =>
    w.r.chance(0.4)
      ? {
          n: w.r.between(-1, 3),
          a: w.r.pick([[1], "text", null, ""]),
          b: w.r.pick([{}, { c: 1 }, false]),
          awaitOutput: w.r.chance(0.5) ? output.make(w) : json.make(w),
        }
      : json.make(w),
};

export const request = object("AppendRequest", {
  eventType: { ...declared, spoil: (w) => wrongOne(w, LATE) },
  payload: optional(payload, 0.8),
  replayKey: optional(
    leaf((w) => w.r.pick(KEYS), LATE),
    0.5,
  ),
  wakeTargetScope: optional(scope, 0.2),
  lease: optional(lease, 0.15),
});

export const filter = object("ListFilter", {
  status: optional(word("running", "completed", "failed", "cancelled", "any")),
  waiting: optional(boolean, 0.2),
  definition: optional(json, 0.1),
  kind: optional(pick(KINDS, LONG), 0.3),
  labels: optional({ ...labels, spoil: (w, value) => ({ value: { ...value, tenant: 7 }, why: "tenant: a number" }) }, 0.1),
  parentId: optional(
    leaf((w) => w.r.pick([...w.model.processes.keys(), "unknown"]), LONG),
    0.1,
  ),
  version: optional(count, 0.05),
  paused: optional(boolean, 0.15),
});
export const page = object("Page", {
  limit: optional(limit),
  cursor: optional(pick(IDS, BAD_TEXT), 0.3),
  order: optional(word("id", "oldest", "newest"), 0.4),
});
/** Where a fork begins: what of a log is copied is known of logs without steps alone, so that of the others only drivers' are forked. */
const forkPoint = leaf(
  (w) => w.r.pick(w.touchesDriven ? ["start", "failed", { step: "a" }, { step: "b" }] : ["start", "start", "start", { step: "none" }]),
  [
    ["another word", () => "end"],
    ["a number", () => 7],
    ["an object without a step", () => ({})],
    ["a blank step", () => ({ step: " " })],
    ["a step that is a number", () => ({ step: 7 })],
    ["a field too many", () => ({ step: "a", extra: 1 })],
    ["an array", () => []],
  ],
);
export const forking = object("ForkOptions", {
  newId: leaf((w) => (w.touchesDriven ? `d${w.r.below(6)}` : w.r.pick(IDS)), BAD_NAME),
  from: forkPoint,
  input: optional({ ...input, make: (w) => (w.aimedProcess && w.r.chance(0.7) ? w.aimedProcess.given.input : input.make(w)) }, 0.3),
});
const types = list(declared, 0, 3);
export const query = options("EventQuery", { limit: optional(limit), types: optional(types, 0.3) });
export const cursor = leaf(
  (w) => w.someCursor(),
  [...BAD_TEXT, ["words", () => "not a cursor"], ["a negative number", () => "-1"], ["nothing", () => ""]],
);
export const limitOf = limit;

// ── Waiting ─────────────────────────────────────────────────────────────────

export const signal = { ...leaf((w) => w.someSignal(), BAD_SIGNAL) };
const timeoutMs = leaf(
  (w) =>
    w.r.weighted([
      [3, 0],
      [2, 1],
      [1, 0.5],
      [1, 2 ** 40],
      [1, Infinity],
    ]),
  BAD_TIMEOUT,
);
export const waiting = options("WaitOptions", { signal: optional(signal), timeoutMs: optional(timeoutMs) });
export const waitingForEvent = options("WaitOptions", {
  signal: optional(signal),
  timeoutMs: optional(timeoutMs),
  untilTerminal: optional(boolean, 0.4),
});
export const following = options("EventsOptions", {
  after: optional(count),
  types: optional(types, 0.3),
  untilTerminal: optional(boolean),
  signal: optional(signal, 0.3),
});
export const reading = options("ReadStreamOptions", { startIndex: optional(count), signal: optional(signal, 0.3) });
export const streamName = pick(["s", "t", "é"], BAD_NAME);
export const signalName = pick(SIGNALS, [
  ...BAD_NAME,
  ["a space", () => "a b"],
  ["a dot", () => "a.b"],
  ["a letter that is not ASCII", () => "é"],
]);
export const signalOptions = options(undefined, { signalId: optional(pick(["1", "2", "é"])) });
export const reason = optional(pick(["bored", "", "é"], BAD_TEXT));
export const scopeAsOptions = options("SessionScope", { sessionId, agentFrameId: optional(pick(FRAMES), 0.3) });
export const leased = options(undefined, { lease: optional(lease, 0.5) });
export const forcing = options(undefined, { force: optional(boolean, 0.8) });
