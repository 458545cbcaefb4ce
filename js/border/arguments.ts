/**
 * The shapes of the documents that the public methods take, one for each. What only a rule can know (duplicates, conflicts,
 * what belongs together) is left to the rules.
 */
import { count as countOf, eventTypes, MAX_CHARACTERS, optional as maybe, options, SIGNAL } from "./check.js";
import { attachments } from "./attachments.js";
import type { Json } from "../types/public.js";
import { Fault } from "./fault.js";
import {
  count,
  either,
  finite,
  flag,
  isObject,
  label,
  list,
  name,
  object,
  oneOf,
  open,
  optional,
  payload,
  pointer,
  record,
  tagged,
  text,
  whole,
  type Fields,
  type Shape,
} from "./shapes.js";

const TERMINAL_STATES = ["completed", "failed", "cancelled"];

/** Names a session, and never a frame of another one: two scopes must not share an id. */
const sessionId: Shape = (value, budget, depth) => {
  const id = name(value, budget, depth) as string;
  if (id.includes("/frame:")) throw new Fault("must not contain /frame:");
  return id;
};

/** An event type. That of a signal may be as long as the longest name of a signal makes it. */
const eventType: Shape = (value, budget, depth) => {
  const copied = text(value, budget, depth) as string;
  label(copied.startsWith(SIGNAL) ? copied.slice(SIGNAL.length) : copied, { left: copied.length + 3 }, depth);
  return copied;
};

const scope = object({ sessionId, agentFrameId: optional(name) });

// ── Registrations ───────────────────────────────────────────────────────────

const input = tagged("type", {
  external: { metadata: optional(payload) },
  engine: { kind: name, payload: optional(payload) },
  tool_call: { call: open({ callId: label, toolName: label, toolId: optional(label), args: optional(payload) }) },
  session_turn: { createRequest: open({}), turnInput: payload },
});

const selector: Shape = either("payload", [
  { const: payload },
  { pointer },
  { present: pointer },
  // Each of a template's fields is a selector again.
  { template: text, fields: optional(record((value, budget, depth) => selector(value, budget, depth))) },
]);

const semantics = object({
  terminal: optional(object({ state: oneOf(...TERMINAL_STATES), awaitOutput: optional(selector) })),
  wake: optional(
    object({
      when: optional(selector),
      input: selector,
      dedupeKey: optional(either("event_identity", [{ selector }, { const: text }])),
    }),
  ),
});

/** When a failed attempt is repeated. */
const retry = object({
  maxAttempts: optional(count),
  initialIntervalMs: optional(count),
  backoffCoefficient: optional(finite),
  maxIntervalMs: optional(count),
  jitter: optional(flag),
});

const traceContext = object({ traceparent: text, tracestate: optional(text) });

const policy = {
  startAtMs: optional(count),
  deadlineAtMs: optional(count),
  retry: optional(retry),
  crashLimit: optional(count),
  priority: optional(whole),
  concurrencyKey: optional(name),
  onConflict: optional(oneOf("queue", "use_existing", "replace_pending", "cancel_running", "reject")),
  debounce: optional(object({ delayMs: count, maxDelayMs: optional(count) })),
  requires: optional(oneOf("network")),
  version: optional(count),
  labels: optional(record(label)),
  parentId: optional(name),
  onParentEnd: optional(oneOf("cancel", "abandon")),
  traceContext: optional(traceContext),
};

/** What of what is registered, and hashed, says neither what a process is nor what it does. */
const context = {
  provenance: optional(
    object({
      originator: tagged("type", {
        host: {},
        // Not interpreted, so held to less than a scope that is looked up.
        session: { scope: object({ sessionId: label, agentFrameId: optional(label) }) },
      }),
      causedBy: optional(payload),
    }),
  ),
  envRef: optional(label),
  wakeTarget: optional(scope),
  recovery: optional(oneOf("rerun", "abandon")),
};

/** That, and what comes beside a registration. */
const around = { ...context, attachments: optional(attachments), ...policy };

/** What is registered, and hashed. */
const registered = {
  id: name,
  input,
  identity: optional(object({ kind: name, label: optional(label), definition: optional(payload) })),
  eventTypes: optional(list(object({ name, payloadSchema: optional(payload), semantics: optional(semantics) }))),
  ...context,
};

const registration = { ...registered, ...around };

/** The policy of a definition, and what goes with it: what its processes have in common. */
const { parentId: _, onParentEnd: __, traceContext: ___, ...ownPolicy } = policy;
/** How a process of a definition is started: its version is that of the definition. */
const { version: ____, ...start } = around;

/** Before which record of a log a fork begins. */
const forkPoint: Shape = (value, budget, depth) =>
  (typeof value === "object" && value !== null ? object({ step: name }) : oneOf("start", "failed"))(value, budget, depth);

// ── Leases ──────────────────────────────────────────────────────────────────

const owner = object({
  ownerId: name,
  incarnationId: name,
  liveness: optional(tagged("kind", { opaque: {}, web_lock: { lockName: label } })),
});

/** An owner as a lease has it, which may be of a version that took longer names. */
const holder = object({
  ownerId: text,
  incarnationId: text,
  liveness: optional(tagged("kind", { opaque: {}, web_lock: { lockName: text } })),
});

const lease = object({ processId: text, owner: holder, leaseToken: text, fencingToken: count, claimedAtMs: count, expiresAtMs: count });

/** What of a lease gives it back. The rest of it is not looked at, and need not be there. */
const released = open({
  processId: name,
  leaseToken: text,
  owner: optional(
    passing({
      ownerId: optional(payload),
      incarnationId: optional(payload),
      liveness: optional(passing({ kind: optional(payload), lockName: optional(payload) })),
    }),
  ),
  fencingToken: optional(payload),
  claimedAtMs: optional(payload),
  expiresAtMs: optional(payload),
});

