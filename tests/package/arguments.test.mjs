/**
 * The documents that calls take, field by field: of each field that is deleted, misspelt or given another value, the refusal
 * begins with the whole path of that very field; and what may be left out may be `undefined` or `null`, too.
 *
 * Each sample comes with what its fields are, by their paths. `?` marks those that may be left out.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventTypes, external, helped, openRegistry, success } from "./registry.mjs";

const tooLong = "n".repeat(1_025);
const longName = "has more than 1024 characters";
const selectors = `must be "payload", {const}, {pointer}, {present} or {template, fields}`;
const noText = [
  [7, "must be a string, not 7"],
  [true, "must be a string, not a boolean"],
  [["a"], "must be a string, not an array"],
  [{}, "must be a string, not an object"],
];
const label = [...noText, [tooLong, longName], ["\ud800", "has half of a surrogate pair"]];
const name = [...label, ["", "must not be blank"], [" \ufeff", "must not be blank"]];
const noWord = (...words) =>
  [...words, "", "other", 1, {}].slice(words.length).map((value) => [value, `must be one of ${words.join(", ")}`]);
const states = ["completed", "failed", "cancelled"];

/** What is refused in place of a value of each kind, and with which words. */
const kinds = {
  text: noText,
  label,
  name,
  session: [...name, ["s/frame:f", "must not contain /frame:"]],
  pointer: [...noText, ["a", "is a JSON pointer, and must be empty or begin with /"]],
  count: [
    [-1, "must be a whole number from 0 to 2^53 - 1, not -1"],
    ...[1.5, 2 ** 53, NaN, "1", true, [1]].map((value) => [value, "must be a whole number from 0 to 2^53 - 1, not "]),
  ],
  flag: [0, "true", {}].map((value) => [value, "must be true or false, not "]),
  object: ["x", 7, true, []]
    .map((value) => [value, "must be an object, not "])
    .concat([[new Map(), "is an instance of Map, not plain JSON"]]),
  list: ["x", 7, {}].map((value) => [value, "must be an array, not "]),
  payload: [
    [() => {}, "is a function, which JSON cannot hold"],
    [NaN, "is NaN"],
    [7n, "is a BigInt"],
  ],
  selector: [
    ["other", selectors],
    [7, selectors],
    [[], selectors],
    [{}, selectors],
  ],
  dedupe: [
    ["other", `must be "event_identity", {selector} or {const}`],
    [7, `must be "event_identity", {selector} or {const}`],
    [{}, `must be "event_identity", {selector} or {const}`],
  ],
  input: noWord("external", "engine", "tool_call", "session_turn"),
  originator: noWord("host", "session"),
  state: noWord(...states),
  status: noWord("running", ...states, "any"),
  order: noWord("id", "oldest", "newest"),
  point: noWord("start", "failed").filter(([value]) => typeof value !== "object"),
  recovery: noWord("rerun", "abandon"),
  output: noWord("success", "failure", "cancelled"),
  class: noWord("invalid_request", "unavailable", "permission_denied", "timeout", "execution", "external", "resource_limit", "internal"),
  liveness: noWord("opaque", "web_lock"),
  wait: noWord("signal"),
};

// ── The samples ─────────────────────────────────────────────────────────────

const scope = { sessionId: "s", agentFrameId: "f" };
const scopeFields = { sessionId: "session", agentFrameId: "name?" };
const owner = { ownerId: "o", incarnationId: "i", liveness: { kind: "web_lock", lockName: "l" } };
const ownerFields = {
  ownerId: "name",
  incarnationId: "name",
  liveness: "object?",
  "liveness.kind": "liveness",
  "liveness.lockName": "label",
};
const lease = { processId: "p", owner, leaseToken: "t", fencingToken: 1, claimedAtMs: 1, expiresAtMs: 2 };
// An owner in a lease is one that was claimed for, perhaps by a version that took longer names.
const holderFields = {
  ownerId: "text",
  incarnationId: "text",
  liveness: "object?",
  "liveness.kind": "liveness",
  "liveness.lockName": "text",
};
const below = (path, fields) => Object.fromEntries(Object.entries(fields).map(([field, kind]) => [`${path}.${field}`, kind]));
const leaseFields = {
  processId: "text",
  owner: "object",
  ...below("owner", holderFields),
  leaseToken: "text",
  fencingToken: "count",
  claimedAtMs: "count",
  expiresAtMs: "count",
};

const progress = {
  name: "progress",
  payloadSchema: { type: "object" },
  semantics: {
    terminal: { state: "completed", awaitOutput: { pointer: "/a" } },
    wake: {
      when: { present: "/a" },
      input: { template: "{x}", fields: { x: "payload", y: { const: { b: 1 } } } },
      dedupeKey: { selector: { pointer: "" } },
    },
  },
};
const fixed = { name: "fixed", semantics: { wake: { input: "payload", dedupeKey: { const: "c" } } } };
const typeFields = {
  "": "object",
  ".name": "name",
  ".payloadSchema": "payload?",
  ".semantics": "object?",
  ".semantics.terminal": "object?",
  ".semantics.terminal.state": "state",
  ".semantics.terminal.awaitOutput": "selector?",
  ".semantics.terminal.awaitOutput.pointer": "pointer choice",
  ".semantics.wake": "object?",
  ".semantics.wake.when": "selector?",
  ".semantics.wake.when.present": "pointer choice",
  ".semantics.wake.input": "selector",
  ".semantics.wake.input.template": "text choice",
  ".semantics.wake.input.fields": "object?",
  ".semantics.wake.input.fields.x": "selector entry",
  ".semantics.wake.input.fields.y": "selector entry",
  ".semantics.wake.input.fields.y.const": "payload choice",
  ".semantics.wake.dedupeKey": "dedupe?",
  ".semantics.wake.dedupeKey.selector": "selector choice",
  ".semantics.wake.dedupeKey.selector.pointer": "pointer choice",
};
const fixedFields = {
  "": "object",
  ".name": "name",
  ".semantics": "object?",
  ".semantics.wake": "object?",
  ".semantics.wake.input": "selector",
  ".semantics.wake.dedupeKey": "dedupe?",
  ".semantics.wake.dedupeKey.const": "text choice",
};
const behind = (path, fields) => Object.fromEntries(Object.entries(fields).map(([field, kind]) => [`${path}${field}`, kind]));

async function registered(registry, registration) {
  const { id } = await registry.registerProcess(registration);
  await registry.deleteProcess(id, { force: true });
}

async function onNew(registry, work) {
  await registry.registerProcess(external("new"));
  try {
    await work();
  } finally {
    await registry.deleteProcess("new", { force: true });
  }
}

const completed = (registry, output) => onNew(registry, () => registry.completeProcess("new", output));