/** Any JSON; in an object, these fields may be `undefined`. */
function passing(fields: Fields): Shape {
  const inObject = open(fields);
  return (value, budget, depth) => (isObject(value) ? inObject : payload)(value, budget, depth);
}

// ── Events ──────────────────────────────────────────────────────────────────

// What was appended once is found again by its replay key, whatever names this version would take: they are the rules' to judge.
const append = object({
  eventType: text,
  payload: optional(payload),
  replayKey: optional(text),
  wakeTargetScope: optional(object({ sessionId: text, agentFrameId: optional(text) })),
  lease: optional(lease),
});

// ── Lines of an export ──────────────────────────────────────────────────────

/** A part of a line that counts its characters and levels by itself: as a document of its own it was as large and as deep before. */
const apart =
  (of: Shape): Shape =>
  (value) =>
    of(value, { left: MAX_CHARACTERS }, ABOVE);
/** Above the level of a document: what an event type makes of a payload holds it a few levels deeper. */
const ABOVE = -8;

/** Any JSON, `null` too, where it may be absent. */
const optionalPayload = { optional: apart(payload), nullIsAbsent: false };

const output = tagged("type", {
  success: { value: payload, control: optional(payload) },
  failure: {
    class: oneOf("invalid_request", "unavailable", "permission_denied", "timeout", "execution", "external", "resource_limit", "internal"),
    code: text,
    message: text,
    raw: optional(payload),
    control: optional(payload),
  },
  cancelled: { message: text, raw: optional(payload), control: optional(payload) },
});

const signalWait = { name: label, eventType, names: optional(list(text)), key: label, ordinal: count, sinceMs: count };

/** The wait of a record, also one of a run. */
const anyWait = tagged("kind", {
  signal: { ...signalWait, key: text },
  start: { untilMs: count, sinceMs: count },
  retry: { untilMs: count, attempt: count, step: optional(text), sinceMs: count },
  timer: { key: text, untilMs: count, sinceMs: count },
  process: { processId: text, sinceMs: count },
});

const externalRef = object({ backend: label, id: label, metadata: optional(payload) });

/** What the lines of an export hold behind the first one, each under its word. */
export const LINES = {
  process: object({
    registration: apart(object(registered)),
    policy: optional(object(policy)),
    registrationHash: text,
    createdAtMs: count,
    updatedAtMs: count,
    wakeTarget: optional(scope),
    externalRef: optional(apart(externalRef)),
    wait: optional(anyWait),
    paused: optional(object({ sinceMs: count, reason: optional(text) })),
    state: optionalPayload,
    progress: optional(object({ current: finite, total: optional(finite), message: optional(text), atMs: count })),
    runTraceContext: optional(traceContext),
    begun: optional(flag),
    hasChildren: optional(flag),
    debouncedSinceMs: optional(count),
    attempts: optional(count),
    crashes: optional(count),
    begunAt: optional(count),
    fence: count,
    life: optional(count),
    lastSequence: count,
  }),
  event: object({
    sequence: count,
    eventType: text,
    payload: apart(payload),
    replayKey: optional(text),
    semantics: apart(
      object({
        terminal: optional(object({ state: oneOf(...TERMINAL_STATES), awaitOutput: output })),
        wake: optional(object({ input: text, dedupeKey: text })),
      }),
    ),
    occurredAtMs: count,
    acked: optional(flag),
  }),
  stream: object({ name, chunks: count, attempt: count, closed: flag, keep: oneOf("process", "untilTerminal") }),
  chunks: object({ stream: text, first: count, attempt: count, values: list(apart(payload)) }),
  attachment: object({
    name,
    size: count,
    type: text,
    fileName: optional(text),
    lastModifiedMs: optional(whole),
    updatedAtMs: count,
  }),
  bytes: text,
  end: name,
  withdrawn: name,
  complete: object({ processes: count }),
} satisfies { [name: string]: Shape };

// ── All of them ─────────────────────────────────────────────────────────────

const wholeRegistration = object(registration);

export const SHAPES = {
  registration: wholeRegistration,
  registrations: list(wholeRegistration),
  /** Of a child, whose id may be made of its key. */
  child: object({ ...registration, id: optional(name) }),
  defined: object({ ...ownPolicy, recovery: around.recovery }),
  start: object({ id: optional(name), label: optional(label), ...start }),
  append,
  appends: list(append),
  output,
  externalRef,
  wait: tagged("kind", { signal: signalWait }),
  sessionId,
  scope,
  descriptor: object({ kind: optional(label), label: optional(label) }),
  owner,
  /** Of a lease that was seen. */
  holder,
  lease,
  released,
  filter: object({
    status: optional(oneOf("running", ...TERMINAL_STATES, "any")),
    waiting: optional(flag),
    definition: optional(payload),
    kind: optional(text),
    labels: optional(record(text)),
    parentId: optional(text),
    version: optional(count),
    paused: optional(flag),
  }),
  retry,
  traceContext,
  fork: object({ newId: name, from: forkPoint, input: optional(input) }),
  retention: object({ completedMs: optional(count), failedMs: optional(count), cancelledMs: optional(count) }),
  page: object({ limit: optional(count), cursor: optional(text), order: optional(oneOf("id", "oldest", "newest")) }),
} satisfies { [name: string]: Shape };

/** Which events of a log to read. */
export function eventQuery(value: unknown, name: string): Json {
  const { limit, types } = options<{ limit?: number; types?: string[] }>(value, name, {
    limit: maybe(countOf),
    types: maybe(eventTypes),
  });
  return { __proto__: null, ...(limit !== undefined && { limit }), ...(types !== undefined && { types }) } as unknown as Json;
}