/** [what it is, the argument's name, the call, the sample, its fields] */
const samples = [
  [
    "an external registration",
    "registration",
    registered,
    {
      id: "q",
      input: { type: "external", metadata: { a: 1 } },
      identity: { kind: "k", label: "l", definition: { a: 1 } },
      eventTypes: [progress, fixed],
      provenance: { originator: { type: "session", scope }, causedBy: { a: 1 } },
      envRef: "e",
      wakeTarget: scope,
      recovery: "abandon",
    },
    {
      id: "name",
      input: "object",
      "input.type": "input",
      "input.metadata": "payload?",
      identity: "object?",
      "identity.kind": "name",
      "identity.label": "label?",
      "identity.definition": "payload?",
      eventTypes: "list?",
      ...behind("eventTypes[0]", typeFields),
      ...behind("eventTypes[1]", fixedFields),
      provenance: "object?",
      "provenance.originator": "object",
      "provenance.originator.type": "originator",
      "provenance.originator.scope": "object",
      "provenance.originator.scope.sessionId": "label",
      "provenance.originator.scope.agentFrameId": "label?",
      "provenance.causedBy": "payload?",
      envRef: "label?",
      wakeTarget: "object?",
      ...below("wakeTarget", scopeFields),
      recovery: "recovery?",
    },
  ],
  [
    "a registration for an engine",
    "registration",
    registered,
    { id: "q", input: { type: "engine", kind: "k", payload: 1 }, provenance: { originator: { type: "host" } } },
    {
      id: "name",
      input: "object",
      "input.type": "input",
      "input.kind": "label",
      "input.payload": "payload?",
      provenance: "object?",
      "provenance.originator": "object",
      "provenance.originator.type": "originator",
    },
  ],
  [
    "a registration of a tool call",
    "registration",
    registered,
    { id: "q", input: { type: "tool_call", call: { callId: "c", toolName: "t", toolId: "i", args: { a: 1 }, more: { a: 1 } } } },
    {
      id: "name",
      input: "object",
      "input.type": "input",
      "input.call": "object",
      "input.call.callId": "label open",
      "input.call.toolName": "label open",
      "input.call.toolId": "label? open",
      "input.call.args": "payload? open",
      "input.call.more": "payload entry",
    },
  ],
  [
    "a registration of a turn",
    "registration",
    registered,
    { id: "q", input: { type: "session_turn", createRequest: { a: 1 }, turnInput: 1 } },
    {
      id: "name",
      input: "object",
      "input.type": "input",
      "input.createRequest": "object",
      "input.createRequest.a": "payload entry",
      "input.turnInput": "payload",
    },
  ],
  [
    "an append",
    "request",
    (registry, request) => registry.appendEvent("p", request),
    { eventType: "progress", payload: { a: 1 }, replayKey: "k", wakeTargetScope: scope, lease },
    {
      eventType: "text",
      payload: "payload?",
      replayKey: "text?",
      wakeTargetScope: "object?",
      "wakeTargetScope.sessionId": "text",
      "wakeTargetScope.agentFrameId": "text?",
      lease: "object?",
      ...below("lease", leaseFields),
    },
  ],
  ["a success", "output", completed, { type: "success", value: 1, control: 2 }, { type: "output", value: "payload", control: "payload?" }],
  [
    "a failure",
    "output",
    completed,
    { type: "failure", class: "execution", code: "c", message: "m", raw: 1, control: 2 },
    { type: "output", class: "class", code: "text", message: "text", raw: "payload?", control: "payload?" },
  ],
  [
    "a cancellation",
    "output",
    completed,
    { type: "cancelled", message: "m", raw: 1, control: 2 },
    { type: "output", message: "text", raw: "payload?", control: "payload?" },
  ],
  [
    "an output under a lease",
    "output",
    (registry, output) => registry.completeProcessWithLease(lease, output),
    success(1),
    { type: "output", value: "payload" },
  ],
  ["a lease to complete with", "lease", (registry, lease) => registry.completeProcessWithLease(lease, success(1)), lease, leaseFields],
  ["a lease to renew", "lease", (registry, lease) => registry.renewProcessLease(lease, 1_000), lease, leaseFields],
  [
    "a lease to give back",
    "lease",
    (registry, lease) => registry.completeProcessLease(lease),
    { processId: "p", leaseToken: "t" },
    { processId: "name open", leaseToken: "text open" },
  ],
  [
    "a lease that was observed",
    "observed",
    (registry, observed) => registry.reclaimProcessLease("p", owner, observed, 1_000),
    lease,
    leaseFields,
  ],
  ["an owner that claims", "owner", (registry, owner) => registry.claimProcessLease("p", owner, 1_000), owner, ownerFields],
  ["an owner that reclaims", "owner", (registry, owner) => registry.reclaimProcessLease("p", owner, lease, 1_000), owner, ownerFields],
  [
    "an external reference",
    "ref",
    (registry, ref) => onNew(registry, () => registry.setExternalRef("new", ref)),
    { backend: "b", id: "1", metadata: { a: 1 } },
    { backend: "label", id: "label", metadata: "payload?" },
  ],
  [
    "a wait",
    "wait",
    (registry, wait) => registry.setProcessWait("p", wait),
    { kind: "signal", name: "n", names: ["n", "m"], eventType: "signal.n", key: "k", ordinal: 1, sinceMs: 1 },
    {
      kind: "wait",
      name: "label",
      names: "list?",
      "names[0]": "text",
      "names[1]": "text",
      eventType: "label",
      key: "label",
      ordinal: "count",
      sinceMs: "count",
    },
  ],
  [
    "a filter",
    "filter",
    (registry, filter) => registry.listProcesses(filter),
    { status: "any", waiting: true, definition: { a: 1 }, kind: "k", labels: { user: "u" }, parentId: "m", version: 1, paused: false },
    {
      status: "status?",
      waiting: "flag?",
      definition: "payload?",
      kind: "text?",
      labels: "object?",
      "labels.user": "text entry",
      parentId: "text?",
      version: "count?",
      paused: "flag?",
    },
  ],
  [
    "a fork",
    "options",
    (registry, options) => registry.forkProcess("nobody", options),
    { newId: "q", from: { step: "s" }, input: { type: "external", metadata: 1 } },
    { newId: "name", from: "point", "from.step": "name", input: "object?", "input.type": "input", "input.metadata": "payload?" },
  ],
  ["a filter to count by", "filter", (registry, filter) => registry.countProcesses(filter), { kind: "k" }, { kind: "text?" }],
  [
    "a filter of a session",
    "filter",
    (registry, filter) => registry.session(scope).list(filter),
    { status: "any", kind: "k" },
    { status: "status?", kind: "text?" },
  ],
  [
    "a page",
    "page",
    (registry, page) => registry.listProcesses({}, page),
    { limit: 1, cursor: "a", order: "id" },
    { limit: "count?", cursor: "text?", order: "order?" },
  ],
  [
    "a page of what runs",
    "page",
    (registry, page) => registry.listNonTerminal(page),
    { limit: 1, cursor: "a" },
    { limit: "count?", cursor: "text?" },
  ],
  [
    "a descriptor",
    "descriptor",
    (registry, descriptor) => registry.grantHandle(scope, "p", descriptor),
    { kind: "k", label: "l" },
    { kind: "label?", label: "label?" },
  ],
  ...["grantHandle", "revokeHandle", "hasHandleGrant"].map((method) => [
    `the scope of ${method}`,
    "scope",
    (registry, scope) => registry[method](scope, "p"),
    scope,
    scopeFields,
  ]),
  ...["listHandleGrants", "listLiveHandleGrants"].map((method) => [
    `the scope of ${method}`,
    "scope",
    (registry, scope) => registry[method](scope),
    scope,
    scopeFields,
  ]),
  ["a scope to transfer from", "from", (registry, from) => registry.transferHandleGrants(from, scope, []), scope, scopeFields],
  ["a scope to transfer to", "to", (registry, to) => registry.transferHandleGrants(scope, to, []), scope, scopeFields],
];

// ── The changes ─────────────────────────────────────────────────────────────

const stepsOf = (path) => path.split(/\.|(?=\[)/).map((step) => (step.startsWith("[") ? Number(step.slice(1, -1)) : step));

/** A copy of the sample in which `change` was called with the object that the field is in, and the field. */
function changed(sample, path, change) {
  const copy = JSON.parse(JSON.stringify(sample)); // What is in two places is two objects in the copy.
  const steps = stepsOf(path);
  change(
    steps.slice(0, -1).reduce((object, step) => object[step], copy),
    steps.at(-1),
  );
  return copy;
}

/** The paths of all fields, as far as `isLookedInto`. */
function pathsOf(value, isLookedInto, path = "") {
  if (typeof value !== "object" || value === null || !isLookedInto(path)) return [];
  return Object.keys(value).flatMap((key) => {
    const at = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    return [at, ...pathsOf(value[key], isLookedInto, at)];
  });
}

let registry;
before(async () => {
  registry = await openRegistry({ storage: "memory" });
  await registry.registerProcess(external("p", { eventTypes }));
});
after(() => registry.close());

for (const [what, argument, call, sample, fields] of samples) {
  describe(what, () => {
    /** The refusal of a bad argument by its path; undefined where it was taken, or a rule refused it. */
    const fault = (given) =>
      call(registry, given).then(
        () => undefined,
        (error) => (error.code === "invalid_argument" && error.message.startsWith(argument) ? error.message : undefined),
      );

    async function refuses(given, path, why) {
      const got = await fault(given);
      assert.ok(got?.startsWith(`${path}: ${why}`), `${path}: ${why}… was expected, not ${got}`);
    }

    async function takes(given, path) {
      assert.equal(await fault(given), undefined, path);
    }

    test("is taken as it is, and no field of it is left out here", async () => {
      await takes(sample, argument);
      assert.deepEqual(pathsOf(sample, (path) => !fields[path]?.startsWith("payload")).sort(), Object.keys(fields).sort());
    });

    test("is an object that knows all of its fields", async () => {
      for (const value of [null, 7, "x", []]) await refuses(value, argument, "must be an object, not ");
      await refuses(new Map(), argument, "is an instance of Map, not plain JSON");
      if (what !== "a lease to give back") await refuses({ ...sample, unheardOf: 1 }, `${argument}.unheardOf`, "is not known here");
    });

    for (const [path, described] of Object.entries(fields)) {
      const [kind, how] = described.replace("?", "").split(" ");
      const isOptional = described.includes("?");
      const isItem = path.endsWith("]");
      const place = `${argument}.${path}`;
      const parent = place.replace(/(\.\w+|\[\d+\])$/, "");
      const put = (value) =>
        changed(sample, path, (object, field) => {
          object[field] = value;
        });

      test(`${path}: is refused with another value`, async () => {
        for (const [value, why] of kinds[kind]) await refuses(put(value), place, why);
      });

      test(`${path}: ${isOptional ? "may be" : "is not"} left out`, async () => {
        const left = changed(sample, path, (object, field) => {
          delete object[field];
        });
        if (isItem) return refuses(left, place, "must be ");
        if (how === "entry") {
          await takes(left, place);
          return refuses(put(undefined), place, kind === "payload" ? "is undefined" : "must be ");
        }
        for (const given of [left, put(undefined)]) {
          if (isOptional) await takes(given, place);
          else if (how === "choice") await refuses(given, parent, "must be ");
          else await refuses(given, place, "is missing");
        }
      });

      test(`${path}: may ${isOptional || kind === "payload" ? "" : "not "}be null`, async () => {
        if (isOptional || kind === "payload") return takes(put(null), place);
        await (how === "choice" ? refuses(put(null), parent, "must be ") : refuses(put(null), place, "must be "));
      });

      if (!isItem) {
        test(`${path}: is known by its name alone`, async () => {
          const renamed = changed(sample, path, (object, field) => {
            object[`${field}X`] = object[field];
            delete object[field];
          });
          if (how === "open" && !isOptional) await refuses(renamed, place, "is missing");
          else if (how === "open" || how === "entry") await takes(renamed, place);
          else await refuses(renamed, `${place}X`, "is not known here");
        });
      }
    }
  });
}

describe("what belongs to another kind", () => {
  const inputs = {
    external: { metadata: 1 },
    engine: { kind: "k", payload: 1 },
    tool_call: { call: { callId: "c", toolName: "t" } },
    session_turn: { createRequest: {}, turnInput: 1 },
  };
  const all = Object.assign({}, ...Object.values(inputs));
  const register = (input) => registered(registry, { id: "q", input });

  test("is refused in an input, and as good as absent when it is undefined", async () => {
    for (const [type, fields] of Object.entries(inputs)) {
      for (const other of Object.keys(all).filter((field) => !Object.hasOwn(fields, field))) {
        await register({ [other]: undefined, type, ...fields });
        for (const value of [all[other], null])
          await assert.rejects(register({ [other]: value, type, ...fields }), {
            code: "invalid_argument",
            message: helped(`registration.input.${other}: is not known here`),
          });
      }
    }
  });

  const wake = (input) => registered(registry, external("q", { eventTypes: [{ name: "e", semantics: { wake: { input } } }] }));
  const place = "registration.eventTypes[0].semantics.wake.input";

  test("is refused in a selector", async () => {
    const forms = { const: 1, pointer: "/a", present: "/a", template: "" };
    for (const [form, value] of Object.entries(forms)) {
      await wake({ [form]: value });
      for (const other of Object.keys(forms).filter((other) => other !== form)) {
        await wake({ [other]: undefined, [form]: value });
        const both = { [other]: forms[other], [form]: value };
        const second = Object.keys(forms).filter((known) => known in both)[1];
        await assert.rejects(wake(both), { code: "invalid_argument", message: helped(`${place}.${second}: is not known here`) });
      }
      if (form !== "template")
        await assert.rejects(wake({ [form]: value, fields: {} }), { message: helped(`${place}.fields: is not known here`) });
    }
    await wake({ pointer: null, present: null, template: "", fields: null });
    await wake({ const: null });
  });

  test("is refused by its path, as deep as selectors go", async () => {
    const nested = (inner) => ({ template: "{a}", fields: { a: { template: "{b c}", fields: { "b c": inner } } } });
    await wake(nested({ pointer: "/x", present: undefined }));
    for (const [inner, path] of [
      [{ pointr: "/x" }, `["b c"].pointr: is not known here`],
      [{ pointer: "x" }, `["b c"].pointer: is a JSON pointer`],
      [7, `["b c"]: ${selectors}, not `],
    ]) {
      await assert.rejects(wake(nested(inner)), (error) => error.message.startsWith(`${place}.fields.a.fields${path}`));
    }
    await assert.rejects(
      wake({ template: "", fields: { [tooLong]: "payload" } }),
      (error) =>
        error.message.startsWith(`${place}.fields["nnn`) && error.message.endsWith(helped(`is a name that has more than 1024 characters`)),
    );
  });
});

test("the event type of a wait may be as long as the longest name of a signal makes it", async () => {
  const wait = { kind: "signal", name: "n", eventType: `signal.${"n".repeat(1_024)}`, key: "k", ordinal: 1, sinceMs: 1 };
  assert.equal((await registry.setProcessWait("p", wait)).wait.eventType, wait.eventType);
  await assert.rejects(registry.setProcessWait("p", { ...wait, eventType: `${wait.eventType}n` }), {
    message: helped(`wait.eventType: ${longName}`),
  });
});

test("a lease is given back whatever else it holds", async () => {
  for (const more of [
    { owner: undefined },
    { owner: { ownerId: undefined, liveness: undefined } },
    { owner: 7, fencingToken: "one" },
    { more: 1 },
  ])
    await registry.completeProcessLease({ processId: "p", leaseToken: "t", ...more });
  await assert.rejects(registry.completeProcessLease({ processId: "p", leaseToken: "t", more: undefined }), {
    message: /^lease\.more: is undefined/,
  });
});

describe("single arguments", () => {
  test("that say how long a lease is held are between 1 and 2,147,483,647", async () => {
    const calls = [
      (ttl) => registry.claimProcessLease("p", owner, ttl),
      (ttl) => registry.reclaimProcessLease("p", owner, lease, ttl),
      (ttl) => registry.renewProcessLease(lease, ttl),
    ];
    for (const call of calls) {
      await assert.rejects(call(2 ** 31), {
        code: "invalid_argument",
        message: helped("ttlMs: must be at most 2147483647, not 2147483648"),
      });
      await assert.rejects(call(0), { code: "invalid_argument", message: helped("ttlMs: must be at least 1, not 0") });
    }
    assert.equal((await registry.claimProcessLease("p", owner, 2 ** 31 - 1)).outcome, "acquired");
  });

  test("that name a session do not read as a frame of another", async () => {
    await assert.rejects(registry.deleteSessionProcessState("s/frame:f"), {
      code: "invalid_argument",
      message: helped("sessionId: must not contain /frame:"),
    });
  });

  test("that name a signal are of ASCII letters, digits, _ and -", async () => {
    for (const name of ["a b", "a.b", "ä", "go\n", ""]) {
      await assert.rejects(registry.signal("p", name), {
        code: "invalid_argument",
        message: helped("name: must be of ASCII letters, digits, _ and -"),
      });
    }
    await registry.signal("p", "Go-1_x");
  });

  test("that say which events to read are refused by their path", async () => {
    for (const [query, message] of [
      [{ limit: "1" }, /^query\.limit: must be a number/],
      [{ types: ["a", 1] }, /^query\.types\[1\]: must be a string/],
      [{ types: [" "] }, /^query\.types\[0\]: must not be blank/],
      [{ tipes: [] }, /^query\.tipes: /],
      [{ limit: null }, /^query\.limit: /],
      [{ [Symbol("x")]: 1 }, /^query: has a symbol/],
    ])
      await assert.rejects(registry.eventsAfter("p", 0, query), { code: "invalid_argument", message });
  });

  test("that an engine answers a wait with are held to the shape of an output", async () => {
    for (const [answer, message] of [
      [{ type: "won" }, /^what attach answered\.type: must be one of success, failure, cancelled/],
      [{ type: "success" }, /^what attach answered\.value: is missing/],
      [7, /^what attach answered: must be an object, not 7/],
    ]) {
      const driver = registry.driver({ attach: { awaitTerminal: async () => answer } });
      await assert.rejects(driver.awaitTerminal("p"), { code: "invalid_argument", message });
    }
  });
});
